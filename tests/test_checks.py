"""Tables and lists as people hand them in: the right result, or an error that names column, row and remedy; never a silent wrong answer."""

import datetime
from collections.abc import Callable

import numpy as np
import pandas as pd
import polars
import pytest
from small_tables import ITEMS, SEEN, change, liked

from tokrec.checks import check_interactions, check_items, check_list, check_times, sorted_ids
from tokrec.evaluate import (
    global_split,
    liked_from,
    ndcg_at_k,
    per_user,
    precision_at_k,
    temporal_split,
)
from tokrec.features.tfidf import TfidfFeatures
from tokrec.recommend import ContentRecommender, HybridRecommender, PopularityRecommender
from tokrec.text import item_texts


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
