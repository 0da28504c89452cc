"""``tokrec recommend``, ``tokrec evaluate`` and ``tokrec info`` (chapters *recommender* and *evaluation*)."""

from __future__ import annotations

import argparse
import csv
import gc
import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING
from unicodedata import category, east_asian_width

from tokrec import __version__

if TYPE_CHECKING:  # what takes time to load is loaded inside main(), where Ctrl-C ends quietly
    import pandas as pd

EXAMPLE = 'tokrec recommend "想要购买一款智能手表"'


def parser() -> argparse.ArgumentParser:
    """The grammar of the command line. Chapter *recommender*."""
    top = argparse.ArgumentParser(
        prog="tokrec",
        description="Recommend items for a text in Chinese or English, or judge methods: on the bundled shelf, or on your own data.",
    )
    top.add_argument("--version", action="version", version=f"tokrec {__version__}")
    commands = top.add_subparsers(dest="command", required=True)
    recommend = commands.add_parser("recommend", help="the best items for a text or a reader")
    recommend.add_argument("query", nargs="*", help="what you are looking for, in Chinese or English; quotes are not needed")
    recommend.add_argument("-k", type=positive, default=10, metavar="N", help="how many items (default 10)")
    recommend.add_argument("--user", metavar="ID", help="a reader of the shelf, such as u0001, instead of a text")
    recommend.add_argument("--items", metavar="FILE", help="your own items: CSV, JSON lines, .xlsx, Parquet …; - for standard input")
    recommend.add_argument("--text", metavar="COLUMN", help="the column of --items to recommend by")
    recommend.add_argument("--encoding", metavar="NAME", help="of --items, such as gb18030; found out by default")
    recommend.add_argument("--format", choices=("table", "csv", "json"), default="table", help="how to print the answer (default table)")
    evaluate = commands.add_parser("evaluate", help="the book's methods judged on your own interactions")
    evaluate.add_argument(
        "--interactions",
        metavar="FILE",
        required=True,
        help="who chose what: columns for reader and item, with ratings and times or without",
    )
    evaluate.add_argument(
        "--items", metavar="FILE", required=True, help="your items, with titles or texts: CSV, JSON lines, .xlsx, Parquet …"
    )
    evaluate.add_argument("--text", metavar="COLUMN", help="the column of --items to recommend by")
    evaluate.add_argument(
        "--positive", type=float, metavar="RATING", help="from which rating on an interaction counts as liked (default 4 of five stars)"
    )
    evaluate.add_argument(
        "--rolling", action="store_true", help="judge also with all readers cut at one moment, three times; takes four times as long"
    )
    evaluate.add_argument("--encoding", metavar="NAME", help="of both files, such as gb18030; found out by default")
    evaluate.add_argument("--format", choices=("table", "csv", "json"), default="table", help="how to print the table (default table)")
    commands.add_parser("info", help="versions, device, data, model and cache")
    return top


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse. Chapter *recommender*."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status. Chapter *recommender*.

    0; 2 with a message for bad input; 130 after Ctrl-C; 141 when nobody reads on (a closed pipe). What was computed stays in the cache.
    """
    options = parser().parse_args([as_typed(word) for word in (sys.argv[1:] if arguments is None else arguments)])
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  as long as the process
        elif hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(encoding="utf-8", errors="replace")
    collecting = gc.isenabled()
    gc.disable()  # the run is short: collecting garbage while the libraries load would cost a fifth of it
    try:
        if options.command == "info":
            info()
        else:
            {"recommend": recommend, "evaluate": evaluate}[options.command](options)
        sys.stdout.flush()
        return 0
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  nothing more is written, and Python's own flush at the end must not fail
        return 141
    except KeyboardInterrupt:
        return 130
    except (ValueError, TypeError, OSError, MemoryError) as error:
        print(f"tokrec: {one_line(str(error)) or 'not enough memory'}", file=sys.stderr)
        return 2
    finally:
        if collecting:
            gc.enable()


def as_typed(word: str) -> str:
    """A word of the command line as UTF-8, whatever the locale made of its bytes. Chapter *recommender*."""
    try:
        return os.fsencode(word).decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return word


def recommend(options: argparse.Namespace) -> None:
    """Print recommendations, and under them how far to trust them. Chapter *recommender*."""
    query = " ".join(options.query)
    if bool(options.query) == (options.user is not None):
        raise ValueError(f"give a text or --user ID, for example: {EXAMPLE}")
    for name in ("text", "encoding"):
        if getattr(options, name) is not None and options.items is None:
            raise ValueError(f"--{name} says something about --items: give that file too")
    if options.user is not None:
        recommend_to_reader(options)
        return
    from tokrec.mining import describe, shelf_recommender, shelf_threshold, verdict
    from tokrec.recommend import HybridRecommender
    from tokrec.text import check_query

    check_query(query)
    if options.items is not None:
        from tokrec.datasets import read_items

        items = read_items(options.items, options.text, options.encoding)
        named = "standard input" if options.items == "-" else options.items
        print(one_line(f"{named}: {items.attrs['told']}"), file=sys.stderr)
        recommender = HybridRecommender().fit(None, items)
    else:
        recommender = shelf_recommender()
    found = describe(recommender.recommend(text=query, k=options.k), recommender, query)
    related, probability = verdict(query, found["score"].iloc[0], shelf_threshold())
    said = "relevant" if related else "not sure that anything here is relevant"
    told = f"verdict: {said}; a judge would call the first one relevant with probability {probability:.2f}"
    if options.items is not None:
        told += " (calibrated on the bundled shelf)"
    table = found[["item_id", "rank", "title", "domain", "score", "shared"]]
    show(table.drop(columns="item_id") if options.format == "table" else table, options.format, told)


def recommend_to_reader(options: argparse.Namespace) -> None:
    """Print what a reader of the shelf liked last, and the recommendations. Chapter *recommender*."""
    if options.items is not None:
        raise ValueError("--user names a reader of the bundled shelf: it cannot go with --items")
    import pandas as pd

    from tokrec.datasets import load_shelf
    from tokrec.mining import titles
    from tokrec.recommend import ContentRecommender

    shelf = load_shelf()
    readers = sorted(shelf.interactions["user_id"].unique())
    if options.user not in readers:
        raise ValueError(f"--user {options.user!r} is no reader of the shelf: they are {readers[0]} to {readers[-1]}")
    recommender = ContentRecommender("encoder").fit(shelf.interactions, shelf.items)
    found = recommender.recommend(options.user, k=options.k)
    own = shelf.interactions[shelf.interactions["user_id"] == options.user].nlargest(5, "timestamp")
    items = shelf.items.loc[found["item_id"]]
    if options.format == "table":
        rated = shelf.items.loc[own["item_id"]]
        print(f"{options.user} rated last:")
        show(pd.DataFrame({"rating": own["rating"].to_numpy(), "title": titles(rated, "en"), "domain": rated["domain"].to_numpy()}))
        print()
    table = found.assign(title=titles(items, "en"), domain=items["domain"].to_numpy())
    show(table[[*(["item_id"] if options.format != "table" else []), "rank", "title", "domain", "score"]], options.format)


def evaluate(options: argparse.Namespace) -> None:
    """Print the table of methods on a reader's own interactions. Chapter *evaluation*."""
    from tokrec.datasets import read_interactions, read_items
    from tokrec.own_evaluation import judge_methods

    if options.items == options.interactions == "-":
        raise ValueError("standard input can hold one of the two files: give the other one by name")
    items = read_items(options.items, options.text, options.encoding)
    interactions = read_interactions(options.interactions, items, options.encoding)
    for table, file in ((items, options.items), (interactions, options.interactions)):
        print(one_line(f"{'standard input' if file == '-' else file}: {table.attrs['told']}"), file=sys.stderr)
    judged = judge_methods(interactions, items, options.positive, options.rolling)
    show(judged.table, options.format, judged.told, "methods")


