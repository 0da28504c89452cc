"""Tables and lists as people hand them in: the right result, or an error that names column, row and remedy; never a silent wrong answer."""

import datetime
from collections.abc import Callable

import numpy as np
import pandas as pd
import polars
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError

from tokrec.checks import check_interactions, check_items, check_list, check_times, sorted_ids
from tokrec.evaluate import (
    bootstrap_interval,
    coverage,
    f1_at_k,
    global_split,
    judge_queries,
    league,
    league_table,
    liked_from,
    mrr_at_k,
    ndcg_at_k,
    paired_difference,
    per_user,
    precision_at_k,
    recall_at_k,
    temporal_split,
)
from tokrec.features.tfidf import TfidfFeatures
from tokrec.recommend import ContentRecommender, HybridRecommender, PopularityRecommender
from tokrec.similarity import top_k
from tokrec.text import item_texts

ITEMS = pd.DataFrame({"title": ["Smart watch", "Red apple", "Trip to Yunnan"]}, index=pd.Index(["w", "a", "t"], name="item_id"))
SEEN = pd.DataFrame(
    {"user_id": ["u", "u", "v", "v"], "item_id": ["w", "a", "a", "t"], "rating": [5.0, 2.0, 4.0, 3.0], "timestamp": [4, 3, 2, 1]}
)


def change(**columns: object) -> pd.DataFrame:
    return SEEN.assign(**columns)


def liked(seen: pd.DataFrame, items: pd.DataFrame = ITEMS, **options: float) -> dict:
    """How many readers liked each item, as the recommender counts."""
    fitted = PopularityRecommender(**options).fit(seen, items)
    return dict(zip(fitted.items_.index, fitted.counts_, strict=True))


def test_item_id_may_be_a_column():
    assert check_items(ITEMS.reset_index()).index.tolist() == ["w", "a", "t"]
    assert liked(SEEN, ITEMS.reset_index()) == liked(SEEN) == {"w": 1, "a": 1, "t": 0}
    assert ContentRecommender("tfidf").fit(None, ITEMS.reset_index()).recommend(text="apple", k=1)["item_id"].tolist() == ["a"]
    assert liked(SEEN.set_index(["user_id", "item_id"])) == liked(SEEN)
    with pytest.raises(ValueError, match="item_id twice, as index and as column"):
        check_items(ITEMS.assign(item_id=1))
    with pytest.raises(ValueError, match="an index of 2 levels"):
        check_items(ITEMS.set_index("title", append=True).assign(text=""))


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT, "", "  "])
@pytest.mark.parametrize(
    ("place", "table"),
    [
        ("items", lambda value: ITEMS.set_axis(pd.Index(["w", value, "t"], dtype=object))),
        ("items", lambda value: ITEMS.reset_index(drop=True).assign(item_id=pd.Series(["w", value, "t"], dtype=object))),
        ("user_id", lambda value: change(user_id=pd.Series(["u", value, "v", "v"], dtype=object))),
        ("item_id", lambda value: change(item_id=pd.Series(["w", value, "a", "t"], dtype=object))),
    ],
)
def test_missing_ids(place: str, table: Callable, missing: object):
    column = "item_id" if place == "items" else place
    with pytest.raises(ValueError, match=rf"has no {column} in row 1 \(it is .*\): fill it or drop the row"):
        PopularityRecommender().fit(*((SEEN, table(missing)) if place == "items" else (table(missing), ITEMS)))


@pytest.mark.parametrize("value", [("a", 1), ["a"], {"a": 1}, b"a", object()])
def test_what_is_no_id(value: object):
    ids = pd.Series([None] * 3, dtype=object)
    ids[:] = ["w", "x", "t"]
    ids.iat[1] = value
    with pytest.raises(ValueError, match="items has the item_id .* in row 1: ids must be strings or numbers"):
        check_items(ITEMS.reset_index(drop=True).assign(item_id=ids))


@pytest.mark.parametrize(
    "ids",
    [
        [10, 20, 30],
        [1.0, 2.0, 3.0],
        ["1", "2", "3"],
        [1, "1", 2.5],
        [True, "x", 7],
        ["a b", "é", "三"],
        pd.date_range("2024-01-01", periods=3),
    ],
)  # fmt: skip
def test_ids_of_any_type(ids: list):
    items = ITEMS.set_axis(pd.Index(ids, name="item_id"))
    seen = pd.DataFrame({"user_id": list(ids) * 2, "item_id": [*ids, *ids[1:], ids[0]], "rating": 4.0, "timestamp": range(6)})
    fitted = HybridRecommender().fit(seen, items)
    assert len(fitted.users_) == 3 and fitted.seen_.sum() == 24
    for user in ids:
        found = fitted.recommend(user, k=3)
        assert len(found) == 1 and found["item_id"][0] not in set(seen["item_id"][seen["user_id"] == user])
    assert fitted.recommend(history=[ids[0]], k=3)["item_id"].tolist() != [] and fitted.score(list(ids)).shape == (3, 3)


