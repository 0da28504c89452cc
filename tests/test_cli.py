"""The command line: sensible first pages, one's own items, the cache, messages for mistakes."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

import tokrec
from tokrec.cli import main, show, width
from tokrec.datasets import movielens_folder

ARTICLES = [
    "我喜欢看电影",
    "最近天气很好",
    "我最喜欢的食物是火锅",
    "这本书非常有趣",
    "我爱编程",
    "I am interested in technology and programming.",
    "想要购买一款智能手表",
    "机器学习在自然语言处理中的应用",
    "我最近在寻找一款性价比高的智能手机",
]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's cache folder, for the time of these tests somewhere else."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("platformdirs.user_cache_path", lambda name: folder / name)
        yield folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run the command line: the lines of its output, after checking its exit status."""

    def call(*arguments: str) -> list[str]:
        assert main(arguments) == 0
        return capsys.readouterr().out.splitlines()

    return call


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]):
    """Run the command line in vain: its message."""

    def call(*arguments: str) -> str:
        assert main(arguments) == 2
        found = capsys.readouterr()
        assert found.out == "" and found.err.startswith("tokrec: ") and found.err.count("\n") == 1
        return found.err

    return call


def kinds(query: str, k: int) -> list[str]:
    from tokrec.mining import shelf_recommender

    items = tokrec.load_shelf().items
    return items.loc[shelf_recommender().recommend(text=query, k=k)["item_id"], "kind"].tolist()


@pytest.mark.parametrize("query", ARTICLES)
def test_the_articles_queries(run, query: str):
    lines = run("recommend", query, "-k", "5")
    assert lines[0].split() == ["rank", "title", "domain", "score", "shared"] and len(lines) == 6
    rows = [re.split(r"\s{2,}", line) for line in lines[1:]]
    assert [row[0] for row in rows] == list("12345")
    title = f"title_{'zh' if tokrec.guess_language(query) == 'zh' else 'en'}"
    assert {row[1] for row in rows} <= set(tokrec.load_shelf().items[title])
    scores = [float(row[3]) for row in rows]
    assert scores == sorted(scores, reverse=True)


def test_a_watch_comes_first_for_the_watch_query(run):
    assert kinds("想要购买一款智能手表", 5).count("watch") >= 4
    assert kinds("想要购买一款智能手表", 1) == ["watch"] == kinds("I want to buy a smart watch", 1)


def test_code_is_among_the_first_five_for_programming(run):
    assert "Code: The Hidden Language" in " ".join(run("recommend", "I am interested in technology and programming.", "-k", "5"))


@pytest.mark.parametrize("query", ["我最近在寻找一款性价比高的智能手机", "I am looking for a smartphone that is good value for money"])
def test_phones_for_the_phone_query(query: str):
    assert kinds(query, 1) == ["phone"] and kinds(query, 5).count("phone") >= 3


def test_hot_pot_and_films():
    assert set(kinds("我最喜欢的食物是火锅", 3)) <= {"recipe", "food", "kitchen", "place"}
    assert "film" in kinds("我喜欢看电影", 5) and "book" in kinds("这本书非常有趣", 5)


def test_a_reader_of_the_shelf(run):
    shelf = tokrec.load_shelf()
    user = shelf.interactions["user_id"].value_counts().index[0]
    lines = run("recommend", "--user", user, "-k", "4")
    assert lines[0] == f"{user} rated last:" and lines[1].split() == ["rating", "title", "domain"]
    blank = lines.index("")
    latest = shelf.interactions[shelf.interactions["user_id"] == user].iloc[-1]
    assert shelf.items.loc[latest["item_id"], "title_en"] in "".join(lines[2:blank])
    assert lines[blank + 1].split() == ["rank", "title", "domain", "score"] and len(lines[blank + 2 :]) == 4
    seen = set(shelf.items.loc[shelf.interactions["item_id"][shelf.interactions["user_id"] == user], "title_en"])
    assert not {re.split(r"\s{2,}", line)[1] for line in lines[blank + 2 :]} & seen


def test_info(run):
    text = "\n".join(run("info"))
    shelf = tokrec.load_shelf()
    for part in (
        tokrec.__version__,
        "torch",
        "jieba",
        "device",
        f"{len(shelf.items)} items",
        f"{len(shelf.reviews)} reviews",
        "tokrec-mini",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recommend"], "give a text or --user ID"),
        (["recommend", "x", "--user", "u0001"], "give a text or --user ID"),
        (["recommend", "--user", "nobody"], "unknown user 'nobody': this recommender knows 2000 readers"),
        (["recommend", "  "], "the query is blank"),
        (["recommend", "watch", "-k", "0"], "k must be a whole number of at least 1, got 0"),
        (["recommend", "--user", "u0001", "-k", "-3"], "k must be a whole number"),
        (["recommend", "x", "--items", "nowhere.csv"], "there is no file nowhere.csv"),
        (["recommend", "x", "--text", "plot"], "--text names a column of --items"),
        (["recommend", "--user", "u0001", "--items", "a.csv"], "it cannot go with --items"),
    ],
)
def test_mistakes_end_with_a_message(fails, arguments: list[str], message: str):
    assert message in fails(*arguments)


