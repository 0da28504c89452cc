"""Two towers on MovieLens films that nobody has rated, beside kernel ridge regression (chapter *matching*).

``python -m tokrec.stored matching_films`` makes the result anew.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from tqdm import tqdm

from tokrec.datasets.movielens import load_movielens
from tokrec.evaluate import cold_folds, per_user
from tokrec.recommend import ContentRecommender, KernelRidgeRecommender, Recommender, TwoTowerRecommender

STEPS = 600


def methods() -> dict[str, Recommender]:
    """The articles' profile, kernel ridge regression, and two towers with and without each correction. Chapter *matching*."""
    return {
        "mean profile": ContentRecommender("encoder"),
        "kernel ridge": KernelRidgeRecommender("encoder"),
        "two towers": TwoTowerRecommender(steps=STEPS),
        "two towers, no log q": TwoTowerRecommender(steps=STEPS, log_q=False),
        "two towers, nothing masked": TwoTowerRecommender(steps=STEPS, mask_liked=False),
    }


def films() -> dict[str, Any]:
    """NDCG@10 of each reader on films hidden from all training, the mean over five folds, each with a seed of its own. Chapter *matching*.

    Returns
    -------
    dict
        ``ndcg``: for each method a number a reader; ``folds``: for each method a number a fold; ``false_negatives``: the share of a
        batch's other items that a reader likes too; ``losses``: of the towers' first fold, every tenth step.
    """
    ratings, items = load_movielens()
    liked = items.loc[np.sort(ratings["item_id"][ratings["rating"] >= 4].unique())]
    ratings = ratings[ratings["item_id"].isin(liked.index)]
    frames: dict[str, list[pd.Series]] = {name: [] for name in methods()}
    towers: list[TwoTowerRecommender] = []
    for seed, hidden in enumerate(tqdm(cold_folds(liked.index), desc="folds", file=sys.stderr)):
        cold = ratings["item_id"].isin(hidden)
        for name, method in methods().items():
            recommender = clone(method)
            if isinstance(recommender, TwoTowerRecommender):
                recommender.set_params(random_state=seed)
                towers.append(recommender)
            recommender.fit(ratings[~cold], liked)
            frames[name].append(per_user(recommender, ratings[cold], candidates=hidden)["ndcg"])
    means = {name: pd.concat(parts).groupby(level=0).mean() for name, parts in frames.items()}
    return {
        "ndcg": {name: values.round(5).tolist() for name, values in means.items()},
        "folds": {name: [round(float(part.mean()), 5) for part in parts] for name, parts in frames.items()},
        "false_negatives": round(towers[0].false_negatives_, 5),
        "losses": [round(loss, 4) for loss in towers[0].losses_[::10]],
    }
