"""A Gaussian process over pairs of reader and item (chapter *ratings*)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_matrix
from tqdm import tqdm

from tokrec.checks import check_number
from tokrec.recommend.ratings.base import RatingRegressor
from tokrec.recommend.ratings.features import audience_features, choice_features, genre_features, text_features, year_features

BLOCK = 8192  # pairs at once
WEIGHTS: dict[str, tuple[float, float, float]] = {  # squared stars: for everybody, for this reader, for readers who choose alike
    "level": (0.0, 0.2, 0.0),
    "item": (0.08, 0.0, 0.1),
    "text": (0.02, 0.05, 0.02),
    "genre": (0.01, 0.05, 0.02),
    "year": (0.01, 0.03, 0.01),
    "audience": (0.01, 0.02, 0.01),
    "choices": (0.02, 0.08, 0.05),
}


class GaussianProcessRegressor(RatingRegressor):
    """Ratings as a Gaussian process: two pairs of reader and item agree as far as their kernels say. Chapter *ratings*.

    The covariance of the ratings of reader ``u`` for item ``i`` and of ``v`` for ``j`` is a sum over blocks of item features,

        ``sum_t (everybody_t + reader_t [u = v] + alike_t s(u, v)) <f_t(i), f_t(j)>``,

    with ``s`` the likeness of what two readers chose. A constant feature with ``reader`` is the bias of a reader, the item itself with
    ``everybody`` the bias of an item. The mean of the process given all ratings solves one linear system, by conjugate gradients: the
    matrix is never written down, its product with a vector goes through the features (Rasmussen and Williams 2006, chapter 2).

    Parameters
    ----------
    weights : mapping of str to (everybody, reader, alike), optional
        In squared stars, for ``level`` (a constant), ``item`` (itself), ``text``, ``genre``, ``year``, ``audience`` (how many rated it)
        and ``choices`` (who did); by default ``WEIGHTS``, what is left out counts nothing.
    noise : float
        Variance of a rating around what its reader thinks, in squared stars; above 0.
    tolerance : float
        The solver stops when what is left of the ratings has this part of their length.

    Attributes
    ----------
    alpha_ : ndarray, shape (n_ratings,)
        The solution of ``(K + noise I) alpha = ratings - mean``.
    steps_ : int
        Steps that the solver took.
    """

    def __init__(
        self, weights: Mapping[str, tuple[float, float, float]] | None = None, noise: float = 0.7, tolerance: float = 1e-3
    ) -> None:
        self.weights = weights
        self.noise = noise
        self.tolerance = tolerance

    def _fit(self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray, times: np.ndarray) -> None:
        check_number(self.noise, "noise", 1e-6)
        weights = self._checked_weights()
        self._users, self._items = users, items
        n_users, n_items = len(self.users_), len(self.items_)
        chooses, chosen = choice_features(users, items, n_users, n_items)
        blocks = {
            "level": np.ones((n_items, 1), np.float32),
            "text": text_features(self.items_),
            "genre": genre_features(self.items_),
            "year": year_features(self.items_),
            "audience": audience_features(np.bincount(items, minlength=n_items)),
            "choices": chosen,
        }
        self._features = np.hstack(list(blocks.values()))
        self._of_column = np.repeat([weights[name] for name in blocks], [block.shape[1] for block in blocks.values()], axis=0).T
        self._of_item = weights["item"]
        self._same = np.vstack([np.eye(n_users, dtype=np.float32), np.zeros((1, n_users), np.float32)])  # an unknown reader is like nobody
        self._alike = np.vstack([chooses @ chooses.T, np.zeros((1, n_users), np.float32)])
        self.alpha_ = self._solve(ratings - self.mean_)
        self._carry(self.alpha_)

    def _checked_weights(self) -> dict[str, tuple[float, float, float]]:
        given = WEIGHTS if self.weights is None else self.weights
        unknown = set(given) - set(WEIGHTS)
        if unknown:
            raise ValueError(f"weights has {min(unknown)!r}, which is none of {', '.join(WEIGHTS)}")
        for name, triple in given.items():
            for weight in triple:
                check_number(weight, f"weights[{name!r}]", 0)
        return {name: given.get(name, (0.0, 0.0, 0.0)) for name in WEIGHTS}

    def _carry(self, alpha: np.ndarray) -> None:
        """What each reader thinks of each feature and of each item: kernel times `alpha`, up to the dot product with the features."""
        seen = csr_matrix((alpha.astype(np.float32), (self._users, self._items)), shape=(len(self.users_), len(self.items_)))
        own = seen @ self._features
        everybody, reader, alike = self._of_column.astype(np.float32)
        self._tastes = everybody * own.sum(axis=0) + reader * (self._same @ own) + alike * (self._alike @ own)
        everybody, reader, alike = self._of_item
        self._opinions = (seen.T @ (everybody + reader * self._same + alike * self._alike).T).T

    def _told(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Kernel between given pairs and those of ``fit``, times what was carried."""
        told = self._opinions[users, items].astype(float)
        for start in range(0, len(users), BLOCK):
            u, i = users[start : start + BLOCK], items[start : start + BLOCK]
            told[start : start + BLOCK] += np.einsum("nd,nd->n", self._tastes[u], self._features[i])
        return told

    def _solve(self, target: np.ndarray) -> np.ndarray:
        """Conjugate gradients on ``(K + noise I) alpha = target``."""
        alpha, left = np.zeros(len(target)), target.copy()
        direction, size = left.copy(), float(left @ left)
        goal = self.tolerance**2 * size
        with tqdm(desc="Gaussian process", unit="step", disable=None) as bar:
            self.steps_ = 0
            while size > goal and self.steps_ < 1000:
                self._carry(direction)
                moved = self._told(self._users, self._items) + self.noise * direction
                step = size / (direction @ moved)
                alpha += step * direction
                left -= step * moved
                size, before = float(left @ left), size
                direction = left + size / before * direction
                self.steps_ += 1
                bar.update()
        return alpha

    def _predict(self, users: np.ndarray, items: np.ndarray, times: np.ndarray | None) -> np.ndarray:
        return self.mean_ + self._told(users, items)
