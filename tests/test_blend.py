"""Blend and ranker: sums by hand, weights that must be found, a planted case for the ranker to win and one in which nothing can be won."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from tokrec.evaluate import ndcg_at_k, ndcg_of_scores, paired_difference, per_user, warm_split
from tokrec.recommend import BlendRecommender, ContentRecommender, PopularityRecommender, RankRecommender, load_recommender, ranker
from tokrec.recommend.base import Recommender
from tokrec.recommend.blend import climb, standardise
from tokrec.recommend.ranker import first_items, order_anew, teach

ITEMS = pd.DataFrame({"title": ["red apple", "green apple", "blue watch", "old watch"]}, index=list("abcd"))
ROWS = [("u", "a", 5.0, 1), ("u", "c", 2.0, 2), ("v", "a", 4.0, 3), ("v", "b", 4.5, 4), ("w", "c", 4.0, 5), ("x", "a", 5.0, 6)]
LIKES = pd.DataFrame(ROWS, columns=["user_id", "item_id", "rating", "timestamp"])


def test_standardised_by_hand():
    shown = np.array([[True, True, True, False], [False, True, False, False], [False] * 4])
    found = standardise(np.array([[1.0, 2.0, 3.0, 100.0], [5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0]]), shown)
    assert found[0] == pytest.approx(np.array([-1, 0, 1, 98]) * np.sqrt(1.5))  # mean 2, variance 2/3, of the shown ones alone
    assert not found[1:].any()
    scores = np.random.default_rng(0).normal(size=(3, 4))
    assert standardise(7 * scores + 3, shown) == pytest.approx(standardise(scores, shown), abs=1e-6)


def test_what_was_rated_has_no_say():
    """A method that gives rated items huge scores blends as if it had not."""

    class Loud(Recommender):
        factor = 0.0

        def _fit(self) -> None:
            pass

        def _score_history(self, history: csr_matrix) -> np.ndarray:
            return np.array([4.0, 3.0, 2.0, 1.0]) + self.factor * history.toarray()

    history = csr_matrix(np.array([[5.0, 0, 0, 0]], np.float32))
    scores = []
    for Loud.factor in (0.0, 1000.0):
        scores.append(BlendRecommender([Loud(), PopularityRecommender()]).fit(LIKES, ITEMS).score_history(history)[0, 1:])
    assert scores[0] == pytest.approx(scores[1])


def test_blend_is_the_weighted_sum_and_comes_back(tmp_path):
    members = [PopularityRecommender(), ContentRecommender("tfidf")]
    blend = BlendRecommender(members, [1.0, 0.5]).fit(LIKES, ITEMS)
    seen = blend.seen_.toarray()
    by_hand = sum(
        weight * standardise(member.fit(LIKES, ITEMS).score(list("uvwx")), seen == 0)
        for weight, member in zip((1, 0.5), members, strict=True)
    )
    assert blend.score(list("uvwx")) == pytest.approx(by_hand)
    again = load_recommender(blend.save(tmp_path))
    assert again.score(list("uvwx")) == pytest.approx(by_hand) and again.recommend("w").equals(blend.recommend("w"))
    with pytest.raises(ValueError, match="PopularityRecommender does not read text"):
        blend.recommend(text="apple")
    assert BlendRecommender(members[1:]).fit(LIKES, ITEMS).recommend(text="apple", k=2)["item_id"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("members", "weights", "told"),
    [
        ([], None, "members must be recommenders"),
        (["popularity"], None, "members must be recommenders"),
        ([PopularityRecommender()], [1, 2], "one number for each of the 1 members, got 2"),
        ([PopularityRecommender()], [-1], "each of weights must be a number of 0 or more"),
    ],
)
def test_what_is_no_blend_is_refused(members: list, weights: list, told: str):
    with pytest.raises(ValueError, match=told):
        BlendRecommender(members, weights).fit(LIKES, ITEMS)


def test_climb_finds_the_top_of_a_hill_and_drops_what_harms():
    assert climb(lambda w: -((w[1] - 2) ** 2) - w[2], [1, 1, 1]).tolist() == [1, 2, 0]
    assert climb(lambda w: 0.0, [1, 3]).tolist() == [1, 3]  # nothing is better: nothing moves


def test_quality_of_many_is_that_of_each():
    rng = np.random.default_rng(0)
    scores, wanted = rng.integers(0, 5, (40, 30)).astype(float), rng.random((40, 30)) < 0.1
    scores[rng.random(scores.shape) < 0.3] = -np.inf
    scores[0, 3:] = -np.inf  # fewer than ten can be shown
    for row, want, found in zip(scores, wanted, ndcg_of_scores(scores, wanted), strict=True):
        order = np.argsort(-row, kind="stable")
        order = order[np.isfinite(row[order])]
        assert found == pytest.approx(ndcg_at_k(list(order), set(np.flatnonzero(want)), 10))


def planted(kind: str, n: int = 500, m: int = 200) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Two scores and a trait of each reader; a blend knows only their sum. ``trait``: it says which of the scores is right."""
    rng = np.random.default_rng(3)
    a, b, trait = rng.normal(size=(n, m)), rng.normal(size=(n, m)), rng.integers(0, 2, (n, 1))
    taste = np.where(trait, a, b) if kind == "trait" else a + b
    wanted = rng.random((n, m)) < 1 / (1 + np.exp(5 - 2 * taste))
    return a + b, {"a": a, "b": b, "trait": trait}, wanted


