"""Errors of predicted ratings, with intervals over readers: one reader's ratings are not independent (chapter *ratings*)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tokrec.checks import check_share, finite, id_index, sorted_ids


def rmse_interval(
    errors: ArrayLike,
    readers: ArrayLike,
    other: ArrayLike | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    random_state: int = 0,
) -> tuple[float, float, float]:
    """Root mean squared error with a bootstrap over readers, each drawn with all their ratings. Chapter *ratings*.

    Parameters
    ----------
    errors : array of float, shape (n,)
        Predicted less given rating, in stars.
    readers : array, shape (n,)
        Who gave each rating.
    other : array of float, shape (n,), optional
        Errors of another method on the same ratings: then the result is the difference of both root mean squared errors, this one's less
        the other's, over the same draws.
    level : float
        Coverage, in (0, 1).
    n_resamples : int
    random_state : int

    Returns
    -------
    value, low, high : float

    Raises
    ------
    ValueError
        If the arrays are empty or of different lengths, or hold NaN or infinity.
    """
    check_share(level, "level")
    names = id_index(np.asarray(readers).tolist())
    places = sorted_ids(names, "readers").get_indexer(names)
    draws = _draws(places, n_resamples, random_state)
    values = _rmse(errors, places, draws, "errors")
    if other is not None:
        values = values - _rmse(other, places, draws, "other")
    low, high = np.quantile(values[1:], [(1 - level) / 2, (1 + level) / 2])
    return float(values[0]), float(low), float(high)


def _draws(places: np.ndarray, n_resamples: int, random_state: int) -> np.ndarray:
    """How often each reader is drawn, ``(1 + n_resamples, n_readers)``; the first row is everybody once."""
    if not len(places):
        raise ValueError("errors is empty: give the errors of at least one rating")
    n = int(places.max()) + 1
    return np.vstack([np.ones(n), np.random.default_rng(random_state).multinomial(n, np.full(n, 1 / n), n_resamples)])


def _rmse(errors: ArrayLike, places: np.ndarray, draws: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(errors, float)
    if values.shape != places.shape:
        raise ValueError(f"{name} must hold one number a rating, got the shape {values.shape} for {len(places)} readers")
    squares = np.bincount(places, finite(values, name) ** 2)
    return np.sqrt((draws @ squares) / (draws @ np.bincount(places)))