def test_mixed_ids_are_sorted_by_type_first():
    assert sorted_ids([2, "b", 1, "a", 2], "user_id").tolist() == [1, 2, "a", "b"]
    assert sorted_ids(["b", "a", "b"], "user_id").tolist() == ["a", "b"]


@pytest.mark.parametrize("rating", [None, float("nan"), pd.NA, "", "good", 0, -1, float("inf"), "inf"])
def test_ratings_that_are_none(rating: object):
    with pytest.raises(ValueError, match=r"ratings that are no positive numbers, for example .* in row 2: drop such rows"):
        liked(change(rating=pd.Series([5, 2, rating, 3], dtype=object)))


def test_ratings_as_text_are_numbers():
    assert liked(change(rating=["5", "2", "4.0", "3"])) == liked(SEEN)
    assert check_interactions(change(rating=pd.Categorical(["5", "2", "4", "3"])), ITEMS)["rating"].tolist() == [5, 2, 4, 3]


def test_times_as_text_sort_as_numbers():
    late = temporal_split(
        change(user_id="u", item_id=["w", "a", "t", "w"], timestamp=["9", "10", "100", "8"]), test_share=0.3, min_history=1
    )[1]
    assert late["timestamp"].tolist() == [10, 100]
    assert global_split(change(timestamp=["9", "10", "100", "8"]), 0.25)[1]["timestamp"].tolist() == [100]


@pytest.mark.parametrize(
    "times",
    [
        ["2024-01-02", "2024-01-02 10:00", "2024-03-01T00:00:00Z"],
        pd.date_range("2024-01-02", periods=3, freq="10h"),
        pd.date_range("2024-01-02", periods=3, freq="10h", tz="Asia/Shanghai"),
        [datetime.date(2024, 1, 2), datetime.datetime(2024, 1, 2, 10), datetime.date(2024, 3, 1)],
        pd.Categorical(["5", "40", "300"]),
    ],
)
def test_dates_are_times(times: object):
    found = check_times(pd.Series(times))
    assert found.is_monotonic_increasing and found.nunique() == 3 and pd.api.types.is_numeric_dtype(found)


def test_a_date_is_seconds_since_1970():
    assert check_times(pd.Series(["1970-01-02", "2024-01-02T00:00:00+08:00"])).tolist() == [86_400, 1_704_124_800]


UNREADABLE = [[1, None, 3], [1.0, float("nan"), 2.0], [1, float("inf"), 2]]
UNREADABLE += [["2024-01-01", middle, "2024-01-03"] for middle in ("soon", None, "17", "")]


@pytest.mark.parametrize("times", UNREADABLE)
def test_times_that_cannot_be_read(times: list):
    table = SEEN[:3].assign(timestamp=pd.Series(times))
    for use in (lambda: liked(table), lambda: temporal_split(table), lambda: global_split(table)):
        with pytest.raises(ValueError, match=r"timestamp .* in row 1, which can't be read as a time: give seconds since 1970 or dates"):
            use()


@pytest.mark.parametrize(
    "wrong", [[("u", "w", 5, 1)], {"user_id": ["u"]}, "ratings.csv", SEEN["rating"], SEEN.to_numpy(), polars.from_pandas(SEEN)]
)
def test_wrong_containers_for_interactions(wrong: object):
    with pytest.raises(TypeError, match="must be a pandas DataFrame with the columns user_id, item_id, rating, timestamp, got"):
        PopularityRecommender().fit(wrong, ITEMS)


def test_a_polars_table_is_told_how_to_convert():
    with pytest.raises(TypeError, match=r"must be a pandas DataFrame indexed by item_id, got DataFrame: convert it with items\.to_pandas"):
        PopularityRecommender().fit(None, polars.from_pandas(ITEMS.reset_index()))


def test_two_columns_of_one_name():
    twice = pd.concat([SEEN, SEEN[["rating"]]], axis=1)
    with pytest.raises(ValueError, match="interactions has the column 'rating' twice"):
        PopularityRecommender().fit(twice, ITEMS)
    with pytest.raises(ValueError, match="items has the column 'title' twice"):
        ContentRecommender("tfidf").fit(None, pd.concat([ITEMS, ITEMS], axis=1))


# Scales other than five stars.


