"""The baseline that every recommender has to beat: what most readers chose (chapter *recommender*)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from tokrec.recommend.base import Recommender


class PopularityRecommender(Recommender):
    """Ranks items by the number of readers who liked them, the same list for everybody.

    Chapter *recommender*. The trivial baseline of every table in the book.

    Parameters
    ----------
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.

    Attributes
    ----------
    counts_ : ndarray of float, shape (n_items,)
    """

    def __init__(self, positive: float | None = None) -> None:
        self.positive = positive

    def _fit(self) -> None:
        self.counts_ = np.asarray((self.seen_ >= self.positive_).sum(axis=0), dtype=float).ravel()

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return np.tile(self.counts_, (history.shape[0], 1))