def info() -> None:
    """Print versions, device, data, model and the cache folder. Chapter *recommender*."""
    from tokrec.datasets import load_shelf, movielens_folder
    from tokrec.features.cache import cache_folder
    from tokrec.features.encoder import load_encoder

    shelf, encoder = load_shelf(), load_encoder()
    names = ("torch", "transformers", "tokenizers", "scikit-learn", "spacy", "jieba", "pandas", "numpy")
    print(f"tokrec        {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    print("libraries     " + ", ".join(f"{name} {version(name)}" for name in names))
    print(f"device        {encoder.device}")
    print(f"shelf         {len(shelf.items)} items, {len(shelf.facts)} facts, {len(shelf.queries)} queries, {len(shelf.reviews)} reviews,")
    print(f"              {shelf.interactions['user_id'].nunique()} simulated readers, {len(shelf.interactions)} interactions")
    present = (movielens_folder() / "ml-latest-small.zip").is_file()
    print(f"MovieLens     {'ml-latest-small, research use only: see README.txt in ' + str(movielens_folder()) if present else 'taken out'}")
    size = sum(parameter.numel() for parameter in encoder.model.parameters()) / 1e6
    print(f"model         {encoder.version}: {size:.1f} million parameters, vectors of {encoder.dimension}, {encoder.max_length} tokens")
    kept = [path for path in cache_folder().rglob("*") if path.is_file()]
    print(f"cache         {cache_folder()}: {sum(path.stat().st_size for path in kept) / 1e6:.1f} MB, may be deleted")


def show(table: pd.DataFrame, style: str = "table", told: str = "", rows_are: str = "items") -> None:
    """Print a table, and a remark under it. Chapter *recommender*.

    As ``table`` with columns that line up although Chinese characters are two columns wide; as ``csv`` in which no cell begins as a
    spreadsheet's formula does, the remark on stderr; or as ``json``.
    """
    rows = table.to_dict("records")
    if style == "json":
        print(json.dumps({rows_are: rows} | ({"remark": told} if told else {}), ensure_ascii=False, indent=1))
    elif style == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows([harmless(value) for value in row.values()] for row in rows)
        if told:
            print(told, file=sys.stderr)
    else:
        cells = [[f"{value:.3f}" if isinstance(value, float) else one_line(str(value)) for value in row.values()] for row in rows]
        lines = [list(map(str, table.columns)), *cells]
        widths = [max(width(line[column]) for line in lines) for column in range(len(lines[0]))]
        for line in lines:
            print("  ".join(cell + " " * (space - width(cell)) for cell, space in zip(line, widths, strict=True)).rstrip())
        if told:
            print(told)


def harmless(value: object) -> object:
    """A cell that no spreadsheet takes for a formula and no terminal for a command. Chapter *recommender*."""
    if not isinstance(value, str):
        return value
    plain = one_line(value)
    return f"'{plain}" if plain[:1] in ("=", "+", "-", "@") else plain


def one_line(text: str) -> str:
    """A text without line breaks and without characters that move a terminal's cursor. Chapter *recommender*."""
    return " ".join("".join(char if category(char)[0] != "C" or char in "\u200c\u200d" else " " for char in text).split())


def width(text: str) -> int:
    """Columns that a text takes in a terminal. Chapter *recommender*."""
    return sum(0 if category(char) in ("Mn", "Me", "Cf") else 2 if east_asian_width(char) in "WF" else 1 for char in text)


if __name__ == "__main__":
    raise SystemExit(main())
