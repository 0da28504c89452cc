"""Intervals: how far a mean over readers or queries would move with others (chapter *recommender*)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def bootstrap_interval(values: ArrayLike, level: float = 0.95, n_resamples: int = 2000, random_state: int = 0) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean, resampling readers (or queries). Chapter *recommender*.

    Parameters
    ----------
    values : array of float, shape (n,)
        One value a reader.
    level : float
        Coverage, in (0, 1).
    n_resamples : int
    random_state : int

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        If there are no values.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"values must be a vector with at least one number, got shape {values.shape}")
    rng = np.random.default_rng(random_state)
    means = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=n_resamples) @ values / len(values)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_difference(a: ArrayLike, b: ArrayLike, **options: float) -> tuple[float, float, float]:
    """Mean of ``a - b`` over the same readers, with its bootstrap interval: ``(mean, low, high)``. Chapter *recommender*."""
    difference = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    return (float(difference.mean()), *bootstrap_interval(difference, **options))  # type: ignore[arg-type]
