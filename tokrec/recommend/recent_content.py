"""Items whose text is like that of the last liked ones (chapter *league_table*)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.preprocessing import normalize

from tokrec.recommend.base import same_time
from tokrec.recommend.content import ContentRecommender, Features
from tokrec.recommend.liked import check_half_life, profiles
from tokrec.similarity import dense


class RecentContentRecommender(ContentRecommender):
    """Cosine between an item's text and a mean of what was liked, in which the last items count most. Chapter *league_table*.

    Parameters
    ----------
    features : {"tfidf", "encoder"}
        As in ``ContentRecommender``.
    half_life : float
        After so many later liked items an item counts half.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.
    """

    def __init__(self, features: Features = "encoder", half_life: float = 2.0, positive: float | None = None) -> None:
        super().__init__(features, positive=positive)
        self.half_life = half_life

    def _fit(self) -> None:
        check_half_life(self.half_life)
        super()._fit()

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return self._score_events(history, same_time(history))

    def _score_events(self, history: csr_matrix, times: csr_matrix) -> np.ndarray:
        weights = profiles(history, times, self.positive_, self.half_life)
        scores = dense(normalize(weights @ self.vectors_) @ self.vectors_.T)
        without = np.diff(weights.indptr) == 0
        if without.any():
            scores[without] = super()._score_history(history[without])
        return scores

    def _stored_parameters(self) -> dict[str, object]:
        return {"features": self.features, "half_life": self.half_life, "positive": self.positive}
