"""What pages state as fact agrees with the data, the model, and the command line."""

import ast
import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

import tokrec
from tokrec import cli
from tokrec.datasets import load_movielens, load_movielens_tags
from tokrec.datasets.fit_readers import reader_statistics
from tokrec.datasets.shelf import DOMAINS
from tokrec.features.encoder import bundled_folder
from tokrec.stored import stored

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
SYSTEMS = ["student", "before", "teacher", "second", "tfidf"]  # columns of the card's table
CARD = (ROOT / "book" / "encoder_card.md").read_text(encoding="utf-8")
SHELF = (ROOT / "book" / "shelf.md").read_text(encoding="utf-8")


def rows(page: str, heading: str) -> list[list[str]]:
    """Cells of the table whose heading row begins with `heading`."""
    lines = page[page.index(f"\n| {heading} |") + 1 :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def console_examples() -> list[tuple[str, str, str]]:
    """Page, command and printed output of each example with a prompt."""
    found = []
    for name in ("README.md", "book/setup.md"):
        for block in re.findall(r"```console\n\$ (.*?)```", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL):
            command, _, output = block.partition("\n")
            found.append((name, command, output))
    return found


def without_scores(output: str) -> tuple[str, list[float]]:
    """An output with its scores cut out, and the scores."""
    return re.sub(r"-?\d\.\d{3}", "#", output), [float(score) for score in re.findall(r"-?\d\.\d{3}", output)]


@pytest.mark.parametrize(("page", "command", "printed"), console_examples())
def test_console_examples_print_what_the_page_shows(page, command, printed, capsys):
    assert cli.main(shlex.split(command)[1:]) == 0
    text, scores = without_scores(capsys.readouterr().out)
    expected_text, expected_scores = without_scores(printed)
    assert text == expected_text, f"{page} shows an old output of {command}: put the new one there"
    assert scores == pytest.approx(expected_scores, abs=0.005)


def test_shelf_card_names_every_relation_kind_and_domain():
    shelf = tokrec.load_shelf()
    assert {row[0].strip("`") for row in rows(SHELF, "relation")} == set(shelf.facts["relation"])
    assert {row[0].strip("`") for row in rows(SHELF, "kind")} == set(shelf.queries["kind"])
    assert all(domain in SHELF for domain in DOMAINS)


def test_shelf_card_names_every_field_of_an_item():
    named = set(re.findall(r"`(\w+)`", " ".join(row[0] for row in rows(SHELF, "field"))))
    assert named == {"item_id", *tokrec.load_shelf().items.columns}


def test_shelf_card_states_how_far_two_judges_agree():
    shelf, grades = tokrec.load_shelf(), ["relevance", "grade"]
    pairs = shelf.second_judgement.merge(shelf.relevance, how="left").fillna({"relevance": 0})
    kappa = lambda first, second, weights: f"{cohen_kappa_score(first, second, weights=weights):.2f}"  # noqa: E731
    listed, twice = pairs[pairs["relevance"] > 0], pairs.dropna(subset="again")
    apart = (pairs["relevance"] - pairs["grade"]).abs()
    computed = [
        str(len(pairs)),
        str(len(listed)),
        *(kappa(pairs["relevance"], pairs["grade"], weights) for weights in ("quadratic", "linear")),
        kappa(listed["relevance"], listed["grade"], "quadratic"),
        f"{(apart == 0).mean():.0%}".replace("%", " %"),
        f"{(apart <= 1).mean():.0%}".replace("%", " %"),
        str(len(twice)),
        kappa(twice["grade"], twice["again"], "quadratic"),
    ]
    assert [row[1] for row in rows(SHELF, "agreement")] == computed
    worst = pairs[apart >= 2].assign(text=lambda table: table["query_id"].map(shelf.queries["text_en"]))
    told = [[cell.strip("`") for cell in row] for row in rows(SHELF, "query")]
    assert told == worst[["query_id", "text", "item_id", *grades]].astype({"relevance": int}).astype(str).to_numpy().tolist()
    assert apart.max() == 2 and len(worst) == 10


def test_page_of_the_readers_states_every_constant_of_the_simulator():
    page = (ROOT / "book" / "readers.md").read_text(encoding="utf-8")
    tree = ast.parse((ROOT / "tokrec" / "datasets" / "readers.py").read_text(encoding="utf-8"))
    constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, (int, float))}
    told = {number for number in constants if 25 <= number <= 1000 or (number > 1e-9 and number != int(number))}
    missing = {number for number in told if not re.search(rf"(?<![\d.]){re.escape(f'{number:g}')}(?![\d]|\.\d)", page)}
    assert not missing - {5.01}, "book/readers.md describes another simulator"


