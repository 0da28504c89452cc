"""Items whose text is like that of single liked items, not of their mean (chapter *cold_start*)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from tokrec.checks import check_number
from tokrec.features.encoder import Encoder
from tokrec.recommend.content import Features
from tokrec.recommend.vectors import TextRecommender
from tokrec.similarity import dense


class SimilarRecommender(TextRecommender):
    """Each liked item votes for the others with ``max(0, cos)^power``, and the votes are added. Chapter *cold_start*.

    With the power 1 it ranks much as the mean profile does; the larger the power, the more the nearest liked items decide, so that
    several interests of one reader don't blur.

    Parameters
    ----------
    features : {"tfidf", "encoder"}
    power : float
        Above 0.
    encoder : Encoder, optional
        Another encoder than the bundled one. Not stored by ``save``.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.
    """

    def __init__(
        self, features: Features = "encoder", power: float = 4.0, encoder: Encoder | None = None, positive: float | None = None
    ) -> None:
        self.features = features
        self.power = power
        self.encoder = encoder
        self.positive = positive

    def _fit_known(self) -> None:
        if check_number(self.power, "power", least=0) == 0:
            raise ValueError("power must be above 0: with 0 all liked items vote for all items alike")

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        alike = np.maximum(dense(self.vectors_[self.known_] @ self.vectors_.T), 0) ** self.power
        return self._counted(history) @ alike
