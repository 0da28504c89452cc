"""Kernel ridge regression from an item's text to every reader's likes (chapter *cold_start*)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve, lapack
from scipy.sparse import csr_matrix

from tokrec.checks import check_number
from tokrec.features.encoder import Encoder
from tokrec.recommend.content import Features
from tokrec.recommend.kernel import ItemKernel
from tokrec.recommend.vectors import TextRecommender
from tokrec.similarity import Matrix


class KernelRidgeRecommender(TextRecommender):
    """Learns for each reader which texts are liked, for all readers by one factorisation. Chapter *cold_start*.

    A reader's score of an item with the kernel row ``k`` is ``k (K + penalty I)⁻¹ y``, where K compares the known items with each other
    and y is 1 for those that the reader liked (Saunders et al. 1998). Unlike a mean profile it learns from what was *not* liked as well,
    and votes that say the same don't count twice. With 6,000 known items it takes seconds and half a gigabyte.

    Parameters
    ----------
    features : {"tfidf", "encoder"}
    penalty : float
        Above 0: the larger, the more a score is shared among like items.
    sharpness, words, labels, years : float
        Of the kernel: ``ItemKernel``.
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
        words: float = 0.0,
        labels: float = 0.0,
        years: float = 0.0,
        rated: float = 0.0,
        encoder: Encoder | None = None,
        positive: float | None = None,
    ) -> None:
        self.features = features
        self.penalty = penalty
        self.sharpness = sharpness
        self.words = words
        self.labels = labels
        self.years = years
        self.rated = rated
        self.encoder = encoder
        self.positive = positive

    def _fit_known(self) -> None:
        check_number(self.rated, "rated", least=0)
        self.kernel_ = ItemKernel(self.sharpness, self.words, self.labels, self.years).fit(self.items_.iloc[self.known_])
        described = self.kernel_.describe(self.items_, self.vectors_)
        self.known_described_ = described.rows(self.known_)
        self.rows_ = self.kernel_(described, self.known_described_)
        self.factor_ = factor(self.rows_[self.known_], check_penalty(self.penalty))

    def _extend(self, items: pd.DataFrame, vectors: Matrix) -> None:
        self.rows_ = np.vstack([self.rows_, self.kernel_(self.kernel_.describe(items, vectors), self.known_described_)])

    def _targets(self, history: csr_matrix) -> np.ndarray:
        """What is learnt of the known items, ``(n_known, n)``."""
        return self._counted(history, self.rated).toarray().T

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        weights = cho_solve((self.factor_, True), self._targets(history), check_finite=False)
        return (self.rows_ @ weights).T


def check_penalty(penalty: float) -> float:
    """Return `penalty` if it is a number above 0, else raise ``ValueError``. Chapter *cold_start*."""
    if check_number(penalty, "penalty", least=0) == 0:
        raise ValueError("penalty must be above 0: without it two items of one text have no solution")
    return penalty


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
