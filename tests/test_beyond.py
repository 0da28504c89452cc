"""Measures beyond accuracy, by hand, by brute force and by scipy; intervals over readers and folds; who is compared with whom."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.sparse import csr_matrix

import tokrec.evaluate as ev
from tokrec.recommend import PopularityRecommender

ITEMS = pd.Index(list("abcde"), name="item_id")
RNG = np.random.default_rng(0)


def test_novelty_by_hand():
    readers = pd.Series({"a": 7, "b": 3, "c": 1})
    # of seven readers: log2(8/8) = 0 bits, log2(8/4) = 1, log2(8/2) = 2, and 3 for what nobody has
    assert ev.novelty([["a"], ["a", "b"], ["c", "z"], []], readers, 7)[:3].tolist() == [0, 0.5, 2.5]
    assert np.isnan(ev.novelty([[]], readers, 7)[0])
    with pytest.raises(ValueError, match="counts 7 readers of one item, and n_readers is 5"):
        ev.novelty([["a"]], readers, 5)


def test_diversity_by_hand():
    vectors = np.array([[2.0, 0], [5, 0], [0, 1], [-1, 0], [0, 0]])
    found = ev.diversity([["a", "b"], ["a", "c"], ["a", "d"], ["a", "b", "c"], ["a"], ["a", "e"]], vectors, ITEMS)
    np.testing.assert_allclose(found, [0, 1, 2, 1 - 1 / 3, np.nan, 1], atol=1e-12)  # a zero vector is like nothing


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_diversity_by_brute_force(kind):
    vectors = RNG.normal(size=(5, 3))
    cosines = [1 - vectors[i] @ vectors[j] / np.linalg.norm(vectors[i]) / np.linalg.norm(vectors[j]) for i, j in combinations((4, 1, 2), 2)]
    np.testing.assert_allclose(ev.diversity([["e", "b", "c"]], kind(vectors), ITEMS), np.mean(cosines))


LABELS = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]])


def test_miscalibration_by_hand():
    # three quarters of the history are genre 0 (a whole, c half), and the list is wholly genre 0
    p, q = np.array([0.75, 0.25]), np.array([1 - 0.99 * 0.0 - 0.01 * 0.25, 0.01 * 0.25])
    (found,) = ev.miscalibration([["a"]], [["a", "c"]], LABELS, ITEMS)
    assert found == pytest.approx(float(p @ np.log(p / q)))
    assert ev.miscalibration([["b", "a"]], [["c"]], LABELS, ITEMS) == pytest.approx([0])  # a half each, in either way
    assert ev.miscalibration([["d"]], [["a"]], LABELS, ITEMS) == pytest.approx([-np.log(0.01)])  # nothing in common: the largest value
    assert np.isnan(ev.miscalibration([["e"], ["a"]], [["a"], []], LABELS, ITEMS)).all()
    with pytest.raises(ValueError, match="1 lists and 2 histories"):
        ev.miscalibration([["a"]], [["a"], ["b"]], LABELS, ITEMS)


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_miscalibration_is_the_divergence_of_scipy(kind):
    labels = RNG.integers(0, 2, (5, 4)) + np.eye(5, 4)
    share = labels / labels.sum(axis=1, keepdims=True)
    p, q = share[[0, 1, 4]].mean(axis=0), share[[2, 3]].mean(axis=0)
    (found,) = ev.miscalibration([["c", "d"]], [["a", "b", "e"]], kind(labels), ITEMS, blend=0.2)
    assert found == pytest.approx(stats.entropy(p, 0.8 * q + 0.2 * p))


def test_new_hits_by_hand():
    ranked, baseline, relevant = list("abcd"), list("bcxy"), {"a", "b", "d", "x", "z"}
    assert ev.new_hits(ranked, baseline, relevant) == 2  # a and d; b is no news
    assert ev.new_hits(baseline, ranked, relevant) == 1  # x, which the list lacks
    assert ev.new_hits(ranked, ranked, relevant) == 0


def test_of_a_foreign_item():
    for call in (lambda: ev.diversity([["a", "q"]], LABELS, ITEMS), lambda: ev.miscalibration([["a"]], [["q"]], LABELS, ITEMS)):
        with pytest.raises(ValueError, match="'q' is not in items"):
            call()


def test_all_three_of_a_recommender():
    items = pd.DataFrame({"title": list("abcde")}, index=ITEMS)
    rows = [("u", "a", 5), ("u", "b", 1), ("v", "a", 4), ("v", "c", 5), ("w", "d", 2), ("w", "a", 4)]
    train = pd.DataFrame(rows, columns=["user_id", "item_id", "rating"]).assign(timestamp=range(6))
    popular = PopularityRecommender().fit(train, items)
    users = ev.per_user(popular, pd.DataFrame({"user_id": ["w", "u"], "item_id": ["c", "c"], "rating": 5, "timestamp": 9}), k=2)
    found = ev.beyond_accuracy(popular, users["ranked"], LABELS, LABELS)
    assert found.index.tolist() == ["u", "w"] and users["ranked"].tolist() == [["c", "d"], ["c", "b"]]
    for user, ranked in users["ranked"].items():
        liked = train["item_id"][(train["user_id"] == user) & (train["rating"] >= 4)].tolist()
        counts = train["item_id"].value_counts()
        row = found.loc[user]
        assert row["novelty"] == ev.novelty([ranked], counts, 3)[0]
        assert row["diversity"] == ev.diversity([ranked], LABELS, ITEMS)[0]
        assert row["miscalibration"] == ev.miscalibration([ranked], [liked], LABELS, ITEMS)[0]


def drawn(rng: np.random.Generator, readers: int, folds: int) -> np.ndarray:
    """Values around 0 with a part of the reader, a part of the fold, and noise; a third is missing."""
    values = rng.normal(size=(readers, 1)) + 0.5 * rng.normal(size=folds) + rng.normal(size=(readers, folds))
    return np.where(rng.random(values.shape) < 1 / 3, np.nan, values)


def test_two_level_interval_holds_the_truth_as_often_as_it_says():
    rng, held = np.random.default_rng(1), {"two levels": 0, "readers": 0}
    for _ in range(200):
        values = drawn(rng, 60, 8)
        two = ev.two_level_interval(values, n_resamples=300)
        one = ev.bootstrap_interval(np.nanmean(values[~np.isnan(values).all(axis=1)], axis=1), n_resamples=300)
        held["two levels"] += two[0] < 0 < two[1]
        held["readers"] += one[0] < 0 < one[1]
    assert held["two levels"] > 0.85 * 200 and held["readers"] < 0.8 * 200


def test_two_level_interval_of_equal_folds_is_that_of_readers():
    values = RNG.normal(size=400)
    two, one = ev.two_level_interval(np.tile(values[:, None], 5)), ev.bootstrap_interval(values)
    np.testing.assert_allclose(two, one, atol=0.005)
    for wrong, message in ((values, "a column a fold"), (np.full((3, 2), np.nan), "fold 0 holds no value"), (values[:, None], "two folds")):
        with pytest.raises(ValueError, match=message):
            ev.two_level_interval(wrong)


def test_the_interval_hardly_depends_on_the_block(monkeypatch: pytest.MonkeyPatch):
    values = drawn(np.random.default_rng(2), 30, 4)
    whole = ev.two_level_interval(values, n_resamples=4000)
    monkeypatch.setattr("tokrec.evaluate.intervals.BLOCK", 30 * 7)  # seven resamples at once
    np.testing.assert_allclose(ev.two_level_interval(values, n_resamples=4000), whole, atol=0.08)


def test_against_best_by_hand():
    values = {"a": [0.1, 0.2, 0.3], "b": [0.4, 0.4, 0.4], "c": [0.3, 0.3, 0.3]}
    found = ev.against_best(values)
    assert found["rival"].tolist() == ["b", "c", "b"]
    np.testing.assert_allclose(found["difference"], [-0.2, 0.1, -0.1])
    np.testing.assert_allclose(
        found.loc["b", ["mean", "low", "high", "difference_low", "difference_high"]].astype(float), [0.4] * 3 + [0.1] * 2
    )
    for name, rival in found["rival"].items():
        assert tuple(found.loc[name, ["difference_low", "difference_high"]]) == ev.paired_difference(values[name], values[rival])[1:]
    with pytest.raises(ValueError, match="two methods at least"):
        ev.against_best({"a": [1.0]})


def test_against_best_over_folds():
    values = {"a": np.array([[0.0, 1.0], [np.nan, 0.0], [1.0, 0.0]]), "b": np.array([[0.5, 0.5], [np.nan, 0.5], [0.5, 0.25]])}
    found = ev.against_best(values)
    np.testing.assert_allclose(found["mean"], [(0.5 + 1 / 3) / 2, (0.5 + 1.25 / 3) / 2])
    assert tuple(found.loc["a", ["low", "high"]]) == ev.two_level_interval(values["a"])
    np.testing.assert_allclose(found["difference"], [found["mean"]["a"] - found["mean"]["b"], found["mean"]["b"] - found["mean"]["a"]])
