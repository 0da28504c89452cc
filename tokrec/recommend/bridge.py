"""From an item's text into the space that the ratings span (chapter *cold_start*)."""

from __future__ import annotations

import numpy as np
from scipy.linalg import inv

from tokrec.checks import check_number
from tokrec.features.encoder import Encoder
from tokrec.recommend.content import Features
from tokrec.recommend.ridge import KernelRidgeRecommender


class BridgeRecommender(KernelRidgeRecommender):
    """Kernel ridge regression on what the readers' ratings say together, not on each reader's alone. Chapter *cold_start*.

    Collaborative filtering gives each known item a place among the readers: its ratings ``Y = U Σ V'``, an item a row. The text predicts a
    new item's place, as attributes do in Gantner et al. (2010); a reader's score is the inner product with their own vector, in which the
    direction of the singular value s counts ``s² / (s² + shrinkage)``. No direction is cut off. Put together, a reader's own likes y are
    replaced by ``Y (Y'Y + shrinkage I)⁻¹ Y' y``, what readers alike make of them, before the text learns them.

    Parameters
    ----------
    features : {"tfidf", "encoder"}
    shrinkage : float
        0 or more. The larger, the more a reader is taken for the many; at 0 readers stay as they are.
    penalty, sharpness, rated, encoder, positive
        As in :class:`tokrec.recommend.ridge.KernelRidgeRecommender`.
    """

    def __init__(
        self,
        features: Features = "encoder",
        shrinkage: float = 100.0,
        penalty: float = 100.0,
        sharpness: float = 4.0,
        rated: float = 0.0,
        encoder: Encoder | None = None,
        positive: float | None = None,
    ) -> None:
        super().__init__(features, penalty, sharpness, rated, encoder, positive)
        self.shrinkage = shrinkage

    def _fit_known(self) -> None:
        super()._fit_known()
        check_number(self.shrinkage, "shrinkage", least=0)
        self.places_ = self._counted(self.seen_, self.rated)
        gram = (self.places_ @ self.places_.T).toarray().astype(float)
        gram[np.diag_indices(len(gram))] += self.shrinkage or 1e-6
        self.gram_inverse_ = inv(gram)

    def _targets(self, history: np.ndarray) -> np.ndarray:
        alike = self.places_ @ super()._targets(history)
        return self.places_.T @ (self.gram_inverse_ @ alike)
