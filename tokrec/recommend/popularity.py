"""The baseline that every recommender has to beat: what most readers chose (chapter *recommender*)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from tokrec.checks import check_k
from tokrec.recommend.base import Recommender


class PopularityRecommender(Recommender):
    """Ranks items by the number of readers who liked them, the same list for everybody.

    Chapter *recommender*; what is popular lately, chapter *collaborative*. The trivial baseline of every table in the book.

    Parameters
    ----------
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.
    newest : int, optional
        Count only so many liked interactions, the latest of all readers together: what is popular now. By default all of them.

    Attributes
    ----------
    counts_ : ndarray of float, shape (n_items,)
    """

    def __init__(self, positive: float | None = None, newest: int | None = None) -> None:
        self.positive = positive
        self.newest = newest

    def _fit(self) -> None:
        liked = self.seen_.data >= self.positive_
        items, times = self.seen_.indices[liked], self.times_.data[liked]
        if self.newest is not None:
            check_k(self.newest)
            items = items[np.argsort(times, kind="stable")[-self.newest :]]
        self.counts_ = np.bincount(items, minlength=len(self.items_)).astype(float)

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return np.tile(self.counts_, (history.shape[0], 1))
