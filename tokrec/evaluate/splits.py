"""Splits: what a recommender learns from, and what it is judged on (chapter *recommender*)."""

from __future__ import annotations

import numpy as np
import pandas as pd

POSITIVE = 4.0  # from this rating on an interaction counts as liked


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
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must lie between 0 and 1, got {test_share}")
    ordered = interactions.sort_values(["user_id", "timestamp"], kind="stable")
    groups = ordered.groupby("user_id")
    size, place = groups["item_id"].transform("size"), groups.cumcount()
    is_test = (size >= min_history) & (place >= size - np.ceil(size * test_share))
    return ordered[~is_test], ordered[is_test]


def global_split(interactions: pd.DataFrame, test_share: float = 0.2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut all readers at one moment: the last `test_share` of all interactions are the test. Chapter *recommender*."""
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must lie between 0 and 1, got {test_share}")
    ordered = interactions.sort_values("timestamp", kind="stable")
    cut = len(ordered) - round(len(ordered) * test_share)
    return ordered.iloc[:cut], ordered.iloc[cut:]
