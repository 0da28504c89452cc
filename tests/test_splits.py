"""Splits and what may be shown, against examples worked out by hand."""

import numpy as np
import pandas as pd
import pytest

import tokrec.evaluate as ev
from tokrec.recommend import PopularityRecommender
from tokrec.recommend.base import same_time

ITEMS = pd.DataFrame({"title": list("abcdefgh")}, index=pd.Index(list("abcdefgh"), name="item_id"))


def frame(rows):
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"])


def test_warm_split_by_hand():
    rows = [("u", "a", 5, 1), ("u", "b", 2, 2), ("u", "c", 4, 3), ("u", "d", 5, 4), ("u", "e", 4, 5), ("u", "f", 1, 6)]
    rows += [("u", "g", 5, 7), ("u", "h", 3, 8), ("v", "a", 5, 1), ("v", "b", 5, 2)]
    train, test = ev.warm_split(frame(rows))
    # u liked a, c, d, e, g: a fifth is one, g. f was rated before it and stays; h comes after and is in neither. v liked too few.
    assert set(zip(test["user_id"], test["item_id"], strict=True)) == {("u", "g")}
    assert train[train["user_id"] == "u"]["item_id"].tolist() == list("abcdef") and (train["user_id"] == "v").sum() == 2
    train, test = ev.warm_split(frame(rows), test_share=0.3)  # two of five, rounded up: the first of them, e, ends the training
    assert test["item_id"].tolist() == ["e", "g"] and train[train["user_id"] == "u"]["item_id"].tolist() == list("abcd")


def test_a_share_is_rounded_up_as_by_hand():
    assert 100 * 0.07 > 7  # in floating point
    rows = frame([("u", f"i{number}", 5, number) for number in range(100)])
    assert len(ev.warm_split(rows, 0.07)[1]) == len(ev.temporal_split(rows, 0.07)[1]) == 7


def test_warm_split_orders_one_moment_by_its_seed():
    rows = frame([("u", item, 5, 1) for item in "abcdefgh"])
    drawn = {tuple(sorted(ev.warm_split(rows, random_state=seed)[1]["item_id"])) for seed in range(20)}
    assert len(drawn) > 5 and ev.warm_split(rows, random_state=3)[1].equals(ev.warm_split(rows, random_state=3)[1])


def test_rolling_splits_by_hand():
    rows = frame([("u", "a", 5, 1), ("v", "b", 5, 2), ("u", "c", 2, 3), ("v", "d", 5, 4), ("u", "e", 5, 5), ("v", "f", 4, 6)])
    parts = list(ev.rolling_splits(rows, starts=2, first=0.5))
    # Cuts before the fourth row (half) and, by three quarters of six rows, before the fifth: 4.5 rounds to 4.
    assert [train["item_id"].tolist() for train, _ in parts] == [list("abc"), list("abcd")]
    assert [test["item_id"].tolist() for _, test in parts] == [["d"], ["e", "f"]]


def test_rolling_splits_never_train_on_the_future():
    rng = np.random.default_rng(0)
    rows = frame([(f"u{rng.integers(9)}", f"i{number}", rng.integers(1, 6), rng.integers(50)) for number in range(300)])
    parts = list(ev.rolling_splits(rows, starts=4))
    assert len(parts) == 4 and all(train["timestamp"].max() < test["timestamp"].min() for train, test in parts)
    found = pd.concat([test for _, test in parts])
    assert not found.duplicated(["user_id", "item_id"]).any() and (found["rating"] >= 4).all()


def test_cold_folds_hold_every_item_once():
    index = pd.Index([f"i{number}" for number in range(23)])
    folds = ev.cold_folds(index, 5, random_state=1)
    assert sorted(item for fold in folds for item in fold) == sorted(index) and {len(fold) for fold in folds} == {4, 5}
    with pytest.raises(ValueError, match="too few for 5 folds"):
        ev.cold_folds(index[:3])


def test_what_may_be_shown():
    known = frame([("u", "a", 5, 1), ("u", "b", 2, 2), ("v", "a", 5, 1), ("v", "c", 5, 2), ("w", "c", 5, 1), ("w", "b", 5, 1)])
    popular = PopularityRecommender().fit(known, ITEMS)
    assert ev.rank_unseen(popular, ["u"], 2) == [["c", "d"]]
    assert ev.rank_unseen(popular, ["u"], 2, exclude="liked") == [["c", "b"]]  # b was rated, not liked
    assert ev.rank_unseen(popular, ["u"], 3, candidates=pd.Index(["h", "c"])) == [["c", "h"]]
    test = frame([("u", "c", 5, 9)])
    assert ev.per_user(popular, test, candidates=pd.Index(["b", "c"]))["ranked"].tolist() == [["c"]]
    both = frame([("u", "c", 5, 9), ("u", "d", 5, 9)])  # d can't be shown, so it isn't looked for
    assert ev.per_user(popular, both, candidates=pd.Index(["c", "h"]))["recall"].tolist() == [1]
    with pytest.raises(ValueError, match="'rated' or 'liked', not 'seen'"):
        ev.rank_unseen(popular, ["u"], 2, exclude="seen")
    with pytest.raises(ValueError, match="candidates must be items of the recommender"):
        ev.rank_unseen(popular, ["u"], 2, candidates=pd.Index(["z"]))


class Latest(PopularityRecommender):
    """Scores an item by the time at which the reader rated it."""

    def _score_events(self, history, times):
        return times.toarray()


def test_times_reach_the_recommender():
    latest = Latest().fit(frame([("u", "a", 5, 7), ("u", "c", 2, 0), ("v", "b", 5, 3), ("v", "b", 4, 9)]), ITEMS)
    assert latest.score(["v", "u"])[:, :3].tolist() == [[0, 9, 0], [7, 0, 0]]  # the last row of a pair counts
    assert latest.recommend(history=["d", "b"], exclude_seen=False, k=2)["item_id"].tolist() == ["b", "d"]  # oldest first
    assert latest.score_history(latest.seen_).max() == 0 and same_time(latest.seen_).nnz == 3
