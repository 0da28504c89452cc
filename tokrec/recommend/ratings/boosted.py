"""Boosted trees on what a Gaussian process leaves: a stack trained out of fold (chapter *ratings*). Needs the extra ``rank``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold

from tokrec.recommend.ratings.base import RatingRegressor
from tokrec.recommend.ratings.biases import BiasRegressor, damped_means
from tokrec.recommend.ratings.factors import FactorRegressor
from tokrec.recommend.ratings.features import genre_features, year_features
from tokrec.recommend.ratings.gaussian import GaussianProcessRegressor

TREES: dict[str, Any] = {
    "n_estimators": 300,
    "learning_rate": 0.03,
    "num_leaves": 15,
    "min_child_samples": 100,
    "subsample": 0.7,
    "subsample_freq": 1,
    "colsample_bytree": 0.7,
    "reg_lambda": 10.0,
}
SPANS = (600.0, 86400.0, 30 * 86400.0)  # seconds: how near in time a neighbour has to be


class BoostedRegressor(RatingRegressor):
    """A Gaussian process, and LightGBM on what it leaves of ratings that it has not seen. Chapter *ratings*.

    Each fold of the ratings is predicted by members fitted on the other folds; their predictions, biases, spreads and counts, genres and
    year are the trees' features, what the process misses is their target. The members are then fitted on all ratings.

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
        folds: int = 5,
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
        from lightgbm import LGBMRegressor

        table = pd.DataFrame({"user": users, "item": items, "rating": ratings, "timestamp": times})
        parts = []
        for known, held in KFold(self.folds, shuffle=True, random_state=self.random_state).split(table):
            members = Members(self.gaussian, self.factors, self.moment).fit(table.iloc[known], self.items_)
            parts.append((held, members.features(table.iloc[held])))
        rows, features = np.concatenate([part[0] for part in parts]), pd.concat([part[1] for part in parts])
        self.held_out_ = features["gaussian"].to_numpy()[np.argsort(rows)]
        self.trees_ = LGBMRegressor(**TREES, random_state=self.random_state, n_jobs=1, verbose=-1)
        self.trees_.fit(features, ratings[rows] - features["gaussian"])
        self.members_ = Members(self.gaussian, self.factors, self.moment).fit(table, self.items_)

    def _predict(self, users: np.ndarray, items: np.ndarray, times: np.ndarray | None) -> np.ndarray:
        asked = pd.DataFrame({"user": users, "item": items, "timestamp": np.nan if times is None else times})
        features = self.members_.features(asked)
        return (features["gaussian"] + self.trees_.predict(features)).to_numpy()


class Members:
    """What the trees read, from one set of ratings. Chapter *ratings*."""

    def __init__(self, gaussian: Mapping[str, Any] | None, factors: Mapping[str, Any] | None, moment: bool) -> None:
        self.process, self.svd = GaussianProcessRegressor(**(gaussian or {})), FactorRegressor(**(factors or {}))
        self.bias, self.moment = BiasRegressor(), moment

    def fit(self, table: pd.DataFrame, items: pd.DataFrame) -> Members:
        """Learn from a table of places: ``user, item, rating, timestamp``."""
        self.known = table
        named = table.rename(columns={"user": "user_id"}).assign(item_id=items.index[table["item"]])
        for member in (self.process, self.svd, self.bias):
            member.fit(named, items)
        self.left = (table["rating"] - self.bias.predict(named)).to_numpy()
        self.axes = np.hstack([genre_features(items)[:, :6], year_features(items)[:, ::4]])
        return self

    def features(self, asked: pd.DataFrame) -> pd.DataFrame:
        """A row of features for each row of places."""
        items = self.process.items_
        named = asked.rename(columns={"user": "user_id"}).assign(item_id=items.index[asked["item"]])
        found = {"gaussian": self.process.predict(named), "factors": self.svd.predict(named)}
        for name, bias in (("user", self.bias.user_bias_[self.bias.users_.get_indexer(asked["user"])]),):
            found[f"{name}_bias"] = bias
        found["item_bias"] = self.bias.item_bias_[asked["item"]]
        for name in ("user", "item"):
            groups, size = self.known[name].to_numpy(), 1 + max(self.known[name].max(), asked[name].max())
            found[f"{name}_count"] = np.log1p(np.bincount(groups, minlength=size))[asked[name]]
            found[f"{name}_spread"] = damped_means(self.left**2, groups, size, 3.0)[asked[name]]
        found |= {f"axis_{number}": column for number, column in enumerate(self.axes[asked["item"]].T)}
        return pd.DataFrame(found | (self._moments(asked) if self.moment else {}), index=asked.index)

    def _moments(self, asked: pd.DataFrame) -> dict[str, np.ndarray]:
        """The time of a rating, and what its reader gave near it, more and less than the biases say."""
        found = {"timestamp": asked["timestamp"].to_numpy()}
        spans = {span: np.zeros(len(asked)) for span in SPANS}
        around = np.zeros(len(asked))
        mine = {user: rows for user, rows in self.known.groupby("user").indices.items()}
        for user, rows in asked.groupby("user").indices.items():
            own = mine.get(user, np.array([], int))
            apart = np.abs(asked["timestamp"].to_numpy()[rows, None] - self.known["timestamp"].to_numpy()[own])
            for span, values in spans.items():
                near = np.exp(-apart / span)
                values[rows] = near @ self.left[own] / (near.sum(axis=1) + 1)
            around[rows] = (apart < SPANS[0]).sum(axis=1)
        return found | {f"near_{span:.0f}": values for span, values in spans.items()} | {"around": np.log1p(around)}
