"""Rankings, metrics, intervals and search: what they refuse, and how much memory they take."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError
from small_tables import ITEMS, SEEN, change, liked

from tokrec.evaluate import (
    bootstrap_interval,
    coverage,
    f1_at_k,
    judge_queries,
    league,
    league_table,
    mrr_at_k,
    ndcg_at_k,
    paired_difference,
    per_user,
    precision_at_k,
    recall_at_k,
)
from tokrec.recommend import HybridRecommender, PopularityRecommender
from tokrec.similarity import top_k


@pytest.mark.parametrize("metric", [ndcg_at_k, precision_at_k, recall_at_k, f1_at_k, mrr_at_k])
def test_an_item_ranked_twice_is_refused(metric: Callable):
    with pytest.raises(ValueError, match="ranked holds 'A' more than once"):
        metric(["A", "A"], {"A"}, 2)
    with pytest.raises(TypeError, match="relevant must be a set of items, not one str"):
        metric(["A"], "A", 1)
    for relevant in ({"A"}, ["A"], ("A",), frozenset("A"), pd.Index(["A"])):
        assert metric(["A"], relevant, 1) == 1


def test_gains_must_be_numbers_of_zero_or_more():
    for gain in (-1, float("nan")):
        with pytest.raises(ValueError, match="gains must be numbers of 0 or more, got .* for 'B'"):
            ndcg_at_k(["A"], {"A": 1, "B": gain}, 1)


def test_intervals_refuse_what_is_no_number():
    with pytest.raises(ValueError, match="values holds NaN or infinity in row 1"):
        bootstrap_interval([0.1, float("nan")])
    with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
        bootstrap_interval([0.1, 0.2], level=95)
    with pytest.raises(ValueError, match=r"got shapes \(2,\) and \(3,\)"):
        paired_difference([1, 2], [1, 2, 3])


def test_search_refuses_what_is_not_finite():
    with pytest.raises(ValueError, match="items holds NaN or infinity in row 1"):
        top_k(np.eye(2), np.array([[1, 0], [np.nan, 1]]))
    with pytest.raises(ValueError, match="must be matrices"):
        top_k(np.ones(2), np.eye(2))


def test_series_are_taken_by_item_or_refused():
    gains = pd.Series([3, 1], index=["a", "b"])
    assert ndcg_at_k(["a", "b"], gains, 2) == ndcg_at_k(["a", "b"], {"a": 3, "b": 1}, 2) == 1
    for metric in (recall_at_k, precision_at_k, f1_at_k, mrr_at_k):
        with pytest.raises(TypeError, match=r"not a Series: take set\(x\) or set\(x.index\)"):
            metric(["a", "b"], gains, 2)
        assert metric(["a"], (item for item in "a"), 1) == 1 and metric(["a"], {"a": 1, "b": 0}, 1) == 1  # used once; gain 0 is none
    a, b = pd.Series([1.0, 2.0], index=["u", "v"]), pd.Series([1.0, 2.0], index=["v", "u"])
    with pytest.raises(ValueError, match="of different readers, or in another order"):
        paired_difference(a, b)
    assert paired_difference(a, a)[0] == 0


def test_coverage_counts_items():
    assert coverage([["a", "b"], ["a"]], 4) == 0.5
    for lists, size, message in (
        (["abc"], 9, "not one str"),
        ([["a", "b"]], 1, "at least the 2 items"),
        ([["a"]], 0, "size of the catalogue"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            coverage(lists, size)


def test_ids_of_another_type_in_the_test_are_named():
    numbered = ITEMS.set_axis(pd.Index([1, 2, 3], name="item_id"))
    train = change(item_id=[1, 2, 2, 3])
    fitted = PopularityRecommender().fit(train, numbered)
    with pytest.raises(ValueError, match="test holds no known item_id: ids are str here and int there"):
        per_user(fitted, pd.DataFrame({"user_id": ["u"], "item_id": ["3"], "rating": [5]}))
    with pytest.raises(ValueError, match="test holds no known user_id: ids are int here and str there"):
        per_user(fitted, pd.DataFrame({"user_id": [7], "item_id": [3], "rating": [5]}))
    judged = pd.DataFrame({"query_id": ["q", "q"], "item_id": ["1", "2"], "relevance": [3, 1]})
    with pytest.raises(ValueError, match="none of the items is judged"):
        judge_queries(np.eye(1, 2), ["q"], [1, 2], judged)
    with pytest.raises(ValueError, match="none of the queries is judged"):
        judge_queries(np.eye(1, 2), [1], ["1", "2"], judged)
    with pytest.raises(ValueError, match=r"shape \(1, 2\), for 1 queries and 3 items"):
        judge_queries(np.eye(1, 2), ["q"], ["1", "2", "3"], judged)
    assert judge_queries(np.eye(1, 2), ["q"], ["1", 2], judged).tolist() == pytest.approx([3 / (3 + 1 / np.log2(3))])  # mixed ids


@pytest.mark.parametrize("positive", [0, -1, float("nan"), float("inf"), "4", True])
def test_thresholds_must_be_ratings(positive: object):
    with pytest.raises(ValueError, match="positive must be a rating above 0"):
        liked(SEEN, positive=positive)
    with pytest.raises(ValueError, match="positive must be a rating above 0"):
        PopularityRecommender(positive=positive).fit(None, ITEMS)


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf"), "1", None, True])
def test_weights_must_be_numbers(weight: object):
    with pytest.raises(ValueError, match="weight must be a number of 0 or more"):
        HybridRecommender(weight=weight).fit(None, ITEMS)


def test_unfitted_and_wrongly_collected_recommenders_are_named():
    with pytest.raises(NotFittedError, match=r"this PopularityRecommender is not fitted"):
        per_user(PopularityRecommender(), SEEN)
    for wrong in ([PopularityRecommender()], PopularityRecommender(), {}):
        with pytest.raises(TypeError, match="recommenders must be a dict of name to recommender"):
            league_table(wrong, SEEN, SEEN, ITEMS)


def test_search_takes_what_is_a_matrix():
    queries, items = [[1.0, 0.0]], pd.DataFrame([[0.0, 2.0], [3.0, 0.0]])
    for kind in (lambda x: x, np.array, lambda x: torch.tensor(np.array(x)), lambda x: csr_matrix(np.array(x))):
        places, scores = top_k(kind(queries), kind(items), 2)
        assert places.tolist() == [[1, 0]] and scores.tolist() == [[1, 0]]
    with pytest.raises(ValueError, match="k must be a whole number of at least 1, got -1"):
        top_k(np.eye(2), np.eye(2), block=-1)


@pytest.mark.parametrize(
    ("kind", "factor"), [(np.float16, 3e4), (np.float32, 1e30), (np.float32, 1e-30), (np.float64, 1e200), (np.float64, 1e-200)]
)
def test_search_neither_overflows_nor_vanishes(kind: type, factor: float):
    rows = (np.array([[1, 0.5], [-1, 0.25]]) * factor).astype(kind)
    assert top_k(rows, rows, 1)[1].ravel().tolist() == pytest.approx([1, 1], abs=1e-3)


def test_a_catalogue_of_stop_words_can_be_searched():
    items = pd.DataFrame({"title": ["It", "Up", "你"]}, index=list("iun"))
    assert HybridRecommender().fit(None, items).recommend(text="it", k=1)["item_id"].tolist() == ["i"]


def test_ranking_and_intervals_take_bounded_memory(monkeypatch: pytest.MonkeyPatch):
    import tracemalloc

    n_items, n_users = 20_000, 300
    items = pd.DataFrame({"title": "x"}, index=range(n_items))
    rng = np.random.default_rng(0)
    seen = pd.DataFrame(
        {"user_id": rng.integers(0, n_users, 3000), "item_id": rng.integers(0, n_items, 3000), "rating": 4.0, "timestamp": 0}
    )
    seen["rating"] = rng.choice([3.0, 5.0], 3000)
    fitted = PopularityRecommender().fit(seen[:2500], items)
    monkeypatch.setattr(league, "BLOCK", 200_000)  # ten readers at once
    whole = league._rank_block(fitted, list(fitted.users_), 10, 0.0, np.ones(n_items, bool))
    tracemalloc.start()
    judged = per_user(fitted, seen[2500:], k=10)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    assert peak < 25  # all readers at once would take 46 MB for each copy of the scores
    assert judged["ranked"].tolist() == [whole[fitted.users_.get_loc(user)] for user in judged.index]


def test_an_interval_over_many_values_takes_bounded_memory():
    import tracemalloc

    values = np.random.default_rng(0).random(60_000)
    tracemalloc.start()
    low, high = bootstrap_interval(values, n_resamples=300)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    assert peak < 100 and low < values.mean() < high  # in one piece 137 MB
    drawn = np.random.default_rng(0).multinomial(60_000, np.full(60_000, 1 / 60_000), size=300) @ values / 60_000
    assert (low, high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))  # the same draws as in one piece
