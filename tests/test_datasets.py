"""A reader's own CSV, MovieLens, the simulator on a small shelf, the stored vectors."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from tokrec.datasets import load_movielens, load_movielens_links, load_movielens_tags, load_shelf, read_items, simulate_readers
from tokrec.datasets import movielens as ml
from tokrec.datasets.readers import (
    DAY,
    DAYS,
    STARS,
    START,
    draw_visits,
    freshness,
    normal_scores,
    published,
    rounds,
    to_stars,
    topic_matrix,
)
from tokrec.features.cache import shipped_vectors

ROOT = Path(__file__).parents[1]


def write(folder: Path, content: str | bytes, name: str = "items.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def test_english_headings(tmp_path: Path):
    items = read_items(write(tmp_path, 'item_id,title,description,price\nx1,Watch,"For runners, swimmers",9\nx2,Phone,,7\n'))
    assert list(items.index) == ["x1", "x2"] and items.index.name == "item_id"
    assert items.columns.tolist() == ["title", "text"]
    assert items.values.tolist() == [["Watch", "For runners, swimmers"], ["Phone", ""]]


@pytest.mark.parametrize("mark", ["", "\ufeff"])  # spreadsheets begin UTF-8 files with a mark
def test_chinese_headings(tmp_path: Path, mark: str):
    items = read_items(write(tmp_path, f"{mark}书名,简介\r\n三体,外星文明来信\r\n活着, 一个人的一生 \r\n"))
    assert list(items.index) == ["1", "2"]
    assert items.values.tolist() == [["三体", "外星文明来信"], ["活着", "一个人的一生"]]


def test_column_by_name(tmp_path: Path):
    path = write(tmp_path, "title,notes,text\nA,first,x\nB,second,y\n")
    assert read_items(path, text="notes")["text"].tolist() == ["first", "second"]
    assert read_items(path)["text"].tolist() == ["x", "y"]
    only = write(tmp_path, "plot\nlove and war\n", "other.csv")
    assert read_items(only, text="plot").values.tolist() == [["love and war", ""]]


def test_what_looks_like_numbers_or_nothing_stays_text(tmp_path: Path):
    items = read_items(write(tmp_path, "id,title,genres\n007,1984,Drama|Sci-Fi\n008,NA,null\n009,,\n"))
    assert list(items.index) == ["007", "008"]  # a row without title and text is no item
    assert items.values.tolist() == [["1984", "Drama Sci-Fi"], ["NA", "null"]]


def test_movielens():
    interactions, items = load_movielens()
    assert interactions.columns.tolist() == ["user_id", "item_id", "rating", "timestamp"]
    assert len(interactions) == 100_836 and interactions["user_id"].nunique() == 610 and len(items) == 9_742
    assert items.loc[1].to_dict() == {"title": "Toy Story (1995)", "text": "Adventure Animation Children Comedy Fantasy"}
    assert interactions["item_id"].isin(items.index).all() and items.index.name == "item_id"
    assert interactions.iloc[0].tolist() == [1, 1, 4.0, 964982703]


def test_movielens_tags_and_links():
    tags, links = load_movielens_tags(), load_movielens_links()
    assert tags.columns.tolist() == ["user_id", "item_id", "tag", "timestamp"] and len(tags) == 3_683
    assert tags.iloc[0].tolist() == [2, 60756, "funny", 1445714994]
    assert links.loc[1].tolist() == ["0114709", 862] and links["tmdb_id"].isna().sum() == 8
    assert links.index.equals(load_movielens()[1].index)


def test_movielens_conditions_lie_beside_the_data():
    conditions = (ml.movielens_folder() / "README.txt").read_bytes()
    assert conditions == (ROOT / "LICENSE-MovieLens").read_bytes()
    told = conditions.decode("utf-8")
    for part in ("may redistribute the data set", "commercial or revenue-bearing", "not state or imply any endorsement", "Konstan. 2015"):
        assert part in told


@pytest.fixture
def own_copy(tmp_path: Path) -> Path:
    with ZipFile(ml.movielens_folder() / "ml-latest-small.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path / "ml-latest-small"


def test_a_copy_of_ones_own_is_the_same(own_copy: Path):
    for own, bundled in zip(load_movielens(own_copy), load_movielens(), strict=True):
        pd.testing.assert_frame_equal(own, bundled)
    pd.testing.assert_frame_equal(load_movielens_tags(str(own_copy)), load_movielens_tags())
    pd.testing.assert_frame_equal(load_movielens_links(own_copy), load_movielens_links())


@pytest.mark.parametrize(
    ("name", "load"),
    [("ratings", load_movielens), ("movies", load_movielens), ("tags", load_movielens_tags), ("links", load_movielens_links)],
)
def test_movielens_must_be_the_published_files(own_copy: Path, name: str, load: Callable):
    path = own_copy / f"{name}.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(ValueError, match=rf"{name}\.csv is not the published ml-latest-small file \(SHA-256 differs\)"):
        load(own_copy)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=rf"{name}\.csv is missing: download ml-latest-small\.zip"):
        load(own_copy)


def test_a_damaged_bundled_archive_is_noticed(own_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (own_copy / "movies.csv").write_text("movieId,title,genres\n1,A,B\n")
    with ZipFile(own_copy / "ml-latest-small.zip", "w") as archive:
        archive.write(own_copy / "movies.csv", "ml-latest-small/movies.csv")
    monkeypatch.setattr(ml, "movielens_folder", lambda: own_copy)
    with pytest.raises(ValueError, match="movies.csv is not the published ml-latest-small file"):
        load_movielens()


def test_fresh_install_has_movielens_with_the_network_off(tmp_path: Path):
    """Build the package as pip does, unpack it elsewhere, and read the data from there without any socket."""
    code = "import sys; sys.argv = ['setup.py', '-q', 'bdist_wheel', '-d', sys.argv[1]]; import setuptools; setuptools.setup()"
    copy = tmp_path / "source"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", *(path.name for path in ROOT.glob("LICENSE*"))):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / "tokrec", copy / "tokrec", ignore=shutil.ignore_patterns("__pycache__", "tokrec-mini"))
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=copy, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        metadata = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("METADATA"))
    assert "LicenseRef-MovieLens" in metadata and "License-File: LICENSE-MovieLens" in metadata
    use = """
