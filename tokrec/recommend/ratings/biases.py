"""Biases: some readers are strict, some items are good (chapter *ratings*)."""

from __future__ import annotations

import numpy as np

from tokrec.checks import check_number
from tokrec.recommend.ratings.base import RatingRegressor

ROUNDS = 10  # until nothing moves: the means of readers and items depend on each other


class BiasRegressor(RatingRegressor):
    """``mean + b_user + b_item``, each bias a damped mean of what the others leave. Chapter *ratings* (Koren, Bell and Volinsky 2009).

    Parameters
    ----------
    user_damping, item_damping : float
        So many ratings of the mean kind are added to each reader and item: few ratings count for little.

    Attributes
    ----------
    user_bias_ : ndarray, shape (n_users + 1,)
        In stars; the last is 0, for unknown readers.
    item_bias_ : ndarray, shape (n_items,)
    """

    def __init__(self, user_damping: float = 5.0, item_damping: float = 3.0) -> None:
        self.user_damping = user_damping
        self.item_damping = item_damping

    def _fit(self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray, times: np.ndarray) -> None:
        for name in ("user_damping", "item_damping"):
            check_number(getattr(self, name), name, 0)
        self.user_bias_, self.item_bias_ = np.zeros(len(self.users_) + 1), np.zeros(len(self.items_))
        for _ in range(ROUNDS):
            self.item_bias_ = damped_means(ratings - self.mean_ - self.user_bias_[users], items, len(self.items_), self.item_damping)
            self.user_bias_ = damped_means(ratings - self.mean_ - self.item_bias_[items], users, len(self.users_) + 1, self.user_damping)

    def _predict(self, users: np.ndarray, items: np.ndarray, times: np.ndarray | None) -> np.ndarray:
        return self.mean_ + self.user_bias_[users] + self.item_bias_[items]


def damped_means(values: np.ndarray, groups: np.ndarray, n_groups: int, damping: float) -> np.ndarray:
    """Sum over count plus `damping` in each group, 0 in empty ones: float array ``(n_groups,)``. Chapter *ratings*."""
    counts = np.bincount(groups, minlength=n_groups) + damping
    return np.bincount(groups, values, n_groups) / np.maximum(counts, np.finfo(float).tiny)
