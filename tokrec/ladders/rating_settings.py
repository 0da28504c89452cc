"""Settings of the rating regressors, chosen inside the training data: ``python -m tokrec.stored rating_settings`` (chapter *ratings*).

Only ratings are used that are in the training part of both splits of the ladder. They are split again in both ways, and each setting is
halved and doubled in turn; what lowers the mean of both errors stays.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from tokrec.datasets.movielens import load_movielens
from tokrec.evaluate.splits import random_split, temporal_split
from tokrec.recommend.ratings import BiasRegressor, FactorRegressor, GaussianProcessRegressor, RatingRegressor, rmse

Settings = dict[str, float]
LEAST = 5e-4  # stars: what gains less is not taken


def biases(settings: Settings) -> BiasRegressor:
    """Biases with these settings. Chapter *ratings*."""
    return BiasRegressor(**settings)


def factors(settings: Settings) -> FactorRegressor:
    """Factors with these settings. Chapter *ratings*."""
    whole = {name: round(settings[name]) for name in ("factors", "epochs")}
    return FactorRegressor(**(settings | whole))  # type: ignore[arg-type]


def gaussian(settings: Settings) -> GaussianProcessRegressor:
    """A Gaussian process with these settings: a weight a block, and how much of it is shared. Chapter *ratings*."""
    blocks = {name: settings[name] for name in ("text", "genre", "year", "audience", "choices")}
    shares = 1.0, settings["alike"], settings["everybody"]
    weights = {name: (weight * shares[2], weight * shares[0], weight * shares[1]) for name, weight in blocks.items()}
    weights |= {"level": (0.0, settings["level"], 0.0), "item": (settings["item"], 0.0, settings["item_alike"])}
    return GaussianProcessRegressor(weights, settings["noise"], tolerance=0.01)


START: dict[str, tuple[Callable[[Settings], RatingRegressor], Settings]] = {
    "biases": (biases, {"user_damping": 5.0, "item_damping": 5.0}),
    "factors": (factors, {"penalty": 0.1, "factors": 100, "epochs": 30, "rate": 0.01, "spread": 0.1}),
    "gaussian": (
        gaussian,
        {
            "noise": 0.7,
            "alike": 0.125,
            "choices": 0.05,
            "item_alike": 0.1,
            "item": 0.1,
            "everybody": 0.125,
            "text": 0.05,
            "genre": 0.05,
            "level": 0.4,
            "year": 0.03,
            "audience": 0.03,
        },
    ),
}


def rating_settings() -> pd.DataFrame:
    """What was tried for each method, in its order. Chapter *ratings*.

    Returns
    -------
    DataFrame
        ``method``, ``setting`` that was changed, its ``value``, the ``rmse`` (mean of both inner splits) and whether it was ``kept``.
    """
    interactions, items = load_movielens()
    inner = inner_splits(interactions)
    rows = []
    for method, (make, start) in START.items():

        def error(settings: Settings, make: Callable[[Settings], RatingRegressor] = make) -> float:
            return float(np.mean([rmse(make(settings).fit(train, items), held) for train, held in inner]))

        rows += [(method, *step) for step in descend(start, error)]
    return pd.DataFrame(rows, columns=["method", "setting", "value", "rmse", "kept"])


def inner_splits(interactions: pd.DataFrame) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Both splits, once more, of what both training parts have in common. Chapter *ratings*."""
    common = interactions.loc[random_split(interactions)[0].index.intersection(temporal_split(interactions)[0].index)]
    return [random_split(common, random_state=1), temporal_split(common)]


def descend(start: Settings, error: Callable[[Settings], float]) -> list[tuple[str, float, float, bool]]:
    """Halve and double each setting in turn, and keep what lowers the error: ``(setting, value, error, kept)``. Chapter *ratings*."""
    settings = dict(start)
    lowest = error(settings)
    tried = [("start", np.nan, lowest, True)]
    for name in start:
        for factor in (0.5, 2.0):
            kept = True
            while kept:  # on in the same direction as long as it helps
                value = settings[name] * factor
                found = error(settings | {name: value})
                kept = found < lowest - LEAST
                tried.append((name, value, found, kept))
                if kept:
                    settings[name], lowest = value, found
    return tried


def chosen(tried: pd.DataFrame, method: str) -> Settings:
    """The settings that a table of :func:`rating_settings` ends with. Chapter *ratings*."""
    kept = tried[(tried["method"] == method) & tried["kept"] & (tried["setting"] != "start")]
    return START[method][1] | dict(zip(kept["setting"], kept["value"], strict=True))
