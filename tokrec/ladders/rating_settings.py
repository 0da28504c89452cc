"""Settings of the rating regressors, chosen inside the training data: ``python -m tokrec.stored settings_gaussian`` (chapter *ratings*).

Only ratings are used that are in the training part of both splits of the ladder. They are split again in both ways, and each setting is
halved and doubled in turn; what lowers the mean of both errors stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from tokrec.datasets.movielens import load_movielens
from tokrec.evaluate.splits import random_split, temporal_split
from tokrec.recommend.ratings import BiasRegressor, FactorRegressor, GaussianProcessRegressor, RatingRegressor, rmse

Settings = dict[str, float]
LEAST = 5e-4  # stars: what gains less is not taken


TUNED = {
    "biases": ("user_damping", "item_damping"),
    "factors": ("penalty", "epochs", "rate", "spread"),
    "gaussian": ("noise", "level", "item", "choices", "text", "alike"),
}


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
    "factors": (factors, {"penalty": 0.1, "factors": 100, "epochs": 60, "rate": 0.01, "spread": 0.1}),
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


def settings_biases() -> pd.DataFrame:
    """What was tried for the biases, in its order. Chapter *ratings*.

    Returns
    -------
    DataFrame
        ``setting`` that was changed, its ``value``, the ``rmse`` (mean of both inner splits) and whether it was ``kept``.
    """
    return search("biases")


def settings_factors() -> pd.DataFrame:
    """What was tried for the factors; as :func:`settings_biases`. Chapter *ratings*."""
    return search("factors")


def settings_gaussian() -> pd.DataFrame:
    """What was tried for the Gaussian process; as :func:`settings_biases`. Chapter *ratings*."""
    return search("gaussian")


def search(method: str) -> pd.DataFrame:
    """Settings of one method, tried on MovieLens. Chapter *ratings*."""
    interactions, items = load_movielens()
    inner, (make, start) = inner_splits(interactions), START[method]

    def error(settings: Settings) -> float:
        return float(np.mean([rmse(make(settings).fit(train, items), held) for train, held in inner]))

    return pd.DataFrame(descend(start, error, TUNED[method]), columns=["setting", "value", "rmse", "kept"]).round(5)


def inner_splits(interactions: pd.DataFrame) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Both splits, once more, of what both training parts have in common. Chapter *ratings*."""
    common = interactions.loc[random_split(interactions)[0].index.intersection(temporal_split(interactions)[0].index)]
    return [random_split(common, random_state=1), temporal_split(common)]


def descend(start: Settings, error: Callable[[Settings], float], names: Sequence[str]) -> list[tuple[str, float, float, bool]]:
    """Halve and double the named settings in turn, keep what lowers the error: ``(setting, value, error, kept)``. Chapter *ratings*."""
    settings = dict(start)
    lowest = error(settings)
    tried = [("start", np.nan, lowest, True)]
    for name in names:
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
    """The settings that a table of tries ends with. Chapter *ratings*."""
    kept = tried[tried["kept"] & (tried["setting"] != "start")]
    return START[method][1] | dict(zip(kept["setting"], kept["value"], strict=True))
