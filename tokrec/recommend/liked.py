"""What collaborative recommenders share: who liked what, and how much each liked item counts (chapter *collaborative*)."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from scipy.sparse import csr_matrix

from tokrec.recommend.base import Recommender, same_time


class LikedRecommender(Recommender):
    """Base of those that learn from who liked what, and from nothing else. Chapter *collaborative*.

    A reader who liked nothing gets the popular items. Where a kind has the parameter `half_life`, an item counts half as much for its
    reader after so many later liked ones; without it all count alike.

    Attributes
    ----------
    liked_ : csr_matrix of float32, shape (n_users, n_items)
        1 where a reader liked an item.
    counts_ : ndarray of float, shape (n_items,)
        How many readers liked each item.
    """

    liked_: csr_matrix
    counts_: np.ndarray
    half_life: float | None = None

    def _fit(self) -> None:
        check_half_life(self.half_life)
        self.liked_ = profiles(self.seen_, self.times_, self.positive_)
        self.counts_ = np.bincount(self.liked_.indices, minlength=len(self.items_)).astype(float)
        self._fit_liked()

    @abstractmethod
    def _fit_liked(self) -> None:
        """Learn from ``liked_``, which may be empty."""

    @abstractmethod
    def _score_profiles(self, weights: csr_matrix) -> np.ndarray:
        """Scores ``(n, n_items)`` from what :func:`profiles` gives."""

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return self._score_events(history, same_time(history))

    def _score_events(self, history: csr_matrix, times: csr_matrix) -> np.ndarray:
        weights = profiles(history, times, self.positive_, self.half_life)
        scores = self._score_profiles(weights)
        scores[np.diff(weights.indptr) == 0] = self.counts_
        return scores


def check_half_life(half_life: float | None) -> None:
    """Raise ``ValueError`` unless `half_life` is None or a number above 0. Chapter *collaborative*."""
    if half_life is not None and (isinstance(half_life, bool) or not isinstance(half_life, int | float) or not 0 < half_life < np.inf):
        raise ValueError(f"half_life must be a number of liked items above 0, or None, got {half_life!r}")


def profiles(history: csr_matrix, times: csr_matrix, positive: float, half_life: float | None = None) -> csr_matrix:
    """How much each liked item counts for its reader: 1, or ``2^(-later / half_life)``. Chapter *collaborative*.

    Parameters
    ----------
    history : csr_matrix, shape (n, n_items)
        Ratings.
    times : csr_matrix, shape (n, n_items)
        When, in the same places.
    positive : float
        From this rating on an interaction counts as liked.
    half_life : float, optional
        `later` is the number of items that the reader liked at a later time; those of one moment count alike.

    Returns
    -------
    csr_matrix of float32, shape (n, n_items)
        With entries for liked items only.
    """
    kept = history.data >= positive
    rows = np.repeat(np.arange(history.shape[0]), np.diff(history.indptr))[kept]
    values = np.ones(len(rows), np.float32)
    if half_life is not None:
        values = np.exp2(-later(rows, times.data[kept]) / half_life).astype(np.float32)
    ends = np.concatenate([[0], np.cumsum(kept)])[history.indptr]
    return csr_matrix((values, history.indices[kept], ends), shape=history.shape)


def later(rows: np.ndarray, times: np.ndarray) -> np.ndarray:
    """For each event the number of events of its row that have a later time. Chapter *collaborative*."""
    order = np.lexsort((-times, rows))
    row, time = rows[order], times[order]
    place = np.arange(len(order))
    first_of_row = np.maximum.accumulate(np.where(np.diff(row, prepend=-1) != 0, place, 0))
    starts = (np.diff(row, prepend=-1) != 0) | (np.diff(time, prepend=np.nan) != 0)
    first_of_moment = np.maximum.accumulate(np.where(starts, place, 0))
    counted = np.empty(len(order), int)
    counted[order] = first_of_moment - first_of_row
    return counted