import socket
def refuse(*_, **__): raise OSError("the network is off")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import tokrec
interactions, items = tokrec.load_movielens()
print(tokrec.__file__, len(interactions), len(items), sep="|")
"""
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed"), "PYTHONSAFEPATH": "1"}
    done = subprocess.run([sys.executable, "-c", use], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    where, *counts = done.stdout.strip().split("|")
    assert Path(where).is_relative_to(tmp_path) and counts == ["100836", "9742"]


def test_everything_else_works_without_movielens(tmp_path: Path):
    """The package as a commercial user has it who deleted the folder."""
    without = shutil.ignore_patterns("__pycache__", "ml-latest-small")
    shutil.copytree(ROOT / "tokrec", tmp_path / "tokrec", ignore=without, copy_function=os.link)
    use = """
import importlib, pkgutil, tokrec
for found in pkgutil.walk_packages(tokrec.__path__, "tokrec."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
from tokrec.cli import main
assert main(["info"]) == 0 and main(["recommend", "智能手表", "-k", "2"]) == 0 and main(["recommend", "--user", "u0007", "-k", "2"]) == 0
print(tokrec.mine("我爱编程").relevant)
shelf = tokrec.load_shelf()
for kind in (tokrec.PopularityRecommender, tokrec.ContentRecommender, tokrec.HybridRecommender):
    assert len(kind().fit(shelf.interactions, shelf.items).recommend("u0007")) == 10
try:
    tokrec.load_movielens()
except FileNotFoundError as error:
    print(error)
print(tokrec.__file__)
"""
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1", "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, "-c", use], cwd=tmp_path, env=environment, check=True, capture_output=True, encoding="utf-8")
    *_, refused, where = done.stdout.splitlines()
    assert Path(where).is_relative_to(tmp_path)
    assert refused.startswith("MovieLens has been taken out of this installation") and "reinstall tokrec" in refused


def test_only_one_module_reads_the_folder():
    readers = [path.name for path in (ROOT / "tokrec").rglob("*.py") if '"ml-latest-small"' in path.read_text(encoding="utf-8")]
    assert readers == ["movielens.py"]


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    items = load_shelf().items
    return items[items["domain"].isin(["food", "films"])]


def test_simulator_gives_the_same_for_the_same_seed(small: pd.DataFrame):
    first, again, other = (simulate_readers(small, n_users=60, random_state=seed) for seed in (3, 3, 4))
    assert first.interactions.to_csv() == again.interactions.to_csv() and first.tastes.to_csv() == again.tastes.to_csv()
    assert first.interactions.to_csv() != other.interactions.to_csv()
    assert not first.interactions.duplicated(["user_id", "item_id"]).any()
    assert first.interactions["user_id"].nunique() == 60 and set(first.interactions["rating"]) <= set(STARS)
    assert first.interactions.columns.tolist() == ["user_id", "item_id", "rating", "timestamp"]
    with pytest.raises(ValueError, match="n_users must be at least 1, got 0"):
        simulate_readers(small, n_users=0)


def test_simulated_readers_follow_their_tastes(small: pd.DataFrame):
    simulation = simulate_readers(small, n_users=150, random_state=0)
    topics, weights = topic_matrix(small)
    tastes = simulation.tastes.assign(weight=lambda table: (table["weight_start"] + table["weight_end"]) / 2)
    wanted = tastes.pivot(index="user_id", columns="topic", values="weight").reindex(columns=topics).fillna(0)
    match = pd.DataFrame(wanted.to_numpy() @ weights.T, index=wanted.index, columns=small.index)
    chosen = [
        match.loc[user, item] for user, item in zip(simulation.interactions["user_id"], simulation.interactions["item_id"], strict=True)
    ]
    assert sum(chosen) / len(chosen) > 1.5 * match.to_numpy().mean()


def test_topics_by_hand():
    items = pd.DataFrame({"tags": [["a", "b"], ["a"], ["a", "c"], ["b"]]})
    topics, weights = topic_matrix(items, min_items=2)  # c has one item only
    assert topics == ["a", "b"] and weights.tolist() == [[0.5, 0.5], [1, 0], [1, 0], [0, 1]]


@pytest.mark.parametrize(("opinion", "chance", "stars"), [(3.7, 0.9, 3.5), (3.8, 0.9, 4.0), (3.7, 0.1, 4.0), (9, 0.1, 5.0), (-2, 0.9, 0.5)])
def test_stars_by_hand(opinion: float, chance: float, stars: float):
    assert to_stars(np.array([opinion]), np.array([chance])).tolist() == [stars]


def test_items_need_no_date(small: pd.DataFrame):
    without, empty = (simulate_readers(items, n_users=40, random_state=1) for items in (small.drop(columns="date"), small.assign(date="")))
    pd.testing.assert_frame_equal(without.interactions, empty.interactions)
    assert np.isnan(published(small.drop(columns="date"))).all()


def test_who_has_had_everything_leaves_with_nothing(small: pd.DataFrame):
    table = simulate_readers(small.head(30), n_users=100, random_state=1).interactions
    assert not table.duplicated(["user_id", "item_id"]).any() and table["user_id"].value_counts().max() in (
        28,
        29,
        30,
    )  # some may be hidden


def test_rounds_hold_nobody_twice():
    visits = pd.DataFrame({"user": [0, 1, 0, 0, 1], "day": [3, 3, 3, 4, 4]})
    assert [(day, rows.tolist()) for day, rows in rounds(visits)] == [(3, [0, 1]), (3, [2]), (4, [3, 4])]


def test_news_by_hand():
    days = published(pd.DataFrame({"date": ["", "2024-11-01", "2024-11-11"]}))
    assert np.isnan(days[0]) and days[1:].tolist() == [0, 10]
    np.testing.assert_allclose(freshness(days, 9), [1, 200 * np.exp(-9 / 3), 0])
    np.testing.assert_allclose(freshness(days, 10), [1, 200 * np.exp(-10 / 3), 200])


def test_visits_go_on_to_the_end():
    visits = draw_visits(np.random.default_rng(0), 1000)
    assert set(visits["user"]) == set(range(1000)) and visits["timestamp"].is_monotonic_increasing
    assert (visits["day"] == (visits["timestamp"] - START) // DAY).all() and visits["day"].between(0, DAYS - 1).all()
    month = visits["day"] // 73  # tenths of the time
    assert month.value_counts(normalize=True)[9] > 0.1


def test_normal_scores_are_quantiles_in_random_order():
    from statistics import NormalDist

    scores = normal_scores(np.random.default_rng(0), 99)
    np.testing.assert_allclose(np.sort(scores), [NormalDist().inv_cdf((k + 5) / 110) for k in range(1, 100)], atol=1e-12)
    assert (np.diff(scores) < 0).sum() > 20


def test_vectors_are_for_the_shelf_only():
    assert shipped_vectors(["a", "b"], "x") is None and shipped_vectors([], "x") is None
