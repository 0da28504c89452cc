"""Splits: what a recommender learns from, and what it is judged on (chapter *recommender*)."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tokrec.checks import check_columns, check_k, check_share, id_index, sorted_ids

POSITIVE = 4.0  # of five stars: from this rating on an interaction counts as liked


def liked_from(ratings: pd.Series, positive: float | None = None) -> float:
    """From which rating on an interaction counts as liked. Chapter *recommender*.

    Parameters
    ----------
    ratings : Series of float
        Ratings of the training part.
    positive : float, optional
        The threshold, where the scale is not that of five stars. By default 4 on a scale of up to five stars; where all ratings are alike
        (clicks, purchases), all of them count.

    Raises
    ------
    ValueError
        If no rating reaches the threshold, or the scale is another one and no threshold is given.
    """
    if positive is not None and (isinstance(positive, bool) or not isinstance(positive, Real) or not 0 < positive < np.inf):
        raise ValueError(f"positive must be a rating above 0, got {positive!r}")
    if not len(ratings):
        return _as_stored(POSITIVE if positive is None else positive)
    low, high = _as_stored(ratings.min()), _as_stored(ratings.max())
    if positive is None:
        if low == high:
            return low
        if high > 5 or high < POSITIVE:
            raise ValueError(
                f"ratings run from {low:g} to {high:g}, which is not the scale of five stars: say with positive= (--positive on the command"
                " line) from which rating on an interaction counts as liked"
            )
        return POSITIVE
    if _as_stored(positive) > high:
        raise ValueError(f"no rating reaches positive={positive:g}: they run from {low:g} to {high:g}")
    return _as_stored(positive)


def _as_stored(rating: float) -> float:
    """A rating as the matrix of ratings holds it, in single precision: .9 must reach .9."""
    return float(np.float32(rating))


def temporal_split(interactions: pd.DataFrame, test_share: float = 0.2, min_history: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each reader's last interactions are the test, the earlier ones the training. Chapter *recommender*.

    Parameters
    ----------
    interactions : DataFrame
        ``user_id, item_id, rating, timestamp``.
    test_share : float
        Part of each reader's interactions, rounded up, that goes to the test; in (0, 1).
    min_history : int
        Readers with fewer interactions stay wholly in the training part.

    Returns
    -------
    train, test : DataFrame
        Without loss: together they hold every row once.

    Notes
    -----
    The cut is each reader's own, so the training part of one reader may lie later than the test of another: popularity leaks a little from
    the future. :func:`global_split` cuts everybody at one time.
    """
    check_share(test_share, "test_share")
    interactions = check_columns(interactions, ("user_id", "item_id", "timestamp"), "interactions")
    readers = sorted_ids(interactions["user_id"].tolist(), "user_id").get_indexer(id_index(interactions["user_id"].tolist()))
    ordered = interactions.iloc[np.lexsort((interactions["timestamp"], readers))]
    groups = ordered.groupby("user_id", sort=False)
    size, place = groups["item_id"].transform("size"), groups.cumcount()
    is_test = (size >= min_history) & (place >= size - _rounded_up(size * test_share))
    return ordered[~is_test], ordered[is_test]


