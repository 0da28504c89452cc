"""What is popular lately (chapter *collaborative*)."""

from __future__ import annotations

import numpy as np

from tokrec.checks import check_k
from tokrec.recommend.popularity import PopularityRecommender


class RecentPopularityRecommender(PopularityRecommender):
    """Ranks items by how often they stand among the latest liked ones of all readers together. Chapter *collaborative*.

    Parameters
    ----------
    newest : int
        How many of the latest liked interactions count.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.
    """

    def __init__(self, newest: int = 10_000, positive: float | None = None) -> None:
        super().__init__(positive)
        self.newest = newest

    def _fit(self) -> None:
        check_k(self.newest)
        liked = self.seen_.data >= self.positive_
        latest = np.argsort(self.times_.data[liked], kind="stable")[-self.newest :]
        self.counts_ = np.bincount(self.seen_.indices[liked][latest], minlength=len(self.items_)).astype(float)
