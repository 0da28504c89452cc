"""The baseline that every recommender has to beat: what most readers chose (chapter *recommender*)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from tokrec.evaluate.splits import POSITIVE
from tokrec.recommend.base import Recommender


class PopularityRecommender(Recommender):
    """Ranks items by the number of readers who liked them (rating of 4 or more), the same list for everybody.

    Chapter *recommender*. The trivial baseline of every table in the book.

    Attributes
    ----------
    counts_ : ndarray of float, shape (n_items,)
    """

    def _fit(self) -> None:
        self.counts_ = np.asarray((self.seen_ >= POSITIVE).sum(axis=0), dtype=float).ravel()

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return np.tile(self.counts_, (history.shape[0], 1))
