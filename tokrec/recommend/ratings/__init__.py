"""Predictors of ratings: scikit-learn regressors ``fit(interactions, items)``, ``predict(interactions)`` (chapter *ratings*)."""

from tokrec.recommend.ratings.base import RatingRegressor, rmse
from tokrec.recommend.ratings.biases import BiasRegressor
from tokrec.recommend.ratings.boosted import BoostedRegressor
from tokrec.recommend.ratings.factors import FactorRegressor
from tokrec.recommend.ratings.gaussian import GaussianProcessRegressor
from tokrec.recommend.ratings.text import TextRegression

__all__ = [
    "BiasRegressor",
    "BoostedRegressor",
    "FactorRegressor",
    "GaussianProcessRegressor",
    "RatingRegressor",
    "TextRegression",
    "rmse",
]
