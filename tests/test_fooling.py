"""The ways to fool oneself: what each of them changes, on examples small enough to count."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.kernel_ridge import KernelRidge

import tokrec.evaluate as ev
from tokrec.ladders import fooling, fooling_text, lists, many_tries, six_methods
from tokrec.recommend import PopularityRecommender

FILMS = pd.DataFrame({"title": list("abcdef"), "text": ""}, index=pd.Index(list("abcdef"), name="item_id"))
TRAIN = [("u", "a", 5, 1), ("u", "b", 2, 2), ("v", "a", 5, 1), ("v", "c", 4, 2), ("w", "c", 5, 1)]
TEST = [("u", "c", 5, 3), ("w", "d", 4, 2), ("w", "a", 5, 3), ("z", "a", 5, 1)]


def frame(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"])


@pytest.fixture
def split(monkeypatch: pytest.MonkeyPatch) -> six_methods.Split:
    ratings = frame([*TRAIN, *TEST[:3], ("u", "d", 1, 4)])  # d is disliked after the cut
    for module in (fooling, six_methods):
        monkeypatch.setattr(module, "data", lambda: (ratings, FILMS))
    return six_methods.as_split(frame(TRAIN), frame(TEST))


SCORES = np.tile(np.array([6, 5, 3, 4, 2, 1], np.float32), (3, 1))  # a b d c e f for everybody


def test_a_split_as_matrices(split: six_methods.Split):
    assert split.users.tolist() == list("uvw") and split.seen.toarray()[0].tolist() == [5, 2, 0, 0, 0, 0]
    assert [set(FILMS.index[row]) for row in split.wanted] == [{"c"}, set(), {"a", "d"}]  # z is unknown


def test_figures_are_those_of_the_protocol(split: six_methods.Split):
    popular = PopularityRecommender().fit(split.train, FILMS)
    for least, exclude in ((0.5, "rated"), (4.0, "liked")):
        expected = ev.per_user(popular, split.test, exclude=exclude)["ndcg"]
        found = six_methods.ndcg(six_methods.scores("popularity", split), split, least=least)
        pd.testing.assert_series_equal(found, expected, check_names=False)


def test_what_may_be_shown_by_hand(split: six_methods.Split):
    def order(**options) -> str:
        return "".join(FILMS.index[np.argsort(-row)][0] for row in six_methods.shown(SCORES, split, **options))

    assert order() == "dba"  # u has rated a and b, v a and c, w c
    assert order(least=4.0) == "bba"
    assert order(allowed=np.array([0, 0, 0, 0, 1, 1], bool)) == "eee"


def test_later_dislikes_are_news_from_the_future(split: six_methods.Split):
    scored = {"mine": SCORES}
    honest = {"mine": six_methods.ndcg(SCORES, split)}
    less, more = fooling.exclusion(split, scored, honest)
    assert less["way"] == "only liked left out" and less["n"] == 2
    # u: c stands second, behind d; b comes back before it in the first way, d goes in the second. w stays as it was.
    assert less["honest"] - less["fooled"] == pytest.approx((1 / np.log2(3) - 1 / np.log2(4)) / 2)
    assert more["fooled"] - more["honest"] == pytest.approx((1 - 1 / np.log2(3)) / 2)


def test_candidates_hold_the_wanted_and_nothing_rated(split: six_methods.Split, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fooling, "NEGATIVES", 2)
    seen = []
    monkeypatch.setattr(fooling, "ndcg", lambda scored, split, allowed: seen.append(allowed) or pd.Series([0.0], ["u"]))
    next(fooling.candidates(split, {"mine": SCORES}, {"mine": pd.Series([0.0], ["u"])}))
    sets = [set(FILMS.index[row]) for row in seen[0]]
    assert sets[0] == {"c", "e", "f"}  # u has rated a, b and, later, d
    assert len(sets[1]) == 2 and sets[1] <= set("bdef") and len(sets[2]) == 4 and {"a", "d"} < sets[2] and "c" not in sets[2]


def test_active_readers_by_hand(split: six_methods.Split, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fooling, "ACTIVE", 2)
    values = pd.Series([0.2, 0.6, 0.4], list("uvw"))
    with np.errstate(invalid="ignore"):  # a draw without any active reader, of three
        (row,) = fooling.active_readers(split, {}, {"mine": values})
    assert (row["n"], row["fooled"]) == (1, 0.6) and row["difference"] == pytest.approx(0.2)
    everybody = fooling.part_interval(values.to_numpy(), np.ones(3, bool))
    assert everybody == pytest.approx((0, 0))


def test_the_past_is_not_the_future(split: six_methods.Split, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fooling, "GROUPS", 2)
    monkeypatch.setattr(fooling, "LEARNING", {"popularity": PopularityRecommender})
    trained = []

    def noted(train, test, make=six_methods.as_split):
        trained.append(set(zip(train["user_id"], train["item_id"], strict=True)))
        return make(train, test)

    monkeypatch.setattr(fooling, "as_split", noted)
    values = pd.Series([0.1, 0.2], list("uw"))
    rows = list(fooling.future_of_others(split, {}, {"EASE": values, "popularity": values}))
    assert [row["way"] for row in rows] == ["the future of others", "as many ratings of any time"]
    # w's cut comes first, at 1: nothing lies before it. u's is at 2: what v and w rated at 1 does, what v rated at 2 does not.
    assert trained[0] == trained[1] == {("w", "c")}
    assert trained[2] == {("u", "a"), ("u", "b"), ("v", "a"), ("w", "c")} and len(trained[3]) == 4


def test_some_readers_come_whole():
    ratings = frame([(user, item, 5, 1) for user, n in (("u", 3), ("v", 2), ("w", 4)) for item in "abcd"[:n]])
    found = fooling.some_readers(ratings, 5, seed=0)
    counts, whole = found["user_id"].value_counts(), ratings["user_id"].value_counts()
    assert len(found) == 5 and (counts == whole[counts.index]).sum() >= len(counts) - 1  # at most the last one is cut
    assert len({tuple(fooling.some_readers(ratings, 5, seed)["user_id"]) for seed in range(9)}) > 2


def test_the_best_of_many_is_partly_luck():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(many_tries.drawn(rng.normal(size=(400, 32)), np.arange(32.0)))  # no blend is better than another
    luck = (rows["told"] - rows["true"]).to_numpy().reshape(len(many_tries.READERS), -1)
    assert (np.abs(luck[:, 0]) < 0.03).all() and (np.diff(luck, axis=1) > 0).all()  # one try is no luck, each doubling adds some
    assert (luck[0, 1:] > luck[1, 1:]).all() and (luck[1, 1:] > luck[2, 1:]).all()  # the fewer readers, the more
    better = np.arange(32.0) + rng.normal(size=(400, 32)) / 100  # and here the last one is, also inside
    rows = pd.DataFrame(many_tries.drawn(better, np.arange(32.0)))
    np.testing.assert_allclose(rows["told"], rows["inside"], atol=0.01)


def test_standardised_over_what_may_be_shown():
    scored = np.array([[1.0, 3, -np.inf], [2, 2, 2]])
    assert many_tries.standardised(scored).tolist() == [[-1, 1, 0], [0, 0, 0]]


def test_idf_without_the_hidden_texts():
    texts = ["red apple", "red tea", "green zebra"]
    unit = fooling_text.vectors(texts, np.array([2])).toarray()
    idf = {"red": 1.0, "apple": np.log(3 / 2) + 1, "green": np.log(3) + 1}  # of two texts; a word never seen weighs most
    np.testing.assert_allclose(np.sort(unit[0])[-2:], np.array([idf["red"], idf["apple"]]) / np.hypot(idf["red"], idf["apple"]), rtol=1e-6)
    assert np.sort(unit[2])[-2:] == pytest.approx([np.sqrt(0.5)] * 2)  # its own words are kept
    whole = fooling_text.vectors(texts, None).toarray()
    assert not np.allclose(whole[0], unit[0])


def test_hidden_films_by_scikit_learns_kernel_ridge():
    rng = np.random.default_rng(0)
    read, liked = csr_matrix(fooling_text.normalize(rng.random((40, 6)))).astype(np.float32), csr_matrix((rng.random((9, 40)) < 0.3) * 5.0)
    hidden, known = np.arange(30, 40), np.arange(30)
    kernel = np.exp(fooling_text.SHARPNESS * (read @ read.T).toarray())
    ridge = KernelRidge(alpha=fooling_text.PENALTY, kernel="precomputed").fit(kernel[:30, :30], liked[:, known].toarray().T > 0)
    predicted, wanted = ridge.predict(kernel[30:, :30]).T, liked[:, hidden].toarray() > 0
    expected = np.where(wanted.any(axis=1), ev.ndcg_of_scores(predicted, wanted), np.nan)
    np.testing.assert_allclose(fooling_text.fold_ndcg(read, liked, hidden), expected)


def test_the_second_ten(split: six_methods.Split, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lists, "data", lambda: (split.train, FILMS))
    scored = np.tile(np.arange(20, 0, -1.0), (1, 1))
    films = pd.DataFrame(index=pd.Index([f"f{number}" for number in range(20)]))
    monkeypatch.setattr(lists, "data", lambda: (split.train, films))
    empty = six_methods.Split(split.train, split.test, pd.Index(["u"]), csr_matrix((1, 20)), np.ones((1, 20), bool))
    first, second = (lists.ranking(scored, empty, np.array([True]), place)[0] for place in (0, 10))
    assert first + second == films.index.tolist()
