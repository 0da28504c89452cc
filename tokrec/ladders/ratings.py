"""The ladder of predicted ratings on MovieLens, and what the same methods recommend (chapter *ratings*).

``python -m tokrec.stored ladder_ratings`` and ``python -m tokrec.stored ratings_ranked`` make the tables anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from tokrec.datasets.movielens import load_movielens
from tokrec.evaluate import Ranker, bootstrap_interval, global_split, paired_difference, per_user, random_split, temporal_split, warm_split
from tokrec.evaluate.errors import rmse_interval
from tokrec.ladders.rating_settings import chosen, factors, gaussian
from tokrec.recommend import EaseRecommender, PopularityRecommender
from tokrec.recommend.ratings import (
    BiasRegressor,
    BoostedRegressor,
    FactorRegressor,
    GaussianProcessRegressor,
    RatingRegressor,
    TextRegression,
)
from tokrec.recommend.ratings.ranking import RankByRating
from tokrec.stored import from_json, read

SPLITS: dict[str, Callable[[pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]]] = {
    "random": random_split,
    "each reader's last": temporal_split,
    "one moment for all": global_split,
}
RIVALS = ("biases", "factors")  # beside the step below, each step is compared with these two
STEPS: dict[str, str] = {  # each step, and the one that it is held against
    "mean": "",
    "text, least squares": "mean",
    "text, SGD": "mean",
    "biases": "mean",
    "factors": "biases",
    "process, biases": "biases",
    "process, text": "process, biases",
    "process": "process, text",
    "boosted": "process",
    "boosted, moment": "boosted",
}


def best(method: str) -> FactorRegressor | GaussianProcessRegressor | BiasRegressor:
    """The method with the settings that were chosen inside the training data. Chapter *ratings*."""
    records = {"biases": read("settings_biases"), "factors": read("settings_factors"), "gaussian": read("settings_gaussian")}
    settings = chosen(from_json(records[method]["value"]), method)
    return {"biases": lambda found: BiasRegressor(**found), "factors": factors, "gaussian": gaussian}[method](settings)


def process_of(blocks: tuple[str, ...], alike: bool) -> GaussianProcessRegressor:
    """The chosen process with fewer blocks, with or without the readers who choose alike. Chapter *ratings*."""
    whole = best("gaussian").get_params()
    weights = {name: (everybody, reader, like * alike) for name, (everybody, reader, like) in whole["weights"].items() if name in blocks}
    return GaussianProcessRegressor(**(whole | {"weights": weights}))


def methods() -> dict[str, RatingRegressor]:
    """All steps but the last. Chapter *ratings*."""
    process, svd = best("gaussian"), best("factors")
    return {
        "mean": BiasRegressor(1e12, 1e12),
        "text, least squares": TextRegression("linear"),
        "text, SGD": TextRegression("sgd"),
        "biases": best("biases"),
        "factors": svd,
        "process, biases": process_of(("level", "item"), False),
        "process, text": process_of(("level", "item", "text", "genre", "year"), False),
        "process": process,
        "boosted": BoostedRegressor(process.get_params(), svd.get_params()),
    }


def ladder_ratings() -> pd.DataFrame:
    """Errors of each step in each split, with gains over the step below and over two rivals. Chapter *ratings*.

    Returns
    -------
    DataFrame
        ``split, step, rmse, low, high`` (95 % bootstrap over readers), ``over`` with ``change, change_low, change_high`` (the difference
        of both errors: below 0 is better), the same for ``biases`` and ``factors``, ``seconds`` for fitting and predicting; ``n``
        ratings by ``readers``, of whom ``known`` ratings are by readers of the training part.
    """
    interactions, items = load_movielens()
    rows = []
    for split, cut in SPLITS.items():
        train, test = cut(interactions)
        errors: dict[str, np.ndarray] = {}
        described = {"n": len(test), "readers": test["user_id"].nunique(), "known": int(test["user_id"].isin(train["user_id"]).sum())}
        for step, told, seconds in predictions(train, test, items):
            errors[step] = told - test["rating"].to_numpy()
            value, low, high = rmse_interval(errors[step], test["user_id"])
            row = {"split": split, "step": step, "rmse": value, "low": low, "high": high, "over": STEPS[step]}
            for name, rival in {"change": STEPS[step], **{rival: rival for rival in RIVALS}}.items():
                found = rmse_interval(errors[step], test["user_id"], errors[rival]) if rival in errors and rival != step else (np.nan,) * 3
                row |= dict(zip((name, f"{name}_low", f"{name}_high"), found, strict=True))
            rows.append(row | {"seconds": round(seconds, 1)} | described)
    return pd.DataFrame(rows).round(5)


def predictions(train: pd.DataFrame, test: pd.DataFrame, items: pd.DataFrame) -> Iterator[tuple[str, np.ndarray, float]]:
    """Each step, its predictions for `test`, and its seconds. Chapter *ratings*."""
    for step, method in methods().items():
        started = time.perf_counter()
        told = method.fit(train, items).predict(test)
        yield step, told, time.perf_counter() - started
        if isinstance(method, BoostedRegressor):
            yield f"{step}, moment", method.with_moment().predict(test), time.perf_counter() - started


def ratings_ranked() -> pd.DataFrame:
    """What each method finds of the films that readers like later, ranked by predicted rating. Chapter *ratings*.

    Returns
    -------
    DataFrame
        ``method``, ``ndcg`` at 10 in the warm split, everything rated before left out, with ``low`` and ``high``; ``difference``
        to popularity with its interval; ``audience``, the median number of training ratings of the films shown; ``lists``, the number of
        different lists by 10 films.
    """
    interactions, items = load_movielens()
    train, test = warm_split(interactions)
    ranked: dict[str, Ranker] = {"popularity": PopularityRecommender(), "EASE": EaseRecommender()}
    ranked |= {name: RankByRating(method) for name, method in methods().items() if name != "mean" and not name.startswith("process,")}
    counts = train["item_id"].value_counts()
    rows, by_popularity = [], pd.Series(dtype=float)
    for name, ranker in ranked.items():
        found = per_user(ranker.fit(train, items), test)
        by_popularity = found["ndcg"] if name == "popularity" else by_popularity
        difference = dict(zip(("difference", "d_low", "d_high"), paired_difference(found["ndcg"], by_popularity), strict=True))
        shown = pd.Series([item for films in found["ranked"] for item in films])
        values = dict(zip(("ndcg", "low", "high"), (found["ndcg"].mean(), *bootstrap_interval(found["ndcg"])), strict=True))
        audience = float(counts.reindex(shown, fill_value=0).median())
        rows.append(
            {"method": name} | values | difference | {"audience": audience, "lists": len({tuple(films) for films in found["ranked"]})}
        )
    return pd.DataFrame(rows).round(5)
