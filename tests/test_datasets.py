"""A reader's own CSV, MovieLens, the simulator on a small shelf, the stored vectors."""

from pathlib import Path

import pandas as pd
import pytest

from tokrec.datasets import load_movielens, load_shelf, read_items, simulate_readers
from tokrec.datasets import movielens as ml
from tokrec.datasets.readers import PAGE, STARS, to_stars, topic_matrix
from tokrec.features.cache import shipped_vectors

DATA = Path(__file__).parents[2] / "shared" / "data" / "ml-latest-small"


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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: it needs a heading"),
        (b"title\n", "holds no item with a title"),
        (b"title,text\n,\n , \n", "holds no item"),
        ("标题\n手表\n".encode("gb18030"), "is not UTF-8.*save it as UTF-8.*iconv -f gb18030"),
        ("title\nwatch\n".encode("utf-16"), "is not UTF-8"),
        (b"colour,size\nred,3\n", r"no title or text column that is known by name \(it has colour, size\): name one with --text COLUMN"),
        (b"id,title\n1,a\n1,b\n", "item id '1' more than once in column 'id': keep one row an item"),
        (b"title,text\na,b\nc,d,e\n", "is not a comma-separated table.*quote fields that hold commas"),
        (b"title,text\na,b,c\n", "more fields than its heading: quote fields that hold commas"),
        (b'title\n"open\nb\n', "is not a comma-separated table"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, message: str):
    with pytest.raises(ValueError, match=message):
        read_items(write(tmp_path, content))


def test_missing_file_and_column(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing\.csv"):
        read_items(tmp_path / "nothing.csv")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_items(tmp_path)
    with pytest.raises(ValueError, match="has no column 'plot': it has title"):
        read_items(write(tmp_path, "title\na\n"), text="plot")


def test_movielens_must_be_the_published_files(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"ratings\.csv is missing: download ml-latest-small\.zip"):
        load_movielens(tmp_path)
    for name in ml.SHA256:
        write(tmp_path, "userId,movieId,rating,timestamp\n", name)
    with pytest.raises(ValueError, match=r"ratings\.csv is not the published ml-latest-small file \(SHA-256 differs\)"):
        load_movielens(tmp_path)


@pytest.mark.skipif(not DATA.is_dir(), reason="MovieLens may not be shipped: put ml-latest-small in ../shared/data")
def test_movielens():
    interactions, items = load_movielens(DATA)
    assert interactions.columns.tolist() == ["user_id", "item_id", "rating", "timestamp"]
    assert len(interactions) == 100_836 and interactions["user_id"].nunique() == 610 and len(items) == 9_742
    assert items.loc[1].to_dict() == {"title": "Toy Story (1995)", "text": "Adventure Animation Children Comedy Fantasy"}
    assert interactions["item_id"].isin(items.index).all() and items.index.name == "item_id"


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
    assert to_stars(opinion, chance) == stars


def test_a_page_has_twenty_different_free_items():
    import numpy as np

    from tokrec.datasets.readers import draw_page

    rng, free = np.random.default_rng(0), np.arange(100) % 2 == 0
    shown = [draw_page(rng, free, np.ones(100), np.ones(100)) for _ in range(50)]
    assert all(len(set(page)) == PAGE and free[page].all() for page in shown)


def test_vectors_are_for_the_shelf_only():
    assert shipped_vectors(["a", "b"], "x") is None and shipped_vectors([], "x") is None
