"""Implicit matrix factorisation by alternating least squares (chapter *collaborative*)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from tqdm import tqdm

from tokrec.checks import check_k, check_number
from tokrec.recommend.liked import LikedRecommender


class AlsRecommender(LikedRecommender):
    """Factors of readers and items that say 1 where something was liked and, with less confidence, 0 elsewhere. Chapter *collaborative*.

    Minimises ``Σ c (p - x·y)² + penalty (Σ|x|² + Σ|y|²)`` over all pairs, ``p`` being 1 for liked and 0, ``c = 1 + alpha`` for liked and 1
    (Hu, Koren & Volinsky 2008): readers and items in turn, each by its exact solution. A new history is solved like any reader: no
    training.

    Parameters
    ----------
    factors : int
        Numbers a reader, and an item, is described by.
    alpha : float
        How much more a liked pair counts, 0 or more.
    penalty : float
        Above 0.
    rounds : int
        How often readers and items are solved.
    half_life : float, optional
        After so many later liked items an item's `alpha` counts half for its reader, when scores are made.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.
    random_state : int
        Of the items' first factors.

    Attributes
    ----------
    item_factors_ : ndarray of float32, shape (n_items, factors)
    """

    def __init__(
        self,
        factors: int = 64,
        alpha: float = 3.0,
        penalty: float = 30.0,
        rounds: int = 15,
        half_life: float | None = None,
        positive: float | None = None,
        random_state: int = 0,
    ) -> None:
        self.factors = factors
        self.alpha = alpha
        self.penalty = penalty
        self.rounds = rounds
        self.half_life = half_life
        self.positive = positive
        self.random_state = random_state

    def _fit_liked(self) -> None:
        check_k(self.factors)
        check_k(self.rounds)
        check_number(self.alpha, "alpha", least=0)
        if check_number(self.penalty, "penalty", least=0) == 0:
            raise ValueError("penalty must be above 0: without it there is no single solution")
        items = np.random.default_rng(self.random_state).normal(0, 0.1, (len(self.items_), self.factors)).astype(np.float32)
        by_item = csr_matrix(self.liked_.T)
        for _ in tqdm(range(self.rounds), desc="ALS", disable=None, leave=False):
            readers = solve(self.liked_, items, self.alpha, self.penalty)
            items = solve(by_item, readers, self.alpha, self.penalty)
        self.item_factors_ = items

    def _score_profiles(self, weights: csr_matrix) -> np.ndarray:
        return solve(weights, self.item_factors_, self.alpha, self.penalty) @ self.item_factors_.T


def solve(liked: csr_matrix, factors: np.ndarray, alpha: float, penalty: float) -> np.ndarray:
    """One half of a round: the best factors of the rows while those of the columns stand. Chapter *collaborative*.

    Parameters
    ----------
    liked : csr_matrix, shape (n, m)
        What each pair adds to the confidence, in units of `alpha`.
    factors : ndarray, shape (m, d)
    alpha, penalty : float

    Returns
    -------
    ndarray of float32, shape (n, d)
    """
    common = factors.T @ factors + penalty * np.eye(factors.shape[1], dtype=np.float32)
    solved = np.zeros((liked.shape[0], factors.shape[1]), np.float32)
    for row in np.flatnonzero(np.diff(liked.indptr)):
        entries = slice(liked.indptr[row], liked.indptr[row + 1])
        chosen, extra = factors[liked.indices[entries]], alpha * liked.data[entries]
        solved[row] = np.linalg.solve(common + (chosen.T * extra) @ chosen, (1 + extra) @ chosen)
    return solved


def objective(liked: csr_matrix, readers: np.ndarray, items: np.ndarray, alpha: float, penalty: float) -> float:
    """What :class:`AlsRecommender` makes small, over all pairs. Chapter *collaborative*."""
    rows, columns = liked.nonzero()
    predicted = np.einsum("nd,nd->n", readers[rows], items[columns])
    everywhere = float(np.sum((readers.T @ readers) * (items.T @ items)))
    at_liked = float(np.sum((1 + alpha) * (1 - predicted) ** 2 - predicted**2))
    return everywhere + at_liked + penalty * float((readers**2).sum() + (items**2).sum())
