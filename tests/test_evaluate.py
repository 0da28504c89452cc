"""Evaluation: metrics worked by hand and against scikit-learn, splits without loss, intervals with the right coverage."""

from fractions import Fraction
from math import ceil, log2

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

from tokrec import evaluate as ev
from tokrec.recommend import ContentRecommender, PopularityRecommender

RANKED = ["a", "b", "c", "d", "e"]


def frame(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"])


@pytest.fixture(scope="module")
def items() -> pd.DataFrame:
    texts = {"a": "smart watch", "b": "smart phone", "c": "red apple", "d": "green apple", "e": "云南 旅行"}
    return pd.DataFrame({"title": texts.keys(), "text": texts.values()}, index=list(texts))


def test_metrics_by_hand():
    relevant = {"b", "d", "z"}
    assert ev.precision_at_k(RANKED, relevant, 4) == 2 / 4  # b and d of four places
    assert ev.recall_at_k(RANKED, relevant, 4) == pytest.approx(2 / 3)
    assert ev.f1_at_k(RANKED, relevant, 4) == pytest.approx(2 * (1 / 2) * (2 / 3) / (1 / 2 + 2 / 3))  # 4/7
    assert ev.mrr_at_k(RANKED, relevant, 4) == 1 / 2
    # DCG: b at 2, d at 4: 1/log2(3) + 1/log2(5) = 0.630930 + 0.430677; ideal: 1 + 0.630930 + 0.5.
    assert ev.ndcg_at_k(RANKED, relevant, 4) == pytest.approx(1.061606 / 2.130930, abs=1e-6)


def test_graded_ndcg_by_hand():
    # Gains 0, 3, 1 in the list, 2 missed: DCG = 3/log2(3) + 1/log2(4) = 2.392789; ideal 3 + 2/log2(3) + 1/2 = 4.761860.
    assert ev.ndcg_at_k(["x", "a", "b"], {"a": 3, "b": 1, "c": 2}, 3) == pytest.approx(2.392789 / 4.761860, abs=1e-6)
    assert ev.ndcg_at_k(["a", "c", "b"], {"a": 3, "b": 1, "c": 2}, 3) == pytest.approx(1)
    assert ev.ndcg_at_k(["a"], {"a": 3, "b": 1}, 1) == 1 and ev.ndcg_at_k(["b"], {"a": 3, "b": 1}, 1) == pytest.approx(1 / 3)


@pytest.mark.parametrize("metric", ev.METRICS.values(), ids=ev.METRICS.keys())
def test_metrics_at_their_edges(metric):
    assert metric([], {"a"}, 5) == 0 and metric(RANKED, set(), 5) == 0 and metric(RANKED, {"z"}, 5) == 0
    assert metric(["a"], {"a"}, 1) == 1
    assert metric(["b", "a"], {"a"}, 1) == 0  # what lies beyond k does not count
    for k in (0, -3, 1.5):
        with pytest.raises(ValueError, match="k must be a whole number"):
            metric(RANKED, {"a"}, k)


def test_ndcg_equals_scikit_learn():
    rng = np.random.default_rng(0)
    for k in (1, 3, 10, 30):
        gains, scores = rng.integers(0, 4, 20).astype(float), rng.permutation(20).astype(float)
        ranked = list(np.argsort(-scores))
        assert ev.ndcg_at_k(ranked, dict(enumerate(gains)), k) == pytest.approx(ndcg_score([gains], [scores], k=k))


def test_coverage_by_hand():
    assert ev.coverage([["a", "b"], ["b"], []], 4) == 2 / 4
    assert ev.coverage([], 4) == 0


def test_temporal_split_by_hand():
    rows = [("u", item, 4, time) for time, item in enumerate("abcdef")] + [("v", "a", 3, 9), ("v", "b", 5, 1)]
    train, test = ev.temporal_split(frame(rows[::-1]), test_share=0.2)
    assert test[["user_id", "item_id"]].values.tolist() == [["u", "e"], ["u", "f"]]  # 0.2 · 6 = 1.2, rounded up; v has fewer than five
    assert len(train) + len(test) == 8 and not train.index.intersection(test.index).size


@pytest.mark.parametrize("share", ["0.1", "0.2", "0.3", "0.5"])
def test_temporal_split_sizes(share: str):
    sizes = range(5, 60)
    train, test = ev.temporal_split(frame([(n, i, 4, i) for n in sizes for i in range(n)]), float(share))
    assert test.groupby("user_id").size().to_dict() == {n: ceil(n * Fraction(share)) for n in sizes}
    last, first = train.groupby("user_id")["timestamp"].max(), test.groupby("user_id")["timestamp"].min()
    assert (last < first).all()


@pytest.mark.parametrize("split", [ev.temporal_split, ev.global_split])
@pytest.mark.parametrize("share", [0, 1, -0.1, 2, float("nan")])
def test_splits_refuse(split, share: float):
    with pytest.raises(ValueError, match="test_share must lie between 0 and 1"):
        split(frame([("u", "a", 4, 1)]), share)


@pytest.mark.parametrize(("share", "size"), [(0.1, 1), (0.2, 2), (0.3, 3), (0.9, 9)])
def test_global_split(share: float, size: int):
    table = frame([("u", f"i{time}", 4, time) for time in range(10)]).sample(frac=1, random_state=0)
    train, test = ev.global_split(table, share)
    assert sorted(test["timestamp"]) == list(range(10 - size, 10)) and len(train) == 10 - size


def test_bootstrap_interval_of_a_known_case():
    # Half zeros, half ones: the mean has standard error sqrt(0.25 / 400) = 0.025, so 95 % lie within 0.5 ± 1.96 · 0.025.
    low, high = ev.bootstrap_interval([0.0, 1.0] * 200)
    assert (low, high) == pytest.approx((0.451, 0.549), abs=0.006)
    assert ev.bootstrap_interval([0.0, 1.0] * 200) == (low, high)  # the same seed, the same interval
    narrow = ev.bootstrap_interval([0.0, 1.0] * 200, level=0.5)
    assert low < narrow[0] < 0.5 < narrow[1] < high
    assert ev.bootstrap_interval([0.25] * 7) == pytest.approx((0.25, 0.25))
    for values in ([], [[1.0]]):
        with pytest.raises(ValueError, match="at least one number"):
            ev.bootstrap_interval(values)


def test_bootstrap_interval_covers_the_mean():
    rng = np.random.default_rng(3)
    intervals = [ev.bootstrap_interval(rng.exponential(1, 80), n_resamples=400) for _ in range(200)]
    assert 0.87 <= np.mean([low <= 1 <= high for low, high in intervals]) <= 0.99


def test_paired_difference():
    mean, low, high = ev.paired_difference([0.5, 0.7, 0.9], [0.4, 0.5, 0.6])
    assert mean == pytest.approx(0.2) and 0.0999 < low < mean < high < 0.3001


def test_rank_unseen_leaves_out_what_was_seen(items: pd.DataFrame):
    # Liked by: a two readers, b one. u saw a, b and c, so d and e are left, fewer than k.
    known = frame([("u", "a", 5, 1), ("u", "b", 4, 2), ("u", "c", 2, 3), ("v", "a", 5, 1)])
    popular = PopularityRecommender().fit(known, items)
    assert ev.rank_unseen(popular, ["u", "v"], 4) == [["d", "e"], ["b", "c", "d", "e"]]


def test_per_user_by_hand(items: pd.DataFrame):
    train = frame([("u", "c", 5, 1), ("v", "a", 5, 1), ("w", "a", 5, 2)])
    test = frame([("u", "b", 5, 3), ("u", "e", 1, 4), ("v", "b", 3, 5), ("new", "a", 5, 1)])
    users = ev.per_user(PopularityRecommender().fit(train, items), test, k=2)
    # Only u has something to find that is liked: b. Popularity (c itself is seen) gives a, b: b stands second.
    assert list(users.index) == ["u"] and users.loc["u", "ranked"] == ["a", "b"]
    assert users.loc["u", "ndcg"] == pytest.approx(1 / log2(3))
    assert users.loc["u", ["recall", "precision", "mrr"]].tolist() == [1, 0.5, 0.5]
    with pytest.raises(ValueError, match="nothing to find"):
        ev.per_user(PopularityRecommender().fit(train, items), test[test["rating"] < 4])


def test_league_table(items: pd.DataFrame):
    train = frame([("u", "c", 5, 1), ("v", "a", 5, 1), ("w", "a", 5, 2)])
    test = frame([("u", "d", 5, 3), ("v", "b", 5, 3)])
    table = ev.league_table({"popular": PopularityRecommender(), "words": ContentRecommender("tfidf")}, train, test, items, k=1)
    # Popularity gives u the watch (a), and v the apple (c): nothing found. Words give u the other apple and v the other smart thing.
    assert table["ndcg"].to_dict() == {"popular": 0, "words": 1}
    assert table["coverage"].to_dict() == {"popular": 2 / 5, "words": 2 / 5}
    assert table.columns.tolist() == ["ndcg", "low", "high", "recall", "precision", "f1", "mrr", "coverage", "seconds"]
    assert (table["low"] <= table["ndcg"]).all() and (table["ndcg"] <= table["high"]).all() and (table["seconds"] > 0).all()


def test_judge_queries_by_hand():
    relevance = pd.DataFrame({"query_id": ["q1", "q1"], "item_id": ["a", "c"], "relevance": [3, 1]})
    found = ev.judge_queries(np.array([[0.1, 0.9, 0.5], [1.0, 0.0, 0.0]]), ["q1", "q2"], ["a", "b", "c"], relevance, k=2)
    # q1 ranks b, c: DCG = 1/log2(3); ideal 3 + 1/log2(3). q2 has no judgement.
    assert found.tolist() == pytest.approx([(1 / log2(3)) / (3 + 1 / log2(3)), 0]) and found.name == "ndcg@2"