def random_split(interactions: pd.DataFrame, test_share: float = 0.2, random_state: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw `test_share` of all interactions by chance as the test, whoever and whenever. Chapter *ratings*.

    What a reader did later helps to foretell what they did earlier: fit for studying predicted ratings, not for promising anything.
    """
    check_share(test_share, "test_share")
    interactions = check_columns(interactions, ("user_id", "item_id"), "interactions")
    drawn = np.random.default_rng(random_state).permutation(len(interactions))
    size = round(len(drawn) * test_share)
    return interactions.iloc[drawn[size:]], interactions.iloc[drawn[:size]]


def global_split(interactions: pd.DataFrame, test_share: float = 0.2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut all readers at one moment: the last `test_share` of all interactions are the test. Chapter *recommender*."""
    check_share(test_share, "test_share")
    ordered = check_columns(interactions, ("timestamp",), "interactions").sort_values("timestamp", kind="stable")
    cut = len(ordered) - round(len(ordered) * test_share)
    return ordered.iloc[:cut], ordered.iloc[cut:]


def warm_split(
    interactions: pd.DataFrame, test_share: float = 0.2, min_liked: int = 5, positive: float | None = None, random_state: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each reader's last liked items are the test; the training ends before the first of them. Chapter *evaluation*.

    Parameters
    ----------
    interactions : DataFrame
        ``user_id, item_id, rating, timestamp``.
    test_share : float
        Part of each reader's liked items, rounded up, that is looked for; in (0, 1).
    min_liked : int
        Readers who liked fewer items stay wholly in the training part.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.
    random_state : int
        Orders what one reader rated at one moment.

    Returns
    -------
    train, test : DataFrame
        `train` holds all that a reader had rated before the cut, whatever the rating; `test` the liked items after it. What was rated
        after the cut and not liked is in neither.

    Notes
    -----
    The cut is each reader's own: the training part of one reader may lie later than the test of another. :func:`rolling_splits` cuts
    everybody at one time.
    """
    check_share(test_share, "test_share")
    interactions = check_columns(interactions, ("user_id", "item_id", "rating", "timestamp"), "interactions")
    liked_at = liked_from(interactions["rating"], positive)
    readers = sorted_ids(interactions["user_id"].tolist(), "user_id").get_indexer(id_index(interactions["user_id"].tolist()))
    shuffled = np.random.default_rng(random_state).permutation(len(interactions))
    order = np.lexsort((shuffled, interactions["timestamp"], readers))
    ordered, readers = interactions.iloc[order], readers[order]
    liked = (ordered["rating"].astype("float32") >= liked_at).to_numpy()
    by_reader = pd.Series(liked).groupby(readers)
    number, total = by_reader.cumsum().to_numpy(), by_reader.transform("sum").to_numpy()
    late = (number > total - _rounded_up(total * test_share)) & (total >= min_liked)
    return ordered[~late], ordered[late & liked]


def _rounded_up(numbers: ArrayLike) -> np.ndarray:
    """Whole numbers not below these, where 100 times .07 is 7, although it comes out a little above."""
    return np.ceil(np.round(np.asarray(numbers), 9))


def rolling_splits(
    interactions: pd.DataFrame, starts: int = 5, first: float = 0.5, positive: float | None = None
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Cut all readers at one moment, several times: train on all before, look for what was liked until the next cut. Chapter *evaluation*.

    Parameters
    ----------
    interactions : DataFrame
        ``user_id, item_id, rating, timestamp``.
    starts : int
        Number of cuts, at equal shares of the interactions from `first` on.
    first : float
        Share of the interactions before the first cut, in (0, 1).
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.

    Yields
    ------
    train, test : DataFrame
        `test` holds the liked items between this cut and the next; those who have no history before the cut can only be left out when
        they are judged (``per_user`` does).
    """
    check_share(first, "first")
    check_k(starts)
    ordered = check_columns(interactions, ("rating", "timestamp"), "interactions").sort_values("timestamp", kind="stable")
    liked_at, times = liked_from(ordered["rating"], positive), ordered["timestamp"].to_numpy()
    ends = [times[min(len(times) - 1, round(len(times) * share))] for share in np.linspace(first, 1, starts + 1)[:-1]]
    for start, end in zip(ends, [*ends[1:], np.inf], strict=True):
        between = ordered[(times >= start) & (times < end)]
        yield ordered[times < start], between[between["rating"].astype("float32") >= liked_at]


def cold_folds(items: pd.Index, folds: int = 5, random_state: int = 0) -> list[pd.Index]:
    """The items in `folds` parts of equal size, drawn by chance: each is hidden from all training once. Chapter *evaluation*."""
    check_k(folds)
    if len(items) < folds:
        raise ValueError(f"items holds {len(items)} items, too few for {folds} folds")
    drawn = np.random.default_rng(random_state).permutation(len(items))
    return [items[np.sort(part)] for part in np.array_split(drawn, folds)]
