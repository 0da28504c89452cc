"""Films that a reader can't have rated, since they came out later: knowledge of the protocol, not of taste (chapter *cold_start*)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from tokrec.recommend.audience import title_years


def years_of(times: csr_matrix) -> np.ndarray:
    """The year of each row's last event, from seconds since 1970; NaN for an empty row: float ``(n,)``. Chapter *cold_start*."""
    last = np.asarray(times.max(axis=1).todense(), dtype=float).ravel()
    years = pd.to_datetime(pd.Series(last), unit="s").dt.year.to_numpy(float)
    return np.where(np.diff(times.indptr) > 0, years, np.nan)


def later_last(scores: np.ndarray, items: pd.DataFrame, times: csr_matrix) -> np.ndarray:
    """Scores in which items from after a reader's last event stand below all others, in their order. Chapter *cold_start*.

    Whoever left in 1998 rated no film of 2005, whatever their taste: under a split that hides items and not the future, this is right of
    every method. To a reader who is asked today it says nothing.

    Parameters
    ----------
    scores : ndarray of float, shape (n, n_items)
    items : DataFrame
        With the year at the end of the title; items without one stay where they are.
    times : csr_matrix, shape (n, n_items)
        Seconds since 1970 of what each reader rated.
    """
    later = title_years(items)[None, :] > years_of(times)[:, None]
    span = scores.max(axis=1, keepdims=True) - scores.min(axis=1, keepdims=True) + 1
    return scores - later * span