@pytest.mark.parametrize("arguments", [[], ["recommend", "x", "-k", "many"], ["dance"]])
def test_wrong_grammar(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: tokrec" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "query", "first"),
    [
        ("title,description\nHeron,A watch for divers\nFig,A phone for children\n", "a watch to dive with", "Heron"),
        ("片名,简介\n教父,一个黑帮家族的兴衰\n海底总动员,小丑鱼爸爸寻找儿子\n", "黑帮电影", "教父"),
        ("plot,price\ndetectives in London,3\nspaceships and robots,4\n", "robots in space", "spaceships and robots"),
    ],
)
def test_items_of_ones_own(run, tmp_path: Path, content: str, query: str, first: str):
    path = tmp_path / "own.csv"
    path.write_text(content, encoding="utf-8")
    lines = run("recommend", query, "--items", str(path), *(["--text", "plot"] if content.startswith("plot") else []))
    assert len(lines) == 3 and re.split(r"\s{2,}", lines[1])[:2] == ["1", first]


def test_a_file_that_is_not_utf8(fails, tmp_path: Path):
    path = tmp_path / "own.csv"
    path.write_bytes("标题\n手表\n".encode("gb18030"))
    assert "is not UTF-8" in fails("recommend", "手表", "--items", str(path))


def test_vectors_are_cached_and_a_damaged_cache_is_mended(run, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "own.csv"
    path.write_text("title\nlight novel\nlight laptop\nlight rain\n", encoding="utf-8")
    before = set(cache.rglob("*.npz"))
    first = run("recommend", "a thin notebook", "--items", str(path))
    (stored,) = set(cache.rglob("*.npz")) - before
    assert [found.name for found in tmp_path.iterdir()] == ["own.csv"]  # nothing is written beside the items
    counted: list[int] = []
    encode = tokrec.Encoder.encode
    monkeypatch.setattr(
        tokrec.Encoder, "encode", lambda self, texts, *rest, **named: counted.append(len(texts)) or encode(self, texts, *rest, **named)
    )
    assert run("recommend", "a thin notebook", "--items", str(path)) == first and counted == [1]  # the query alone
    stored.write_bytes(stored.read_bytes()[:-40])
    assert run("recommend", "a thin notebook", "--items", str(path)) == first and sorted(counted) == [1, 1, 3]
    with np.load(stored) as archive:
        assert archive["vectors"].shape == (3, 384)


@pytest.fixture(scope="module")
def movies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MovieLens' films as the file that people have."""
    with ZipFile(movielens_folder() / "ml-latest-small.zip") as archive:
        return Path(archive.extract("ml-latest-small/movies.csv", tmp_path_factory.mktemp("movies")))


@pytest.mark.parametrize(
    ("query", "sensible"),
    [
        ("a space adventure for children", "children"),  # a film for children with space travel or adventure among the first five
        ("黑帮电影", "crime"),  # gangster films: a crime film among the first five, found across languages
    ],
)
def test_movielens(query: str, sensible: str, run, movies: Path):
    known = pd.read_csv(movies).drop_duplicates("title").set_index("title")["genres"]
    lines = run("recommend", query, "--items", str(movies), "-k", "5")
    genres = [known[re.split(r"\s{2,}", line)[1]] for line in lines[1:]]
    if sensible == "crime":
        assert any("Crime" in found for found in genres), lines
    else:
        assert any("Children" in found and ("Sci-Fi" in found or "Adventure" in found) for found in genres), lines


def test_columns_line_up(capsys: pytest.CaptureFixture[str]):
    assert width("a智b") == 4 and width("") == 0
    show(pd.DataFrame({"title": ["智能手表", "watch"], "score": [0.5, 1.25]}))
    assert capsys.readouterr().out == "title     score\n智能手表  0.500\nwatch     1.250\n"


def test_an_answer_waits_for_nothing_it_does_not_need():
    """A cold start reads one text, the wish: not the descriptions; and it loads neither transformers nor spaCy."""
    code = """
import sys, tokrec
from tokrec.features.encoder import Encoder
encode = Encoder.encode
Encoder.encode = lambda self, texts, *rest, **named: print("encodes", len(texts)) or encode(self, texts, *rest, **named)
from tokrec.cli import main
main(["recommend", "想要购买一款智能手表", "-k", "1"])
print("loaded", *{"transformers", "spacy", "matplotlib", "sentence_transformers"} & {*sys.modules})
"""
    done = subprocess.run([sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "encodes 1" and lines[-1] == "loaded" and len(lines) == 4
