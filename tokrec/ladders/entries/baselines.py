"""Methods that ask for nothing (chapter *league_table*)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from tokrec.ladders.league import EVERYWHERE, Method, rows_of
from tokrec.recommend import PopularityRecommender, RecentPopularityRecommender, Recommender


class RandomRecommender(Recommender):
    """Scores drawn by chance: what the numbers would be without any method. Chapter *league_table*."""

    def _fit(self) -> None:
        pass

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return np.random.default_rng(history.nnz).random(history.shape)

    def _score_text(self, texts: Sequence[str]) -> np.ndarray:
        return np.random.default_rng(0).random((len(texts), len(self.items_)))


METHODS = [
    Method("random", "recommender", RandomRecommender, EVERYWHERE),
    Method("popularity", "recommender", PopularityRecommender),
    Method("recent popularity", "collaborative", RecentPopularityRecommender),
]


def rows() -> dict[str, Any]:
    """The rows of this family: ``python -m tokrec.stored league_baselines``. Chapter *league_table*."""
    return rows_of("baselines")