def test_page_of_the_readers_states_the_computed_figures():
    page = (ROOT / "book" / "readers.md").read_text(encoding="utf-8")
    (ratings, films), shelf = load_movielens(), tokrec.load_shelf()
    real, found = reader_statistics(ratings, len(films)), reader_statistics(shelf.interactions, len(shelf.items))
    assert rows(page, "statistic") == [[name, f"{real[name]:.3f}", f"{found[name]:.3f}"] for name in real]
    order = stored("readers_order").drop(columns="seed").agg(["mean", "min", "max"]).T.sort_values("mean")
    assert rows(page, "method") == [[name, *(f"{value:.3f}" for value in row)] for name, row in order.iterrows()]
    times = shelf.interactions["timestamp"]
    late = times >= times.min() + 0.8 * (times.max() - times.min())
    before, after = (set(shelf.interactions["user_id"][part]) for part in (~late, late))
    told = f"leaves {len(before):,} of the {len(before | after):,} readers before it, {len(after):,} after it"
    assert f"{told}, {len(before & after):,} of them on both sides, and {late.mean():.0%} of the interactions after it" in page
    dates = pd.to_datetime(shelf.items["date"].replace("", None)).dropna()
    news = shelf.interactions[shelf.interactions["item_id"].isin(dates.index)]
    days = (pd.to_datetime(news["timestamp"], unit="s").dt.normalize() - dates.reindex(news["item_id"]).to_numpy()).dt.days
    assert f"have {len(news) / len(dates):.0f} interactions on average, half of them within {days.median():.0f} days" in page


def test_encoder_card_agrees_with_the_model():
    config = json.loads((bundled_folder() / "config.json").read_text(encoding="utf-8"))
    stated = {row[0]: row[1] for row in rows(CARD, "property")}
    shape = ", ".join(str(config[key]) for key in ("num_hidden_layers", "hidden_size", "num_attention_heads"))
    assert stated["layers, hidden size, heads"] == shape
    assert stated["vocabulary"].startswith(f"{config['vocab_size']:,} ")
    assert stated["longest text"].startswith(f"{config['max_position_embeddings']} ")
    dense = json.loads((bundled_folder() / "2_Dense" / "config.json").read_text(encoding="utf-8"))
    assert stated["length of a vector"].startswith(f"{dense['out_features']};")
    assert sum(path.stat().st_size for path in bundled_folder().rglob("*") if path.is_file()) <= 16e6


def test_encoder_card_states_the_stored_scores():
    table = stored("encoder_scores").set_index("source")
    before = pd.read_csv(ROOT / "tokrec" / "distill" / "version_3.tsv", sep="\t", index_col="source")["student"]
    stated = rows(CARD, "score")
    for name, measure, student, earlier, teacher, second, _ in stated[: len(table)]:
        source = re.search(r"\((\S+)\)$", name)[1]
        row = table.loc[source]
        assert measure == f"top-1, {int(row['pairs']):,} pairs"
        assert student == f"{row['student']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
        assert (teacher, second) == (f"{row['teacher']:.2f}", f"{row['second']:.2f}")
        assert earlier == (f"{before[source]:.2f}" if source in before else "")
    checks = stored("encoder_checks").pivot(index="check", columns="system", values="mean")
    told = [["" if number != number else f"{number:.2f}" for number in row] for row in checks[SYSTEMS].to_numpy()]
    for row in stated[len(table) :]:
        assert [cell.split(" [")[0] for cell in row[2:]] in told, f"the card states {row}, which encoder_checks does not hold"
    assert len(stated) == len(table) + len(checks)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the encoder's training texts in {DATA}")
def test_encoder_card_counts_its_sources():
    files = {path.stem: path for folder in ("parallel", "mono") for path in (DATA / folder).iterdir()}
    stated = {row[0]: int(row[2].replace(",", "")) for row in rows(CARD, "source")}
    assert stated == {name: len(path.read_text(encoding="utf-8").split("\n")) - 1 for name, path in files.items()}


def test_movielens_card_states_the_counts():
    stated = {row[0]: row[1] for row in rows((ROOT / "book" / "movielens.md").read_text(encoding="utf-8"), "property")}
    interactions, items = load_movielens()
    assert stated["ratings"].startswith(f"{len(interactions):,},") and stated["films"].startswith(f"{len(items):,} ")
    assert stated["people"].startswith(
        f"{interactions['user_id'].nunique()}, each with at least {interactions['user_id'].value_counts().min()} "
    )
    assert stated["tags"].startswith(f"{len(load_movielens_tags()):,} ")
    days = [f"{day.day} {day:%B %Y}" for day in pd.to_datetime(interactions["timestamp"].agg(["min", "max"]), unit="s")]
    assert stated["time"] == " to ".join(days)


@pytest.mark.parametrize("name", ["README.md", "pyproject.toml", "book/movielens.md", "notebooks/shelf_statistics.ipynb"])
def test_conditions_of_movielens_are_told(name: str):
    told = (ROOT / name).read_text(encoding="utf-8").lower()
    for word in ("research", "commercial", "endorsement", "movielens"):
        assert word in told, f"{name} says nothing about {word}"
    assert "harper" in told and ("2015" in told)


def test_card_quotes_the_conditions_word_by_word():
    card = (ROOT / "book" / "movielens.md").read_text(encoding="utf-8")
    quoted = re.search(r'development data set: "(.*?)"', card)[1]
    assert quoted in (ROOT / "LICENSE-MovieLens").read_text(encoding="utf-8")
