"""Intervals: how far a mean over readers or queries would move with others (chapter *recommender*)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tokrec.checks import check_share, finite

BLOCK = 4_000_000  # numbers held at once


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
        If there are no values, one is NaN or infinite, or `level` lies outside (0, 1).
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"values must be a vector with at least one number, got shape {values.shape}")
    finite(values, "values")
    check_share(level, "level")
    rng, share = np.random.default_rng(random_state), np.full(len(values), 1 / len(values))
    block = max(1, BLOCK // len(values))  # resamples drawn at once
    sizes = [min(block, n_resamples - start) for start in range(0, n_resamples, block)]
    means = np.concatenate([rng.multinomial(len(values), share, size=size) @ values / len(values) for size in sizes])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_difference(a: ArrayLike, b: ArrayLike, **options: float) -> tuple[float, float, float]:
    """Mean of ``a - b`` over the same readers, with its bootstrap interval: ``(mean, low, high)``. Chapter *recommender*."""
    if isinstance(a, pd.Series) and isinstance(b, pd.Series) and not a.index.equals(b.index):
        raise ValueError("a and b are of different readers, or in another order: bring b into a's order with b.reindex(a.index)")
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.shape != second.shape:
        raise ValueError(f"a and b must hold one value each for the same readers, got shapes {first.shape} and {second.shape}")
    difference = first - second
    return (float(difference.mean()), *bootstrap_interval(difference, **options))  # type: ignore[arg-type]
