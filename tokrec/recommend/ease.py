"""EASE: every item guessed from all others, by one closed formula (chapter *collaborative*)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.linalg import lapack
from scipy.sparse import csr_matrix

from tokrec.checks import check_number
from tokrec.recommend.liked import LikedRecommender


class EaseRecommender(LikedRecommender):
    """Linear regression of every item on all others, each forbidden to explain itself (Steck 2019). Chapter *collaborative*.

    ``B = I - P / diag(P)`` with ``P = (X'X + penalty I)⁻¹`` and X the liked items; a reader's scores are ``x B``. Items that nobody liked
    score 0. With 6,000 liked items it takes seconds and about half a gigabyte.

    Parameters
    ----------
    penalty : float
        Above 0: the larger, the nearer all weights are to 0.
    half_life : float, optional
        After so many later liked items an item counts half for its reader, when scores are made. What is learned stays the same.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.

    Attributes
    ----------
    known_ : ndarray of int, shape (n_known,)
        Places of the items that somebody liked.
    weights_ : ndarray of float32, shape (n_known, n_known)
        ``B``: row `i`, column `j` is what having liked `i` adds to the score of `j`; 0 on the diagonal.
    """

    def __init__(self, penalty: float = 200.0, half_life: float | None = None, positive: float | None = None) -> None:
        self.penalty = penalty
        self.half_life = half_life
        self.positive = positive

    def _fit_liked(self) -> None:
        if check_number(self.penalty, "penalty", least=0) == 0:
            raise ValueError("penalty must be above 0: without it the items can't be told apart")
        self.known_ = np.flatnonzero(self.counts_)
        self.weights_ = ease_weights(self.liked_[:, self.known_], self.penalty)

    def _score_profiles(self, weights: csr_matrix) -> np.ndarray:
        scores = np.zeros(weights.shape, np.float32)
        scores[:, self.known_] = weights[:, self.known_] @ self.weights_
        return scores

    def neighbours(self, item_id: object) -> pd.Series:
        """What having liked each other item adds to the score of this one, largest first; signed.

        Raises
        ------
        KeyError
            If nobody liked the item, or there is none of that id.
        """
        self._check_fitted()
        known = self.items_.index[self.known_]
        if item_id not in known:
            raise KeyError(f"nobody liked an item {item_id!r} in the training part")
        return pd.Series(self.weights_[:, known.get_loc(item_id)], known).drop(item_id).sort_values(ascending=False, kind="stable")


def ease_weights(liked: csr_matrix, penalty: float) -> np.ndarray:
    """EASE's matrix for ``(n_users, n_items)``: float32 ``(n_items, n_items)``, 0 on the diagonal. Chapter *collaborative*."""
    weights = inverse_gram(liked, penalty)
    weights /= -weights.diagonal()  # every column by its own
    np.fill_diagonal(weights, 0)
    return weights


def inverse_gram(liked: csr_matrix, penalty: float) -> np.ndarray:
    """``(X'X + penalty I)⁻¹`` in single precision, by the smaller side of X. Chapter *collaborative*.

    With fewer readers than items, ``(I - X'(XX' + penalty I)⁻¹X) / penalty``, which is the same (Woodbury).
    """
    users, items = liked.shape
    if items <= users:
        return _inverted(liked.T @ liked, penalty)
    inverse = (liked.T @ _inverted(liked @ liked.T, penalty)) @ liked
    inverse *= -1 / penalty
    inverse[np.diag_indices(items)] += 1 / penalty
    return inverse


def _inverted(gram: csr_matrix, penalty: float) -> np.ndarray:
    """Inverse of ``gram + penalty I`` by Cholesky, in its own place."""
    dense = np.asfortranarray(gram.toarray(), dtype=np.float32)
    dense[np.diag_indices(len(dense))] += penalty
    if len(dense):
        lower, _ = lapack.spotrf(dense, lower=1, overwrite_a=1)
        dense, _ = lapack.spotri(lower, lower=1, overwrite_c=1)
    return _mirrored(dense)


def _mirrored(lower: np.ndarray, block: int = 1024) -> np.ndarray:
    """Copy what lies below the diagonal above it, in place."""
    for start in range(0, len(lower), block):
        part = slice(start, start + block)
        lower[part, start + block :] = lower[start + block :, part].T
        square = lower[part, part]
        square[:] = np.tril(square) + np.tril(square, -1).T
    return lower