@pytest.mark.parametrize(("kind", "wins"), [("trait", True), ("sum", False)])
def test_the_ranker_wins_where_something_can_be_won_and_only_there(kind: str, wins: bool):
    pytest.importorskip("lightgbm")
    scores, features, wanted = planted(kind)
    half = len(scores) // 2
    early, late = ({name: column[rows] for name, column in features.items()} for rows in (slice(half), slice(half, None)))
    models = teach([first_items(scores[:half], early, wanted[:half], 50)], seeds=2)
    ordered = order_anew(scores[half:], first_items(scores[half:], late, depth=50), models)
    gain, low, high = paired_difference(*(ndcg_of_scores(part, wanted[half:]) for part in (ordered, scores[half:])))
    assert (low > 0.05) if wins else (low <= 0 and abs(gain) < 0.05)


def test_only_the_first_items_move():
    class Backwards:
        """As a fitted LGBMRanker: the last feature is the blend's rank, and the worst is best."""

        class booster_:  # noqa: N801
            predict = staticmethod(lambda flat: flat[:, -1])

    scores = np.array([[5.0, 4.0, 3.0, 2.0, 1.0], [1.0, -np.inf, 3.0, -np.inf, -np.inf]])
    lists = first_items(scores, {"same": np.arange(5.0)}, depth=3)
    assert lists.features.shape == (2, 3, 2) and not lists.wanted.any()
    ordered = order_anew(scores, lists, [Backwards()])
    assert np.argsort(-ordered[0]).tolist() == [2, 1, 0, 3, 4]
    assert np.isneginf(ordered[1, [1, 3, 4]]).all() and ordered[1, 0] > ordered[1, 2] > 0


def test_nothing_liked_among_the_first_teaches_nothing():
    pytest.importorskip("lightgbm")
    scores = np.array([[3.0, 2.0, 1.0]])
    with pytest.raises(ValueError, match="nothing to learn from"):
        teach([first_items(scores, {}, np.array([[False, False, True]]), depth=2)])


def two_phases(n: int = 150, m: int = 60) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Readers of even number choose popular items, the others from the back of the catalogue; the evens rate more highly."""
    rng, rows = np.random.default_rng(0), []
    share = np.exp(-np.arange(m) / 12)
    for user in range(n):
        chosen = rng.choice(m, 15, replace=False, p=(share if user % 2 else share[::-1]) / share.sum())
        rows += [(user, int(item), 5.0 if user % 2 else 4.0, 100 * user + time) for time, item in enumerate(chosen)]
    items = pd.DataFrame({"title": [f"item {i}" for i in range(m)]}, index=range(m))
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"]), items


class ByNumber(Recommender):
    """The lower the number the better, for everybody."""

    def _fit(self) -> None:
        pass

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return np.tile(-np.arange(history.shape[1], dtype=float), (history.shape[0], 1))


@pytest.mark.parametrize("cut", ["reader", "time"])
def test_rank_recommender_learns_from_earlier_cuts(cut: str, tmp_path):
    pytest.importorskip("lightgbm")
    interactions, items = two_phases()
    if cut == "time":  # so that readers have a past at every cut
        interactions["timestamp"] %= 100
    train, test = warm_split(interactions)
    blend = BlendRecommender([PopularityRecommender(), ByNumber()])
    ranked = RankRecommender(blend, cut=cut, depth=60, seeds=1).fit(train, items)
    gain, low, _ = paired_difference(per_user(ranked, test)["ndcg"], per_user(blend.fit(train, items), test)["ndcg"])
    assert low > 0.02
    history = ranked.seen_[:3]
    assert ranked.score_history(history, ranked.times_[:3]) == pytest.approx(ranked.score([0, 1, 2]))


def test_rank_recommender_comes_back(tmp_path):
    pytest.importorskip("lightgbm")
    interactions, items = two_phases(60)
    ranked = RankRecommender(BlendRecommender([PopularityRecommender(), ContentRecommender("tfidf")], [1, 0.5]), seeds=1).fit(
        interactions, items
    )
    again = load_recommender(ranked.save(tmp_path))
    assert again.score([1, 2]) == pytest.approx(ranked.score([1, 2]))


def test_bad_settings_and_a_missing_library_are_told(monkeypatch: pytest.MonkeyPatch):
    interactions, items = two_phases(60)
    with pytest.raises(ValueError, match="cut must be 'reader' or 'time'"):
        RankRecommender(BlendRecommender([PopularityRecommender()]), cut="never").fit(interactions, items)
    monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'tokrec\[rank\]'"):
        ranker.teach([])
