"""Recommenders: hand-computed scores, brute force, bad input, storage."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer

from tokrec.recommend import ContentRecommender, HybridRecommender, PopularityRecommender, load_recommender
from tokrec.recommend.base import interaction_matrix
from tokrec.similarity import cosine
from tokrec.text import check_query, item_texts, words

KINDS = {
    "popularity": PopularityRecommender,
    "tfidf": lambda: ContentRecommender("tfidf"),
    "encoder": lambda: ContentRecommender("encoder"),
    "raw encoder": lambda: ContentRecommender("encoder", centred=False),
    "hybrid": lambda: HybridRecommender(weight=0.5),
}
TITLES = ["Smart watch", "Running watch", "Red apple", "Green apple", "Trip to Yunnan", "1984"]
CHINESE = ["智能手表", "跑步手表", "红苹果", "青苹果", "云南旅行", "一九八四"]


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def items() -> pd.DataFrame:
    return pd.DataFrame({"title_en": TITLES, "title_zh": CHINESE, "year": range(6)}, index=list("abcdef"))


@pytest.fixture(scope="module")
def interactions() -> pd.DataFrame:
    rows = [("u", "a", 5.0, 1), ("u", "c", 2.0, 2), ("v", "a", 4.0, 3), ("v", "b", 4.5, 4), ("w", "c", 1.0, 5), ("x", "a", 5.0, 6)]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"])


@pytest.fixture(scope="module")
def fitted(interactions: pd.DataFrame, items: pd.DataFrame) -> dict:
    return {name: make().fit(interactions, items) for name, make in KINDS.items()}


def test_popularity_by_hand(fitted: dict):
    # Ratings of 4 or more: a three (u, v, x), b one; c has only bad ones. Ties stand in the items' order.
    popular = fitted["popularity"]
    assert popular.counts_.tolist() == [3, 1, 0, 0, 0, 0]
    assert list(popular.recommend("w")["item_id"]) == ["a", "b", "d", "e", "f"]
    assert list(popular.recommend(history=["a"], k=2)["item_id"]) == ["b", "c"]
    with pytest.raises(ValueError, match="PopularityRecommender does not read text"):
        popular.recommend(text="watch")
    with pytest.raises(ValueError, match="PopularityRecommender does not read text"):
        popular.score_text(["watch"])


@pytest.mark.parametrize("name", ["tfidf", "encoder", "hybrid"])
def test_scores_of_texts_are_those_of_the_recommendations(fitted: dict, name: str):
    block = fitted[name].score_text(["smart watch", "云南"])
    assert block.shape == (2, 6)
    for text, row in zip(("smart watch", "云南"), block, strict=True):
        found = fitted[name].recommend(text=text, k=6).set_index("item_id")["score"]
        assert found.loc[list("abcdef")].to_numpy() == pytest.approx(row, abs=1e-5)


def test_tfidf_profile_by_brute_force(fitted: dict, interactions: pd.DataFrame):
    texts = [f"{en} {zh}" for en, zh in zip(TITLES, CHINESE, strict=True)]
    vectors = TfidfVectorizer(analyzer=words, sublinear_tf=True).fit_transform(texts).toarray()
    liked = {"u": [0], "v": [0, 1], "w": [2], "x": [0]}  # w liked nothing: all that w rated counts
    for user, rows in liked.items():
        wanted = [cosine(vectors[rows].mean(axis=0), vector) for vector in vectors]
        assert fitted["tfidf"].score([user])[0] == pytest.approx(wanted, abs=1e-6)
    query = TfidfVectorizer(analyzer=words, sublinear_tf=True).fit(texts).transform(["智能 apple"]).toarray()[0]
    found = fitted["tfidf"].recommend(text="智能 apple", k=6).set_index("item_id")["score"]
    assert found.to_dict() == pytest.approx({item: cosine(query, vector) for item, vector in zip("abcdef", vectors, strict=True)}, abs=1e-6)


@pytest.mark.parametrize("name", ["encoder", "raw encoder"])
def test_encoder_scores_by_brute_force(fitted: dict, name: str):
    from tokrec.features.encoder import default_encoder

    english, chinese = default_encoder().encode(TITLES), default_encoder().encode(CHINESE)
    both = (english + chinese) / np.linalg.norm(english + chinese, axis=1, keepdims=True)
    query = default_encoder().encode(["something for the wrist"])[0]
    found = fitted[name].recommend(text="something for the wrist").set_index("item_id")["score"]
    cosines = np.array([cosine(query, row) for row in both])
    level = cosines.mean() if name == "encoder" else 0
    assert found.to_dict() == pytest.approx(dict(zip("abcdef", cosines - level, strict=True)), abs=1e-4)

    mean = both.mean(axis=0) if name == "encoder" else np.zeros(both.shape[1])  # profiles alone are turned by it
    moved = (both - mean) / np.linalg.norm(both - mean, axis=1, keepdims=True)
    for user, rows in {"u": [0], "v": [0, 1], "w": [2]}.items():
        assert fitted[name].score([user])[0] == pytest.approx([cosine(moved[rows].mean(axis=0), row) for row in moved], abs=1e-4)


def test_centring_never_changes_what_a_text_finds(fitted: dict):
    scores = [fitted[name].score_text(["something for the wrist", "云南"]) for name in ("encoder", "raw encoder")]
    moved = scores[1] - scores[0]
    assert moved == pytest.approx(np.repeat(moved[:, :1], 6, axis=1), abs=1e-5) and (moved > 0.01).all()
    profiles = [fitted[name].score(["v"]) for name in ("encoder", "raw encoder")]
    assert np.ptp(profiles[1] - profiles[0]) > 0.05


def test_hybrid_is_the_weighted_sum(fitted: dict):
    for ask in ({"text": "red apple 手表"}, {"history": ["e", "f"]}, {"user": "v"}):
        parts = [fitted[name].recommend(**ask).set_index("item_id")["score"] for name in ("encoder", "tfidf")]
        summed = fitted["hybrid"].recommend(**ask).set_index("item_id")["score"]
        assert summed.to_dict() == pytest.approx((parts[0] + 0.5 * parts[1]).to_dict(), abs=1e-5)
    for weight in (-1, float("nan")):
        with pytest.raises(ValueError, match="weight must be a number of 0 or more"):
            HybridRecommender(weight).fit(None, pd.DataFrame({"title": ["a"]}))


@pytest.mark.parametrize("name", KINDS)
def test_recommendations_have_their_form(fitted: dict, name: str):
    table = fitted[name].recommend("u", k=3)
    assert table.columns.tolist() == ["user_id", "item_id", "rank", "score"]
    assert set(table["user_id"]) == {"u"} and table["rank"].tolist() == [1, 2, 3]
    assert table["score"].is_monotonic_decreasing and not {"a", "c"} & set(table["item_id"])
    assert len(fitted[name].recommend("u", k=99)) == 4
    assert sorted(fitted[name].recommend("u", k=99, exclude_seen=False)["item_id"]) == list("abcdef")
    assert fitted[name].recommend(history=list("abcdef")).empty
    scores = fitted[name].score(["x", "u"])
    assert scores.shape == (2, 6) and np.isfinite(scores).all()
    assert scores[1] == pytest.approx(fitted[name].score(["u"])[0], abs=1e-6)
    assert fitted[name].score_history(csr_matrix((1, 6))).shape == (1, 6)  # nobody knows anything of this reader
    assert fitted[name].recommend(history=[], k=2)["score"].notna().all()


@pytest.mark.parametrize("name", KINDS)
def test_save_and_load_give_the_same(fitted: dict, name: str, tmp_path: Path):
    copy = load_recommender(fitted[name].save(tmp_path / "stored"))
    assert type(copy) is type(fitted[name]) and copy.get_params() == fitted[name].get_params()
    asks: list[dict] = [{"user": user} for user in "uvwx"] + [{"history": ["f", "d"]}]
    for ask in asks + [{"text": "smart 苹果"}] * (name != "popularity"):
        pd.testing.assert_frame_equal(copy.recommend(**ask), fitted[name].recommend(**ask))
    assert {path.suffix for path in (tmp_path / "stored").iterdir()} == {".json"}


def test_genre_and_tags_survive_storage(tmp_path: Path):
    tags = {"tags": [["space", "war"], ["love"]], "tags_zh": [["太空"], ["爱情"]]}
    items = pd.DataFrame({"title": ["x", "y"], "genre": ["novel", "film"], **tags})
    fitted = ContentRecommender("tfidf").fit(None, items)
    copy = load_recommender(fitted.save(tmp_path))
    assert copy.items_["tags"].tolist() == [["space", "war"], ["love"]]
    for text, first in (("war", 0), ("爱情", 1), ("novel", 0)):
        assert copy.recommend(text=text)["item_id"][0] == first
        pd.testing.assert_frame_equal(copy.recommend(text=text), fitted.recommend(text=text))


def test_titles_that_are_numbers_survive_storage(tmp_path: Path):
    items = pd.DataFrame({"title": ["1984", "300", "007"], "text": ["", "NA", "null"]}, index=["01", "02", "NA"])
    copy = load_recommender(ContentRecommender("tfidf").fit(None, items).save(tmp_path))
    assert item_texts(copy.items_) == ["1984", "300 NA", "007 null"] and list(copy.items_.index) == ["01", "02", "NA"]
    numbered = pd.DataFrame({"title": ["x", "y"]}, index=[10, 20])
    seen = pd.DataFrame({"user_id": [7], "item_id": [20], "rating": [4.0], "timestamp": [0]})
    copy = load_recommender(PopularityRecommender().fit(seen, numbered).save(tmp_path / "numbers"))
    assert list(copy.recommend(7)["item_id"]) == [10]


@pytest.mark.parametrize("kind", ["popularity", "hybrid"])
def test_a_recommender_saved_by_version_0_1_loads(kind: str):
    loaded = load_recommender(Path(__file__).parent / "saved" / "0.1.0" / kind)
    found = loaded.recommend("u1449", k=3)
    if kind == "popularity":  # what 0.1.0 answered
        assert found["item_id"].tolist() == ["book-three-body-problem", "book-the-time-machine", "book-to-live"]
        assert found["score"].tolist() == [6, 6, 2]
    else:  # its encoder was another one: what a recommender says that learns today from what was saved
        expected = HybridRecommender(loaded.weight)._learn_beside(loaded).recommend("u1449", k=3)
        pd.testing.assert_frame_equal(found, expected)
    assert loaded.items_["tags"].iloc[0] == ["science fiction", "physics", "space", "alien contact"]
    assert len(loaded.items_) == 14 and loaded.seen_.nnz == 40


def test_a_recommender_saved_by_a_later_version_says_so(fitted: dict, tmp_path: Path):
    folder = fitted["popularity"].save(tmp_path)
    described = json.loads((folder / "recommender.json").read_text(encoding="utf-8"))
    assert described["format"] == 3 and described["tokrec"]
    (folder / "recommender.json").write_text(json.dumps(described | {"format": 4, "tokrec": "9.9.0"}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"was saved by tokrec 9\.9\.0, later than this .*: upgrade tokrec, or fit and save again"):
        load_recommender(folder)


def test_an_encoder_of_ones_own_is_not_stored(fitted: dict, tmp_path: Path, items: pd.DataFrame):
    from tokrec.features.encoder import default_encoder

    own = ContentRecommender(encoder=default_encoder()).fit(None, items)
    assert own.recommend(text="watch")["score"].tolist() == pytest.approx(
        fitted["encoder"].recommend(text="watch")["score"].tolist(), abs=1e-5
    )
    with pytest.raises(ValueError, match="own encoder cannot be stored"):
        own.save(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"recommender": "PopularityRecommender"}',
        b'{"recommender": "os.system", "parameters": {}, "types": {}, "format": 2}',
        b'{"recommender": "Recommender", "parameters": {}, "types": {}, "format": 2}',
        b'{"recommender": "PopularityRecommender", "parameters": {"weight": 1}, "types": {}, "format": 2}',
        b'{"recommender": "ContentRecommender", "parameters": {"features": "magic"}, "types": {}, "format": 2}',
        b'{"recommender": "PopularityRecommender", "parameters": {}, "types": {"item_id": "nonsense"}, "format": 2}',
    ],
)  # fmt: skip
def test_damaged_description_is_refused(fitted: dict, tmp_path: Path, damage: bytes):
    folder = fitted["popularity"].save(tmp_path)
    (folder / "recommender.json").write_bytes(damage)
    with pytest.raises(ValueError, match="is damaged .*: save the recommender again"):
        load_recommender(folder)


def test_incomplete_folder_is_refused(fitted: dict, tmp_path: Path):
    path = fitted["popularity"].save(tmp_path) / "recommender.json"
    assert json.loads(path.read_text("utf-8"))["recommender"] == "PopularityRecommender"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match="is damaged"):
        load_recommender(tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"recommender\.json is missing: .* is not a folder made by save"):
        load_recommender(tmp_path)


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        ({}, ValueError, "exactly one of user, text and history"),
        ({"user": "u", "text": "x"}, ValueError, "exactly one"),
        ({"user": "nobody"}, ValueError, "unknown user 'nobody': this recommender knows 4 readers; for a new one use text= or history="),
        ({"history": ["a", "zz"]}, ValueError, "unknown item_id 'zz'"),
        ({"text": " \n"}, ValueError, "the query is blank"),
        ({"text": "<p></p>"}, ValueError, "the query is blank"),
        ({"text": float("nan")}, TypeError, "text must be a string, got nan"),
        ({"text": b"watch"}, TypeError, "not bytes: decode it first"),
        ({"user": "u", "k": 0}, ValueError, "k must be a whole number of at least 1, got 0"),
        ({"user": "u", "k": -2}, ValueError, "k must be a whole number"),
        ({"user": "u", "k": 2.5}, ValueError, "k must be a whole number"),
    ],
)
def test_bad_questions(fitted: dict, ask: dict, error: type, message: str):
    with pytest.raises(error, match=message):
        fitted["tfidf"].recommend(**ask)


def test_queries_without_known_words_still_get_an_answer(fitted: dict):
    for text in ("😀👍", "the of 的", "zzzz", "<script>x()</script>hi", "שלום", "\ud800 watch"):
        for name in ("tfidf", "encoder", "hybrid"):
            assert np.isfinite(fitted[name].recommend(text=text)["score"]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns=["rating", "timestamp"]), r"lacks the column\(s\) rating, timestamp"),
        (lambda table: table.assign(item_id="zz"), "items that are not in items, for example 'zz'"),
        (
            lambda table: table.assign(item_id=3),
            "for example 3; ids are int here and str there: make them one type",
        ),
        (lambda table: table.assign(rating=0), "ratings that are no positive numbers, for example 0"),
        (lambda table: table.assign(rating=np.nan), "no positive numbers, for example "),
        (lambda table: table.assign(rating="good"), "no positive numbers, for example 'good'"),
    ],
)
def test_bad_interactions(interactions: pd.DataFrame, items: pd.DataFrame, change, message: str):
    with pytest.raises(ValueError, match=message):
        PopularityRecommender().fit(change(interactions), items)


def test_bad_items(items: pd.DataFrame):
    with pytest.raises(ValueError, match="duplicate item ids, for example 'a'"):
        ContentRecommender("tfidf").fit(None, pd.concat([items, items[:1]]))
    with pytest.raises(ValueError, match="items is empty"):
        ContentRecommender().fit(None, items[:0])
    with pytest.raises(ValueError, match=r"items has no text column.*\(it has year\)"):
        ContentRecommender("tfidf").fit(None, items[["year"]])
    with pytest.raises(TypeError, match="items must be a pandas DataFrame indexed by item_id, got list: make one with pandas.DataFrame"):
        ContentRecommender().fit(None, ["a"])
    with pytest.raises(ValueError, match="features must be 'tfidf' or 'encoder', not 'bert'"):
        ContentRecommender("bert").fit(None, items)
    with pytest.raises(NotFittedError, match="call fit"):
        ContentRecommender().recommend(text="x")


def test_item_texts_by_hand():
    items = pd.DataFrame({"title_en": ["A", "B"], "title_zh": ["甲", None], "text_en": ["x", np.nan], "title": ["t", ""]})
    assert item_texts(items) == ["A 甲 x t", "B"]
    assert item_texts(items, "zh") == ["甲 t", ""]


def test_an_item_with_one_language_has_that_vector():
    from tokrec.features.encoder import default_encoder

    items = pd.DataFrame({"title_en": ["Smart watch", "Apple"], "title_zh": ["智能手表", ""]}, index=["a", "b"])
    vectors = ContentRecommender(centred=False).fit(None, items).vectors_
    assert vectors[1] == pytest.approx(default_encoder().encode(["Apple"])[0], abs=1e-5)


def test_interaction_matrix_takes_the_last_rating(interactions: pd.DataFrame):
    twice = pd.concat([interactions, pd.DataFrame([("u", "a", 1.0, 9)], columns=interactions.columns)])
    matrix = interaction_matrix(twice, pd.Index(["u", "v", "w", "x"]), pd.Index(list("abcdef")))
    assert matrix.toarray().tolist() == [[1, 0, 2, 0, 0, 0], [4, 4.5, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0], [5, 0, 0, 0, 0, 0]]


def test_inputs_are_left_alone_and_clone_works(interactions: pd.DataFrame, items: pd.DataFrame):
    before = interactions.copy(), items.copy()
    HybridRecommender().fit(interactions, items).recommend("u")
    pd.testing.assert_frame_equal(interactions, before[0])
    pd.testing.assert_frame_equal(items, before[1])
    assert clone(HybridRecommender(0.3)).weight == 0.3
    assert check_query(" <b>Hi</b> ") == "Hi"


def test_ten_thousand_items():
    rng = np.random.default_rng(0)
    names = [" ".join(rng.choice(TITLES + CHINESE, 4)) for _ in range(10_000)]
    seen = pd.DataFrame(
        {"user_id": rng.integers(0, 600, 20_000), "item_id": rng.integers(0, 10_000, 20_000), "rating": 3.0, "timestamp": 0}
    )
    recommender = ContentRecommender("tfidf").fit(seen, pd.DataFrame({"title": names}))
    assert recommender.score(list(recommender.users_)).shape == (600, 10_000)
    found = recommender.recommend(text="红苹果", k=5)
    assert found["score"].min() > 0.3 and all("红苹果" in names[item] for item in found["item_id"])