def test_a_stated_threshold():
    ten = change(rating=[10, 4, 8, 6])
    with pytest.raises(ValueError, match=r"ratings run from 4 to 10, which is not the scale of five stars: say with positive="):
        liked(ten)
    assert liked(ten, positive=8) == {"w": 1, "a": 1, "t": 0} and liked(ten, positive=5) == {"w": 1, "a": 1, "t": 1}
    with pytest.raises(ValueError, match="no rating reaches positive=11"):
        liked(ten, positive=11)
    with pytest.raises(ValueError, match="run from 0.1 to 0.9"):
        liked(change(rating=[0.1, 0.9, 0.5, 0.2]))


def test_ratings_all_alike_are_all_likes():
    clicks = change(rating=1)
    assert liked(clicks) == {"w": 1, "a": 2, "t": 1} and liked_from(clicks["rating"]) == 1
    fitted = ContentRecommender("tfidf").fit(clicks, ITEMS)
    assert fitted.recommend("u", k=1)["item_id"].tolist() == ["t"] and np.isfinite(fitted.recommend(history=["w"])["score"]).all()
    judged = per_user(PopularityRecommender().fit(clicks[:3], ITEMS), clicks[3:], k=2)
    assert judged["recall"].tolist() == [1.0]


def test_threshold_goes_into_profiles_and_evaluation():
    train, test = (
        change(rating=[10, 2, 9, 1]),
        pd.DataFrame({"user_id": ["u", "v"], "item_id": ["t", "w"], "rating": [9, 3], "timestamp": 9}),
    )
    fitted = ContentRecommender("tfidf", positive=8).fit(train, ITEMS)
    np.testing.assert_allclose(fitted.score(["u"]), (fitted.vectors_[0] @ fitted.vectors_.T).toarray(), atol=1e-6)  # the watch alone
    assert per_user(fitted, test, k=3).index.tolist() == ["u"]
    with pytest.raises(ValueError, match="no rating of 8 or more"):
        per_user(fitted, test[1:], k=3)


# Lists.


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("watch", "not one str: wrap it in a list"),
        (b"watch", "not one bytes"),
        ({"a": 1}, "not a dict: take list"),
        ({"a", "b"}, "a set has none: take sorted"),
        (pd.DataFrame({"text": ["watch"]}), "not a DataFrame with columns: take one column"),
        (np.array([["watch"]]), "not a ndarray with columns"),
        (polars.DataFrame({"text": ["watch"]}), "not a DataFrame with columns"),
        (None, "got None"),
        (3, "got 3"),
    ],
)
def test_wrong_containers_for_lists(wrong: object, message: str):
    fitted = ContentRecommender("tfidf").fit(SEEN, ITEMS)
    uses = [TfidfFeatures().fit, TfidfFeatures().fit_transform, fitted.tfidf_.transform, fitted.score_text, fitted.score]
    uses += [
        lambda value: precision_at_k(value, {"watch"}, 1),
        lambda value: ndcg_at_k(value, {"watch"}, 1),
        lambda value: check_list(value, "x"),
    ]
    if wrong is not None:  # recommend(history=None) means that there is none
        uses.append(lambda value: fitted.recommend(history=value))
    for use in uses:
        with pytest.raises(TypeError, match=message):
            use(wrong)


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series, pd.Index, polars.Series, iter])
def test_right_containers_for_lists(kind: Callable):
    values = ["red apple", "smart watch"]
    assert check_list(kind(values), "x") == values
    assert TfidfFeatures().fit_transform(kind(values)).shape == (2, 4)
    fitted = ContentRecommender("tfidf").fit(SEEN, ITEMS)
    assert fitted.score_text(kind(values)).shape == (2, 3) and fitted.score(kind(["v", "u"])).shape == (2, 3)
    assert len(fitted.recommend(history=kind(["w", "a"]))) == 1


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
def test_missing_texts_are_named(missing: object):
    with pytest.raises(TypeError, match=r"texts\[1\] must be a string, got .*: drop missing values or replace them"):
        TfidfFeatures().fit(["watch", missing])


def test_cells_of_items_become_text():
    cells = [
        "1984",
        1984,
        1984.0,
        19.5,
        True,
        None,
        float("nan"),
        pd.NA,
        ["a", "b"],
        ("a", 2),
        np.array(["x", "y"]),
        datetime.date(2024, 5, 1),
    ]
    table = pd.DataFrame({"title": pd.Series(cells, dtype=object)})
    assert item_texts(table) == ["1984", "1984", "1984", "19.5", "1", "", "", "", "a b", "a 2", "x y", "2024-05-01"]
    with pytest.raises(TypeError, match=r"items has b'x' in column 'title', row 1"):
        item_texts(pd.DataFrame({"title": ["a", b"x"]}))


# Rankings and numbers.


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


# Memory.


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
    whole = league._rank_block(fitted, list(fitted.users_), 10)
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
