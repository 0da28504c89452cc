"""Biased matrix factorisation, learned step by step: the recommenders' SVD (chapter *ratings*)."""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

from tokrec.recommend.ratings.base import RatingRegressor


class FactorRegressor(RatingRegressor):
    """``mean + b_user + b_item + p_user · q_item`` by stochastic gradient descent. Chapter *ratings* (Funk 2006; Koren et al. 2009).

    One rating at a time, in an order drawn once, with error ``e``: ``b += rate (e - penalty b)``, ``p += rate (e q - penalty p)``,
    ``q += rate (e p - penalty q)``. Ratings that share neither reader nor item don't touch each other and are taken together.

    Parameters
    ----------
    factors : int
    epochs : int
        How often each rating is seen.
    rate, penalty : float
        Step length, and the pull towards 0 for all parameters.
    spread : float
        Standard deviation of the first vectors.
    random_state : int

    Attributes
    ----------
    user_bias_, user_factors_ : ndarray, shapes (n_users + 1,) and (n_users + 1, factors)
        The last row, for unknown readers, is 0.
    item_bias_, item_factors_ : ndarray, shapes (n_items,) and (n_items, factors)
    """

    def __init__(
        self,
        factors: int = 100,
        epochs: int = 60,
        rate: float = 0.01,
        penalty: float = 0.1,
        spread: float = 0.1,
        random_state: int = 0,
    ) -> None:
        self.factors = factors
        self.epochs = epochs
        self.rate = rate
        self.penalty = penalty
        self.spread = spread
        self.random_state = random_state

    def _fit(self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray, times: np.ndarray) -> None:
        rng = np.random.default_rng(self.random_state)
        n_users, n_items = len(self.users_), len(self.items_)
        self.user_bias_, self.item_bias_ = np.zeros(n_users + 1), np.zeros(n_items)
        self.user_factors_ = np.vstack([rng.normal(0, self.spread, (n_users, self.factors)), np.zeros(self.factors)])
        self.item_factors_ = rng.normal(0, self.spread, (n_items, self.factors))
        self.item_factors_[np.bincount(items, minlength=n_items) == 0] = 0.0  # nothing is known of what nobody rated
        order = rng.permutation(len(ratings))
        steps = [order[batch] for batch in apart(users[order], items[order])]
        for _ in tqdm(range(self.epochs), desc="factors", unit="epoch", disable=None):
            for rows in steps:
                self._step(users[rows], items[rows], ratings[rows])

    def _step(self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray) -> None:
        """One step for ratings of which no two share a reader or an item."""
        p, q = self.user_factors_[users], self.item_factors_[items]
        b, c = self.user_bias_[users], self.item_bias_[items]
        error = ratings - self.mean_ - b - c - np.einsum("nf,nf->n", p, q)
        self.user_bias_[users] = b + self.rate * (error - self.penalty * b)
        self.item_bias_[items] = c + self.rate * (error - self.penalty * c)
        self.user_factors_[users] = p + self.rate * (error[:, None] * q - self.penalty * p)
        self.item_factors_[items] = q + self.rate * (error[:, None] * p - self.penalty * q)

    def _predict(self, users: np.ndarray, items: np.ndarray, times: np.ndarray | None) -> np.ndarray:
        product = np.einsum("nf,nf->n", self.user_factors_[users], self.item_factors_[items])
        return self.mean_ + self.user_bias_[users] + self.item_bias_[items] + product


def apart(users: np.ndarray, items: np.ndarray) -> list[np.ndarray]:
    """Places of ratings in groups that share no reader and no item; within a reader or an item their order stays. Chapter *ratings*.

    Going through the groups one after the other has the same effect as going through the ratings one by one.
    """
    last_user, last_item = np.zeros(users.max() + 1, int).tolist(), np.zeros(items.max() + 1, int).tolist()
    group = []
    for user, item in zip(users.tolist(), items.tolist(), strict=True):
        number = max(last_user[user], last_item[item])
        group.append(number)
        last_user[user] = last_item[item] = number + 1
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(np.array(group)[order])) + 1)
