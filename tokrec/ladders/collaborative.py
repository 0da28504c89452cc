"""What ratings know that text does not: settings, the table and two curves of MovieLens (chapter *collaborative*).

``python -m tokrec.stored collaborative_settings`` makes one of the results anew, and so on: one function each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from tokrec.datasets.movielens import load_movielens
from tokrec.evaluate import bootstrap_interval, paired_difference, per_user, rolling_splits, warm_split
from tokrec.recommend import (
    AlsRecommender,
    ContentRecommender,
    EaseRecommender,
    KernelRidgeRecommender,
    MarkovRecommender,
    NeighbourRecommender,
    PopularityRecommender,
    RecentPopularityRecommender,
    Recommender,
    SvdRecommender,
)

METHODS: dict[str, Callable[..., Recommender]] = {  # the table's rows; those that are chosen for take their defaults from the validation
    "popularity": PopularityRecommender,
    "recent popularity": RecentPopularityRecommender,
    "neighbours, cosine": NeighbourRecommender,
    "neighbours, BM25": lambda **options: NeighbourRecommender("bm25", **options),
    "pure SVD": SvdRecommender,
    "iALS": AlsRecommender,
    "EASE": EaseRecommender,
    "EASE, recent likes": lambda **options: EaseRecommender(**{"half_life": 5.0} | options),
    "Markov chain": MarkovRecommender,
    "text: TF-IDF profile": lambda: ContentRecommender("tfidf"),
    "text: encoder profile": lambda: ContentRecommender("encoder"),
    "text: kernel ridge": KernelRidgeRecommender,
}
GRIDS: dict[str, dict[str, tuple]] = {
    "recent popularity": {"newest": (1_000, 3_000, 10_000, 30_000)},
    "neighbours, cosine": {"neighbours": (20, 50, 100, 200, 400)},
    "neighbours, BM25": {"neighbours": (50, 200)},
    "pure SVD": {"factors": (8, 16, 24, 32, 48, 64)},
    "iALS": {"factors": (32, 64), "alpha": (1.0, 3.0, 10.0), "penalty": (10.0, 30.0)},
    "EASE": {"penalty": (50.0, 100.0, 200.0, 500.0, 1000.0)},
    "EASE, recent likes": {"half_life": (2.0, 5.0, 10.0, 20.0, 50.0, 100.0)},
    "Markov chain": {"window": (10, 50), "shrink": (10.0, 30.0, 100.0), "half_life": (5.0, 10.0, 20.0)},
}
RIVAL = "EASE"


def settings() -> pd.DataFrame:
    """What each setting reaches on a cut inside the training part, as the warm test is cut. Chapter *collaborative*.

    Returns
    -------
    DataFrame
        ``method, setting, ndcg, best``: the first of the largest of its method is the best.
    """
    train, _ = warm_split(load_movielens()[0])
    inner, valid = warm_split(train)
    items, rows = load_movielens()[1], []
    trials = [(name, values) for name, grid in GRIDS.items() for values in product(*grid.values())]
    for name, values in tqdm(trials, desc="settings", disable=None):
        options = dict(zip(GRIDS[name], values, strict=True))
        found = per_user(METHODS[name](**options).fit(inner, items), valid)["ndcg"].mean()
        rows.append((name, ", ".join(f"{key} {value:g}" for key, value in options.items()), found))
    table = pd.DataFrame(rows, columns=["method", "setting", "ndcg"])
    return table.assign(best=table.index.isin(table.groupby("method")["ndcg"].idxmax())).round(4)


def judged(make: Callable[[], Recommender], splits: Iterable[tuple[pd.DataFrame, pd.DataFrame]], items: pd.DataFrame) -> pd.DataFrame:
    """NDCG@10 of each reader over several splits, with all rated and with only the liked items left out: columns ``rated, liked``."""
    parts = []
    for train, test in splits:
        fitted = make().fit(train, items)
        parts.append(pd.DataFrame({exclude: per_user(fitted, test, exclude=exclude)["ndcg"] for exclude in ("rated", "liked")}))
    return pd.concat(parts).groupby(level=0).mean()


def table() -> pd.DataFrame:
    """Every method on the warm split and under rolling cuts, each with both exclusions. Chapter *collaborative*.

    Returns
    -------
    DataFrame
        ``split, exclude, method, readers, ndcg, low, high``, and the paired difference from EASE, ``difference, below, above``.
    """
    interactions, items = load_movielens()
    splits = {"warm": [warm_split(interactions)], "rolling": list(rolling_splits(interactions))}
    found = {
        (split, name): judged(make, parts, items)
        for (split, parts), (name, make) in tqdm(list(product(splits.items(), METHODS.items())), desc="table", disable=None)
    }
    rows = []
    for (split, name), values in found.items():
        for exclude in values:
            rows.append({"split": split, "exclude": exclude, "method": name} | beside(values[exclude], found[split, RIVAL][exclude]))
    return pd.DataFrame(rows).round(4)


def beside(values: pd.Series | np.ndarray, rival: pd.Series | np.ndarray) -> dict[str, Any]:
    """Mean and paired difference from a rival, each with its 95 % interval over readers. Chapter *collaborative*."""
    low, high = bootstrap_interval(values)
    difference, below, above = paired_difference(values, rival)
    return {
        "readers": len(values),
        "ndcg": float(np.mean(values)),
        "low": low,
        "high": high,
        "difference": difference,
        "below": below,
        "above": above,
    }
