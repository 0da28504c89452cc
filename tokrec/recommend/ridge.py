"""Kernel ridge regression from an item's text to every reader's likes (chapter *cold_start*)."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lapack
from scipy.sparse import csr_matrix

from tokrec.checks import check_number
from tokrec.features.encoder import Encoder
from tokrec.recommend.content import Features
from tokrec.recommend.vectors import TextRecommender
from tokrec.similarity import Matrix, dense


class KernelRidgeRecommender(TextRecommender):
    """Learns for each reader which texts are liked, for all readers by one factorisation. Chapter *cold_start*.

    A reader's score of an item with the kernel row ``k`` is ``k (K + penalty I)⁻¹ y``, where K compares the known items with each other
    and y is 1 for those that the reader liked (Saunders et al. 1998). Unlike a mean profile it learns from what was *not* liked as well,
    and votes that say the same don't count twice. With 6,000 known items it takes seconds and half a gigabyte.

    Parameters
    ----------
    features : {"tfidf", "encoder"}
    penalty : float
        Above 0: the larger, the more a score is shared among like texts.
    sharpness : float
        The kernel is ``exp(sharpness · cos)``; 0 takes the cosine itself, which is ridge regression on the vectors.
    rated : float
        What an item counts that was rated and not liked, 0 or more; a liked one counts 1. That somebody chose it says something too.
    encoder : Encoder, optional
        Another encoder than the bundled one. Not stored by ``save``.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.
    """

    def __init__(
        self,
        features: Features = "encoder",
        penalty: float = 100.0,
        sharpness: float = 4.0,
        rated: float = 0.0,
        encoder: Encoder | None = None,
        positive: float | None = None,
    ) -> None:
        self.features = features
        self.penalty = penalty
        self.sharpness = sharpness
        self.rated = rated
        self.encoder = encoder
        self.positive = positive

    def _fit_known(self) -> None:
        if check_number(self.penalty, "penalty", least=0) == 0:
            raise ValueError("penalty must be above 0: without it two items of one text have no solution")
        check_number(self.sharpness, "sharpness", least=0)
        check_number(self.rated, "rated", least=0)
        known = self.vectors_[self.known_]
        self.factor_ = factor(text_kernel(known, known, self.sharpness), self.penalty)

    def _targets(self, history: csr_matrix) -> np.ndarray:
        """What is learnt of the known items, ``(n_known, n)``."""
        return self._counted(history, self.rated).toarray().T

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        weights = cho_solve((self.factor_, True), self._targets(history), check_finite=False)
        return (text_kernel(self.vectors_, self.vectors_[self.known_], self.sharpness) @ weights).T


def text_kernel(a: Matrix, b: Matrix, sharpness: float) -> np.ndarray:
    """``exp(sharpness · cos)`` of rows of unit length, or the cosine for a sharpness of 0: float32 ``(n_a, n_b)``. Chapter *cold_start*."""
    cosines = dense(a @ b.T).astype(np.float32)
    return np.exp(sharpness * cosines, out=cosines) if sharpness else cosines


def factor(kernel: np.ndarray, penalty: float) -> np.ndarray:
    """The lower Cholesky factor of ``kernel + penalty I``, in the kernel's own place. Chapter *cold_start*."""
    kernel[np.diag_indices(len(kernel))] += penalty
    return cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)[0]


def inverted(kernel: np.ndarray, penalty: float) -> np.ndarray:
    """``(kernel + penalty I)⁻¹`` in full, ``(n, n)``; the kernel is overwritten. Chapter *cold_start*."""
    invert = lapack.spotri if kernel.dtype == np.float32 else lapack.dpotri
    inverse, _ = invert(factor(kernel, penalty), lower=1, overwrite_c=1)
    return np.tril(inverse) + np.tril(inverse, -1).T


def held_out(inverse: np.ndarray, targets: np.ndarray, places: np.ndarray) -> np.ndarray:
    """What kernel ridge regression predicts for items that are left out together, from the inverse over all. Chapter *cold_start*.

    Leaving out the items B changes their prediction to ``y_B - (A_BB)⁻¹ (A y)_B`` with ``A = (K + penalty I)⁻¹``: no new fit is needed.

    Parameters
    ----------
    inverse : ndarray, shape (n, n)
        ``A``.
    targets : ndarray, shape (n, m)
        ``y``; the rows of `places` make no difference to the result.
    places : ndarray of int
        The items that are left out.

    Returns
    -------
    ndarray, shape (len(places), m)
    """
    inner = inverse[np.ix_(places, places)]
    return targets[places] - np.linalg.solve(inner, inverse[places] @ targets)
