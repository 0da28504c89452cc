"""What all predictors of ratings share: ``fit(interactions, items)``, ``predict(interactions)`` (chapter *ratings*)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import root_mean_squared_error
from sklearn.utils.validation import check_is_fitted

from tokrec.checks import check_columns, check_interactions, check_items, check_list, id_index, sorted_ids


class RatingRegressor(RegressorMixin, BaseEstimator, ABC):
    """Base of the regressors: they say how many stars a reader gives an item. Chapter *ratings*.

    Attributes
    ----------
    items_ : DataFrame
        The items of ``fit``, indexed by ``item_id``.
    users_ : Index
        The readers of ``fit``.
    scale_ : tuple of float
        Lowest and highest rating of ``fit``: predictions are cut to it.
    mean_ : float
        Mean rating of ``fit``.
    """

    items_: pd.DataFrame
    users_: pd.Index
    scale_: tuple[float, float]
    mean_: float
    needs_time = False

    def fit(self, interactions: pd.DataFrame, items: pd.DataFrame) -> Self:
        """Learn from ratings.

        Parameters
        ----------
        interactions : DataFrame
            Columns ``user_id, item_id, rating, timestamp``; at least one row.
        items : DataFrame
            Indexed by ``item_id``, or with a column of that name; with text columns for those who read.

        Raises
        ------
        TypeError
            If one of them is no pandas DataFrame.
        ValueError
            For missing columns, ids or times, ratings that are no positive numbers, unknown items, no ratings at all.
        """
        items = check_items(items)
        interactions = check_interactions(interactions, items)
        if interactions.empty:
            raise ValueError("interactions is empty: there is no rating to learn from")
        self.items_, self.users_ = items, sorted_ids(interactions["user_id"].tolist(), "user_id")
        ratings = interactions["rating"].to_numpy(float)
        self.scale_, self.mean_ = (float(ratings.min()), float(ratings.max())), float(ratings.mean())
        self._fit(*self._places(interactions), ratings, interactions["timestamp"].to_numpy(float))
        return self

    @abstractmethod
    def _fit(self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray, times: np.ndarray) -> None:
        """Learn from the places of readers and items, ratings and times, each of shape ``(n,)``."""

    @abstractmethod
    def _predict(self, users: np.ndarray, items: np.ndarray, times: np.ndarray | None) -> np.ndarray:
        """Ratings for places of readers (-1: unknown) and items."""

    def predict(self, interactions: pd.DataFrame) -> np.ndarray:
        """Ratings of pairs of reader and item: float array ``(n,)``, within ``scale_``.

        Parameters
        ----------
        interactions : DataFrame
            Columns ``user_id, item_id``, and ``timestamp`` for those who know the moment; unknown readers are allowed.

        Raises
        ------
        ValueError
            For an item that is not in the items of ``fit``.
        """
        check_is_fitted(self)
        columns = ("user_id", "item_id", "timestamp") if self.needs_time else ("user_id", "item_id")
        interactions = check_columns(interactions, columns, "interactions")
        users, items = self._places(interactions)
        if (items < 0).any():
            unknown = interactions["item_id"].tolist()[int((items < 0).argmax())]
            raise ValueError(f"unknown item_id {unknown!r}: see items_.index for the {len(self.items_)} known ones")
        times = interactions["timestamp"].to_numpy(float) if self.needs_time else None
        return np.clip(self._predict(users, items, times), *self.scale_)

    def predict_all(self, users: Sequence[Any]) -> np.ndarray:
        """Ratings of all items by some readers, not cut to the scale: float array ``(n_users, n_items)``.

        Raises
        ------
        ValueError
            If this kind of regressor needs to know the moment of a rating.
        """
        check_is_fitted(self)
        if self.needs_time:
            raise ValueError("a rating is predicted here from its own moment, and a list has none: fit without moments")
        rows = self.users_.get_indexer(id_index(check_list(users, "users")))
        items = np.arange(len(self.items_))
        return np.stack([self._predict(np.full(len(items), row), items, None) for row in rows])

    def score(self, interactions: pd.DataFrame, y: object = None) -> float:
        """R² of the ratings that `interactions` holds, as every regressor of scikit-learn has it; it is no accuracy."""
        return super().score(interactions, interactions["rating"])

    def _places(self, interactions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        users, items = (interactions[name].tolist() for name in ("user_id", "item_id"))
        return self.users_.get_indexer(id_index(users)), self.items_.index.get_indexer(id_index(items))


def rmse(regressor: RatingRegressor, test: pd.DataFrame) -> float:
    """Root mean squared error of a fitted regressor on held-out ratings, in stars. Chapter *ratings*."""
    return float(root_mean_squared_error(test["rating"], regressor.predict(test)))
