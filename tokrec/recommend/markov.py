"""A Markov chain of items: what is liked next after this (chapter *collaborative*)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags_array

from tokrec.checks import check_k, check_number
from tokrec.recommend.liked import LikedRecommender


class MarkovRecommender(LikedRecommender):
    """Scores items by how often they were liked soon after a reader's last liked ones. Chapter *collaborative*.

    Row `i` of the transitions counts what was liked after `i`: the next item as 1, the one after it as `decay`, and so on over a window.
    Divided by the row's sum plus `shrink`, it is a probability that trusts rare items less.

    Parameters
    ----------
    window : int
        How many next items are counted.
    decay : float
        Weight of each further step, in (0, 1].
    shrink : float
        0 or more.
    half_life : float
        After so many later liked items an item counts half for its reader: a small one looks at the last items only.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.

    Attributes
    ----------
    transitions_ : csr_matrix of float32, shape (n_items, n_items)
        Rows sum to less than 1.

    Notes
    -----
    Items liked at one moment stand in the order of ``items_``, since nothing tells which came first.
    """

    def __init__(
        self, window: int = 50, decay: float = 0.95, shrink: float = 30.0, half_life: float = 10.0, positive: float | None = None
    ) -> None:
        self.window = window
        self.decay = decay
        self.shrink = shrink
        self.half_life = half_life
        self.positive = positive

    def _fit_liked(self) -> None:
        check_k(self.window)
        check_number(self.shrink, "shrink", least=0)
        if not 0 < check_number(self.decay, "decay", least=0) <= 1:
            raise ValueError(f"decay must lie in (0, 1], got {self.decay!r}")
        counts = follow(*self._sequences(), len(self.items_), self.window, self.decay)
        totals = np.asarray(counts.sum(axis=1)).ravel()
        self.transitions_ = csr_matrix(diags_array(1 / np.maximum(totals + self.shrink, 1e-12)) @ counts, dtype=np.float32)

    def _sequences(self) -> tuple[np.ndarray, np.ndarray]:
        """Readers and items of all liked events, reader by reader, oldest first."""
        rows = np.repeat(np.arange(len(self.users_)), np.diff(self.seen_.indptr))
        kept = self.seen_.data >= self.positive_
        order = np.lexsort((self.seen_.indices[kept], self.times_.data[kept], rows[kept]))
        return rows[kept][order], self.seen_.indices[kept][order]

    def _score_profiles(self, weights: csr_matrix) -> np.ndarray:
        return (weights @ self.transitions_).toarray()


def follow(readers: np.ndarray, items: np.ndarray, n_items: int, window: int, decay: float) -> csr_matrix:
    """Discounted counts ``(n_items, n_items)``: row `i`, column `j` says how often `j` came within `window` steps after `i`.

    Chapter *collaborative*. `readers` and `items` are events, reader by reader, oldest first.
    """
    counts = csr_matrix((n_items, n_items), dtype=np.float64)
    for step in range(1, window + 1):
        same = readers[:-step] == readers[step:]
        before, after = items[:-step][same], items[step:][same]
        counts = counts + csr_matrix((np.full(len(before), decay ** (step - 1)), (before, after)), shape=counts.shape)
    return counts
