"""The simulator's fit and what it makes likely: statistics by hand, the search on a bowl, EASE against least squares."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from tokrec import readers_order
from tokrec.datasets import fit_readers, load_movielens, load_shelf
from tokrec.datasets.fit_readers import FIRST, distance, reader_statistics, search
from tokrec.datasets.readers import DAY, DAYS, START, topic_matrix
from tokrec.readers_order import ease, true_matches
from tokrec.stored import stored


def test_statistics_by_hand(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fit_readers, "ENOUGH", 1)
    table = pd.DataFrame({"user_id": list("aaabb"), "item_id": list("xyzxy"), "rating": [5.0, 3.0, 4.0, 4.0, 0.5]})
    found = reader_statistics(table, n_items=100)
    assert [found[f"rated, rank {rank}"] for rank in (1, 2, 3)] == [1, 1, 0.5]
    assert [found[f"liked, rank {rank}"] for rank in (1, 2, 3)] == [1, 0.5, 0]
    assert found["rated, first 1%"] == 1 and found["rated, first 2%"] == 0.5 and found["rated, first 5%"] == 0
    assert found["share of likes"] == 0.6 and found["share of 4.0"] == 0.4 and found["share of 1.5"] == 0
    assert found["std within readers"] == pytest.approx((1 + np.sqrt(6.125)) / 2)
    assert found["mean rating"] == 3.3 and found["std of readers' means"] == pytest.approx((4 - 2.25) / np.sqrt(2))
    assert found["std of items' means"] == pytest.approx(np.std([4.5, 1.75, 4], ddof=1))
    assert found["fame and mean rating"] == pytest.approx((3.125 - 4) / np.std([4.5, 1.75, 4]) * np.sqrt(2) / 3)
    assert found["readers, median/mean"] == 1 and found["readers, Gini"] == pytest.approx(0.1)


def test_distance_by_hand():
    real = {"rated, rank 1": 0.5, "Gini": 0.7}
    assert distance(real, real, list(real)) == 0
    assert distance({"rated, rank 1": 0.5 * np.exp(0.2), "Gini": 0.66}, real, list(real)) == pytest.approx(np.sqrt((1 + 4) / 2))


def test_search_finds_the_bottom_of_a_bowl():
    far = lambda settings: (settings.base - 3.5) ** 2 + (settings.noise - 0.75) ** 2  # noqa: E731
    found = search(far, FIRST, {"base": (2, 5), "noise": (0.3, 1.5)}, 200)
    assert (found.base, found.noise) == pytest.approx((3.5, 0.75), abs=0.02) and found.appeal == FIRST.appeal


def test_the_shelfs_readers_are_like_movielens():
    (ratings, films), shelf = load_movielens(), load_shelf()
    real, found = reader_statistics(ratings, len(films)), reader_statistics(shelf.interactions, len(shelf.items))
    for name in real:
        if "rank" in name or "first" in name:
            assert np.log(found[name] / real[name]) == pytest.approx(0, abs=0.7), name
        else:
            assert found[name] == pytest.approx(real[name], abs=0.08 if "fame" in name else 0.06), name
    assert found["liked, rank 2"] > 0.7 * found["liked, rank 1"]  # no item stands alone at the head


def test_ease_solves_the_least_squares_of_its_definition(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readers_order, "RIDGE", 2.0)
    ratings = np.random.default_rng(0).integers(0, 6, (12, 5)).astype(float)
    weights = np.zeros((5, 5))
    for item in range(5):
        others = np.delete(np.arange(5), item)
        x = ratings[:, others]
        weights[others, item] = np.linalg.solve(x.T @ x + 2 * np.eye(4), x.T @ ratings[:, item])
    np.testing.assert_allclose(ease(csr_matrix(ratings), csr_matrix(ratings)), ratings @ weights)


def test_true_matches_by_hand():
    items = pd.DataFrame({"tags": [["a"]] * 5 + [["b"]] * 5}, index=pd.Index([f"i{k}" for k in range(10)], name="item_id"))
    tastes = pd.DataFrame({"user_id": ["u"] * 2, "topic": ["a", "b"], "weight_start": [1.0, 0.0], "weight_end": [0.0, 1.0]})
    train = pd.DataFrame({"user_id": ["u", "u"], "timestamp": [START, START + DAY * DAYS // 4]})
    scores = true_matches(items, tastes, train, pd.Index(["u"]))
    assert topic_matrix(items)[0] == ["a", "b"]
    np.testing.assert_allclose(scores, [[0.75 / np.sqrt(5)] * 5 + [0.25 / np.sqrt(5)] * 5])


def test_true_tastes_beat_popularity_on_fresh_seeds():
    order = stored("readers_order")
    assert len(order) == 5 and (order["true tastes"] > order["popularity"]).all() and (order["popularity"] > order["random"]).all()
