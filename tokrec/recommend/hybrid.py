"""Words and meaning together: the sum of two content scores (chapter *recommender*)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from tokrec.checks import check_number
from tokrec.recommend.base import Recommender
from tokrec.recommend.content import ContentRecommender


class HybridRecommender(Recommender):
    """The encoder's cosine plus `weight` times the TF-IDF cosine. Chapter *recommender*.

    TF-IDF finds rare exact words (names, models), the encoder finds meaning and the other language; a sum of both is the
    usual first hybrid (article 002, section 4.1).

    Parameters
    ----------
    weight : float
        Share of TF-IDF, 0 or more.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.
    """

    def __init__(self, weight: float = 1.0, positive: float | None = None) -> None:
        self.weight = weight
        self.positive = positive

    def _fit(self) -> None:
        check_number(self.weight, "weight", least=0)
        members = ContentRecommender("encoder"), ContentRecommender("tfidf")
        self.members_ = [member._learn_beside(self) for member in members]

    def _sum(self, parts: list[np.ndarray]) -> np.ndarray:
        return parts[0] + self.weight * parts[1]

    def _score_text(self, texts: Sequence[str]) -> np.ndarray:
        return self._sum([member._score_text(texts) for member in self.members_])

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return self._sum([member._score_history(history) for member in self.members_])
