"""Pure SVD: readers and items as short vectors, from the best low-rank picture of who liked what (chapter *collaborative*)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.utils.extmath import randomized_svd

from tokrec.checks import check_k
from tokrec.recommend.liked import LikedRecommender


class SvdRecommender(LikedRecommender):
    """Projects a reader's liked items on the first right singular vectors (Cremonesi et al. 2010, PureSVD). Chapter *collaborative*.

    What is missing counts as 0. A new history needs no training: it is projected like the others.

    Parameters
    ----------
    factors : int
        Number of singular vectors.
    half_life : float, optional
        After so many later liked items an item counts half for its reader.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.
    random_state : int

    Attributes
    ----------
    components_ : ndarray of float32, shape (at most factors, n_items)
        Orthonormal rows.
    """

    def __init__(self, factors: int = 24, half_life: float | None = None, positive: float | None = None, random_state: int = 0) -> None:
        self.factors = factors
        self.half_life = half_life
        self.positive = positive
        self.random_state = random_state

    def _fit_liked(self) -> None:
        check_k(self.factors)
        self.components_ = np.zeros((0, len(self.items_)), np.float32)
        if self.liked_.nnz:
            _, sizes, vectors = randomized_svd(self.liked_, self.factors, n_iter=10, random_state=self.random_state)
            self.components_ = vectors[sizes > 1e-4 * sizes[0]].astype(np.float32)  # a direction of size 0 is arbitrary

    def _score_profiles(self, weights: csr_matrix) -> np.ndarray:
        return (weights @ self.components_.T) @ self.components_
