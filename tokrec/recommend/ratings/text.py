"""The articles' regression: from the vector of a text to a rating (chapter *ratings*)."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sklearn.linear_model import LinearRegression, SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tokrec.recommend.content import ContentRecommender
from tokrec.recommend.ratings.base import RatingRegressor

Features = Literal["tfidf", "encoder"]
Regression = Literal["linear", "sgd"]


class TextRegression(RatingRegressor):
    """One regression for everybody, from an item's text to its rating. Chapter *ratings* (article 003, sections 3.3 and 5.2.3).

    The reader is no part of it: each item has one predicted rating, the same for all.

    Parameters
    ----------
    regression : {"linear", "sgd"}
        scikit-learn's ``LinearRegression``, or its ``SGDRegressor`` on standardised features, both as they come.
    features : {"tfidf", "encoder"}
        What stands for the text: as :class:`tokrec.ContentRecommender`.
    random_state : int
        Order of the steps of ``"sgd"``.

    Attributes
    ----------
    model_ : estimator of scikit-learn
    vectors_ : ndarray or csr_matrix, shape (n_items, d)
    """

    def __init__(self, regression: Regression = "linear", features: Features = "encoder", random_state: int = 0) -> None:
        self.regression = regression
        self.features = features
        self.random_state = random_state

    def _fit(self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray, times: np.ndarray) -> None:
        if self.regression not in ("linear", "sgd"):
            raise ValueError(f"regression must be 'linear' or 'sgd', not {self.regression!r}")
        self.vectors_: Any = ContentRecommender(self.features, centred=False).fit(None, self.items_).raw_
        scaled = make_pipeline(StandardScaler(with_mean=self.features == "encoder"), SGDRegressor(random_state=self.random_state))
        self.model_ = (LinearRegression() if self.regression == "linear" else scaled).fit(self.vectors_[items], ratings)

    def _predict(self, users: np.ndarray, items: np.ndarray, times: np.ndarray | None) -> np.ndarray:
        return self.model_.predict(self.vectors_)[items]
