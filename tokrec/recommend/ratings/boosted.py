"""Boosted trees on what a Gaussian process leaves: a stack trained out of fold (chapter *ratings*). Needs the extra ``rank``."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold

from tokrec.recommend.ratings.base import RatingRegressor
from tokrec.recommend.ratings.biases import BiasRegressor, damped_means
from tokrec.recommend.ratings.factors import FactorRegressor
from tokrec.recommend.ratings.gaussian import GaussianProcessRegressor

TREES: dict[str, Any] = {
    "n_estimators": 300,
    "learning_rate": 0.03,
    "num_leaves": 15,
    "min_child_samples": 300,
    "subsample": 0.7,
    "subsample_freq": 1,
    "colsample_bytree": 0.7,
    "reg_lambda": 10.0,
}
SPANS = (600.0, 86400.0, 30 * 86400.0)  # seconds: how near in time a neighbour has to be
MOMENT = ("timestamp", "around", "near_minutes", "near_day", "near_month")


class BoostedRegressor(RatingRegressor):
    """A Gaussian process, and LightGBM on what it leaves of ratings that it has not seen. Chapter *ratings*.

    Each fold of the ratings is predicted by members fitted on the other folds; their predictions, biases, spreads and counts are the
    trees' features, what the process misses is their target. The members are then fitted on all ratings.

    Parameters
    ----------
    gaussian : mapping, optional
        Parameters of the Gaussian process.
    factors : mapping, optional
        Parameters of the matrix factorisation.
    moment : bool
        Let the trees know when the rating was given: the time itself, and what the reader gave just before and after. Nobody knows this
        of a rating that is still to come; such figures stand apart.
    folds : int
    random_state : int

    Attributes
    ----------
    trees_ : LGBMRegressor
    held_out_ : ndarray, shape (n_ratings,)
        What the Gaussian process says of each rating of ``fit`` without having seen it.
    """

    def __init__(
        self,
        gaussian: Mapping[str, Any] | None = None,
        factors: Mapping[str, Any] | None = None,
        moment: bool = False,
        folds: int = 3,
        random_state: int = 0,
    ) -> None:
        self.gaussian = gaussian
        self.factors = factors
        self.moment = moment
        self.folds = folds
        self.random_state = random_state

    @property
    def needs_time(self) -> bool:  # type: ignore[override]
        """Whether ``predict`` reads the column ``timestamp``."""
        return self.moment

    def _fit(self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray, times: np.ndarray) -> None:
        table = pd.DataFrame({"user": users, "item": items, "rating": ratings, "timestamp": times})
        parts = []
        for known, held in KFold(self.folds, shuffle=True, random_state=self.random_state).split(table):
            members = Members(self.gaussian, self.factors).fit(table.iloc[known], self.items_)
            parts.append(members.features(table.iloc[held]))
        self.members_ = Members(self.gaussian, self.factors).fit(table, self.items_)
        self._features, self._ratings = pd.concat(parts).sort_index(), ratings
        self._grow()

    def _grow(self) -> None:
        from lightgbm import LGBMRegressor

        self.held_out_ = self._features["gaussian"].to_numpy()
        self.trees_ = LGBMRegressor(**TREES, random_state=self.random_state, n_jobs=1, verbose=-1)
        self.trees_.fit(self._read(self._features), self._ratings - self.held_out_)

    def _read(self, features: pd.DataFrame) -> pd.DataFrame:
        return features if self.moment else features.drop(columns=[*MOMENT], errors="ignore")

    def with_moment(self) -> BoostedRegressor:
        """The same fitted members under trees that know the moment of a rating."""
        knowing = copy(self).set_params(moment=True)
        knowing._grow()
        return knowing

    def _predict(self, users: np.ndarray, items: np.ndarray, times: np.ndarray | None) -> np.ndarray:
        asked = pd.DataFrame({"user": users, "item": items} | ({} if times is None else {"timestamp": times}))
        features = self.members_.features(asked)
        return (features["gaussian"] + self.trees_.predict(self._read(features))).to_numpy()


class Members:
    """What the trees read, from one set of ratings. Chapter *ratings*."""

    def __init__(self, gaussian: Mapping[str, Any] | None, factors: Mapping[str, Any] | None) -> None:
        self.process, self.svd = GaussianProcessRegressor(**(gaussian or {})), FactorRegressor(**(factors or {}))
        self.bias = BiasRegressor()

    def fit(self, table: pd.DataFrame, items: pd.DataFrame) -> Members:
        """Learn from a table of places: ``user, item, rating, timestamp``."""
        self.known, self.items = table, items
        for member in (self.process, self.svd, self.bias):
            member.fit(self._named(table), items)
        self.left = (table["rating"] - self.bias.predict(self._named(table))).to_numpy()
        return self

    def _named(self, table: pd.DataFrame) -> pd.DataFrame:
        return table.rename(columns={"user": "user_id"}).assign(item_id=self.items.index[table["item"]])

    def features(self, asked: pd.DataFrame) -> pd.DataFrame:
        """A row of features for each row of places; those of the moment where there is a ``timestamp``."""
        named = self._named(asked)
        found = {"gaussian": self.process.predict(named), "factors": self.svd.predict(named)}
        found["user_bias"] = self.bias.user_bias_[self.bias.users_.get_indexer(pd.Index(asked["user"]))]
        found["item_bias"] = self.bias.item_bias_[asked["item"]]
        for name in ("user", "item"):
            groups, size = self.known[name].to_numpy(), 1 + max(self.known[name].max(), asked[name].max())
            known = (asked[name] >= 0).to_numpy()
            found[f"{name}_count"] = known * np.log1p(np.bincount(groups, minlength=size))[asked[name]]
            found[f"{name}_spread"] = known * damped_means(self.left**2, groups, size, 3.0)[asked[name]]
        return pd.DataFrame(found | (self._moments(asked) if "timestamp" in asked else {}), index=asked.index)

    def _moments(self, asked: pd.DataFrame) -> dict[str, np.ndarray]:
        """The time of a rating, how many its reader gave around it, and by how much these differ from what the biases say."""
        times, known = asked["timestamp"].to_numpy(), self.known["timestamp"].to_numpy()
        around, near = np.zeros(len(asked)), np.zeros((len(SPANS), len(asked)))
        of_user = self.known.groupby("user").indices
        for user, rows in asked.groupby("user").indices.items():
            own = of_user.get(user, np.array([], int))
            apart = np.abs(times[rows, None] - known[own])
            around[rows] = np.log1p((apart < SPANS[0]).sum(axis=1))
            for number, span in enumerate(SPANS):
                weights = np.exp(-apart / span)
                near[number, rows] = weights @ self.left[own] / (weights.sum(axis=1) + 1)
        return dict(zip(MOMENT, (times, around, *near), strict=True))
