"""Intervals: how far a mean over readers, queries or folds would move with others (chapters *recommender* and *evaluation*)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tokrec.checks import check_share, finite

BLOCK = 4_000_000  # numbers held at once
Interval = tuple[float, float]
TABLES = (pd.Series, pd.DataFrame)


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
    rng = np.random.default_rng(random_state)
    means = [times @ values / len(values) for times in _resamples(rng, len(values), n_resamples)]
    return _middle(np.concatenate(means), level)


def two_level_interval(values: ArrayLike, level: float = 0.95, n_resamples: int = 2000, random_state: int = 0) -> tuple[float, float]:
    """Interval of a figure that depends on readers and on folds of items, drawing both anew. Chapter *evaluation*.

    The figure is the mean over folds of the mean over readers. Resampling readers alone tells what other readers would have given on these
    very folds; but all readers of a fold look for the same items, so that the figure moves with the items too.

    Parameters
    ----------
    values : array of float, shape (n_readers, n_folds)
        NaN where a reader had nothing to find.
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
        If there are fewer than two folds, a fold without any value, or an infinite value.

    Notes
    -----
    Each draw is the figure for drawn readers, moved by what drawn folds would add to it. The variance of a mean of few folds drawn with
    replacement is too small by the factor ``(n − 1) / n``, so this move is stretched by the root of its inverse.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or values.shape[1] < 2:
        raise ValueError(f"values must have a row a reader and a column a fold, two folds at least, got shape {values.shape}")
    known = ~np.isnan(values)
    if not known.any(axis=0).all():
        raise ValueError(f"fold {int((~known.any(axis=0)).argmax())} holds no value: nobody had anything to find in it")
    filled, folds = finite(np.where(known, values, 0.0), "values"), values.shape[1]
    check_share(level, "level")
    rng, means = np.random.default_rng(random_state), filled.sum(axis=0) / known.sum(axis=0)
    stretch, drawn = np.sqrt(folds / (folds - 1)), []
    for times in _resamples(rng, len(values), n_resamples):
        count = times @ known
        by_fold = np.where(count > 0, times @ filled / np.maximum(count, 1), means)  # a fold without a drawn reader keeps its mean
        shares = rng.multinomial(folds, np.full(folds, 1 / folds), size=len(times)) / folds
        drawn.append(by_fold.mean(axis=1) + stretch * (shares - 1 / folds) @ means)
    return _middle(np.concatenate(drawn), level)


def _resamples(rng: np.random.Generator, n: int, n_resamples: int) -> Iterator[np.ndarray]:
    """How often each of `n` is drawn, a row a resample, a block of them at a time."""
    block, share = max(1, BLOCK // n), np.full(n, 1 / n)
    for start in range(0, n_resamples, block):
        yield rng.multinomial(n, share, size=min(block, n_resamples - start))


def _middle(draws: np.ndarray, level: float) -> Interval:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_difference(a: ArrayLike, b: ArrayLike, **options: float) -> tuple[float, float, float]:
    """Mean of ``a - b`` over the same readers, with its interval: ``(mean, low, high)``. Chapters *recommender* and *evaluation*.

    Values may also be ``(n_readers, n_folds)``, for :func:`two_level_interval`.
    """
    if isinstance(a, TABLES) and isinstance(b, TABLES) and not a.index.equals(b.index):
        raise ValueError("a and b are of different readers, or in another order: bring b into a's order with b.reindex(a.index)")
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.shape != second.shape:
        raise ValueError(f"a and b must hold one value each for the same readers, got shapes {first.shape} and {second.shape}")
    difference = first - second
    return (_figure(difference), *_interval(difference, options))


def against_best(values: Mapping[str, ArrayLike], **options: float) -> pd.DataFrame:
    """Each method with its interval, and paired against the best of the others. Chapter *evaluation*.

    Parameters
    ----------
    values : mapping of str to array
        Name to values of the same readers in the same order, ``(n_readers,)``; or ``(n_readers, n_folds)`` with NaN where there is nothing
        to find, the same places for all.
    **options
        Of :func:`bootstrap_interval` and :func:`two_level_interval`.

    Returns
    -------
    DataFrame
        Indexed by name: ``mean, low, high``; ``rival``, the other method with the highest mean; ``difference`` from it with
        ``difference_low`` and ``difference_high``.

    Raises
    ------
    ValueError
        If there are fewer than two methods, or values are not of the same readers.
    """
    if len(values) < 2:
        raise ValueError(f"values must hold two methods at least to compare, got {len(values)}")
    means = {name: _figure(column) for name, column in values.items()}
    rows = {}
    for name, column in values.items():
        rival = max((other for other in values if other != name), key=lambda other: means[other])
        rows[name] = [means[name], *_interval(column, options), rival, *paired_difference(column, values[rival], **options)]
    names = ["mean", "low", "high", "rival", "difference", "difference_low", "difference_high"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def _figure(values: ArrayLike) -> float:
    """The mean over readers, or the mean over folds of it."""
    return float(np.mean(np.nanmean(np.asarray(values, dtype=float), axis=0)))


def _interval(values: ArrayLike, options: Mapping[str, float]) -> Interval:
    by_fold = np.ndim(values) == 2
    return (two_level_interval if by_fold else bootstrap_interval)(values, **options)  # type: ignore[arg-type]
