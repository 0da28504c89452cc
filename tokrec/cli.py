"""The command line: ``tokrec recommend "…"`` and ``tokrec info`` (chapter *recommender*)."""

from __future__ import annotations

import argparse
import gc
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from unicodedata import east_asian_width

import pandas as pd


def parser() -> argparse.ArgumentParser:
    """The command line's grammar. Chapter *recommender*."""
    top = argparse.ArgumentParser(
        prog="tokrec", description="Recommend items from the bundled shelf, or from your own, for a text in Chinese or English."
    )
    commands = top.add_subparsers(dest="command", required=True)
    recommend = commands.add_parser("recommend", help="the best items for a text or a reader")
    recommend.add_argument("query", nargs="?", help="what you are looking for, in Chinese or English")
    recommend.add_argument("-k", type=int, default=10, help="how many items (default 10)")
    recommend.add_argument("--user", help="a reader of the shelf, such as u0001, instead of a text")
    recommend.add_argument("--items", type=Path, help="a CSV file (UTF-8, with a heading) of your own items")
    recommend.add_argument("--text", help="the column of --items to recommend by")
    commands.add_parser("info", help="versions, device, data and model")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, or 2 with a message for bad input. Chapter *recommender*."""
    options = parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    collecting = gc.isenabled()
    gc.disable()  # the run is short: collecting garbage while the libraries load would cost a fifth of it
    try:
        return info() if options.command == "info" else recommend(options)
    except (ValueError, TypeError, OSError) as error:
        print(f"tokrec: {error}", file=sys.stderr)
        return 2
    finally:
        if collecting:
            gc.enable()


def recommend(options: argparse.Namespace) -> int:
    """Print a table of recommendations. Chapter *recommender*."""
    from tokrec.checks import check_k

    if (options.query is None) == (options.user is None):
        raise ValueError('give a text or --user ID, for example: tokrec recommend "想要购买一款智能手表"')
    check_k(options.k)
    if options.text and not options.items:
        raise ValueError("--text names a column of --items: give that file too")
    if options.user is not None:
        return recommend_to_reader(options)
    from tokrec.mining import describe, shelf_recommender
    from tokrec.recommend import HybridRecommender

    if options.items:
        from tokrec.datasets import read_items

        recommender = HybridRecommender().fit(None, read_items(options.items, options.text))
    else:
        recommender = shelf_recommender()
    found = recommender.recommend(text=options.query, k=options.k)
    show(describe(found, recommender, options.query)[["rank", "title", "domain", "score", "shared"]])
    return 0


def recommend_to_reader(options: argparse.Namespace) -> int:
    """Print what a reader of the shelf liked last, and the recommendations. Chapter *recommender*."""
    if options.items:
        raise ValueError("--user names a reader of the bundled shelf: it cannot go with --items")
    from tokrec.datasets import load_shelf
    from tokrec.recommend import ContentRecommender

    shelf = load_shelf()
    recommender = ContentRecommender("encoder").fit(shelf.interactions, shelf.items)
    found = recommender.recommend(options.user, k=options.k)
    own = shelf.interactions[shelf.interactions["user_id"] == options.user].nlargest(5, "timestamp")
    print(f"{options.user} rated last:")
    titles = shelf.items.loc[own["item_id"]]
    show(pd.DataFrame({"rating": own["rating"].to_numpy(), "title": titles["title_en"].to_numpy(), "domain": titles["domain"].to_numpy()}))
    print()
    items = shelf.items.loc[found["item_id"]]
    show(
        pd.DataFrame(
            {"rank": found["rank"], "title": items["title_en"].to_numpy(), "domain": items["domain"].to_numpy(), "score": found["score"]}
        )
    )
    return 0


def info() -> int:
    """Print versions, device, data and model. Chapter *recommender*."""
    from tokrec import __version__
    from tokrec.datasets import load_shelf
    from tokrec.features.encoder import load_encoder

    shelf, encoder = load_shelf(), load_encoder()
    names = ("torch", "transformers", "tokenizers", "scikit-learn", "spacy", "jieba", "pandas", "numpy")
    print(f"tokrec        {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    print("libraries     " + ", ".join(f"{name} {version(name)}" for name in names))
    print(f"device        {encoder.device}")
    print(f"shelf         {len(shelf.items)} items, {len(shelf.facts)} facts, {len(shelf.queries)} queries, {len(shelf.reviews)} reviews,")
    print(f"              {shelf.interactions['user_id'].nunique()} simulated readers, {len(shelf.interactions)} interactions")
    size = sum(parameter.numel() for parameter in encoder.model.parameters()) / 1e6
    print(f"model         {encoder.name}: {size:.1f} million parameters, vectors of {encoder.dimension}, {encoder.max_length} tokens")
    return 0


def show(table: pd.DataFrame) -> None:
    """Print a table whose columns line up although Chinese characters are two columns wide. Chapter *recommender*."""
    cells = [[f"{value:.3f}" if isinstance(value, float) else str(value) for value in row] for row in table.itertuples(index=False)]
    rows = [list(map(str, table.columns)), *cells]
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell + " " * (space - width(cell)) for cell, space in zip(row, widths, strict=True)).rstrip())


def width(text: str) -> int:
    """Columns that a text takes in a terminal. Chapter *recommender*."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


if __name__ == "__main__":
    raise SystemExit(main())
