"""What ratings know that text does not: settings, the table and two curves of MovieLens (chapter *collaborative*).

``python -m tokrec.stored collaborative_settings`` makes one of the results anew, and so on: one function each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from tokrec.datasets.movielens import load_movielens
from tokrec.evaluate import bootstrap_interval, paired_difference, per_user, rolling_splits, warm_split
from tokrec.evaluate.league import Exclude
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

METHODS: dict[str, Callable[..., Recommender]] = {
    "popularity": PopularityRecommender,
    "recent popularity": RecentPopularityRecommender,
    "neighbours, cosine": NeighbourRecommender,
    "neighbours, BM25": lambda **options: NeighbourRecommender("bm25", **options),
    "pure SVD": SvdRecommender,
    "iALS": AlsRecommender,
    "EASE": EaseRecommender,
    "EASE, recent likes": EaseRecommender,
    "Markov chain": MarkovRecommender,
    "text, TF-IDF profile": lambda: ContentRecommender("tfidf"),
    "text, encoder profile": lambda: ContentRecommender("encoder"),
    "text, kernel ridge": KernelRidgeRecommender,
}
GRIDS: dict[str, dict[str, tuple]] = {
    "recent popularity": {"newest": (1_000, 3_000, 10_000, 30_000)},
    "neighbours, cosine": {"neighbours": (50, 200, 400)},
    "neighbours, BM25": {"neighbours": (50, 200, 400)},
    "pure SVD": {"factors": (8, 16, 24, 32, 64)},
    "iALS": {"alpha": (1.0, 3.0, 10.0), "penalty": (10.0, 30.0)},
    "EASE": {"penalty": (50.0, 100.0, 200.0, 500.0, 1000.0)},
    "EASE, recent likes": {"penalty": (200.0, 500.0), "half_life": (5.0, 20.0, 100.0)},
    "Markov chain": {"shrink": (30.0, 100.0), "half_life": (5.0, 10.0, 20.0)},
}
CHOSEN: dict[str, dict[str, dict[str, Any]]] = {  # the best rows of `collaborative_settings`
    "warm": {
        "recent popularity": {"newest": 30_000},
        "neighbours, cosine": {"neighbours": 200},
        "neighbours, BM25": {"neighbours": 400},
        "pure SVD": {"factors": 24},
        "iALS": {"alpha": 1.0, "penalty": 10.0},
        "EASE": {"penalty": 50.0},
        "EASE, recent likes": {"penalty": 200.0, "half_life": 100.0},
        "Markov chain": {"shrink": 100.0, "half_life": 5.0},
    },
    "rolling": {
        "recent popularity": {"newest": 10_000},
        "neighbours, cosine": {"neighbours": 400},
        "neighbours, BM25": {"neighbours": 200},
        "pure SVD": {"factors": 16},
        "iALS": {"alpha": 3.0, "penalty": 30.0},
        "EASE": {"penalty": 50.0},
        "EASE, recent likes": {"penalty": 500.0, "half_life": 100.0},
        "Markov chain": {"shrink": 100.0, "half_life": 20.0},
    },
}
RIVAL = "EASE"
POPULAR = {"warm": "popularity", "rolling": "recent popularity"}  # the stronger of the two kinds

Split = tuple[pd.DataFrame, pd.DataFrame]


def validations(interactions: pd.DataFrame) -> dict[str, list[Split]]:
    """Cuts inside the training part: the warm cut once more, and two cuts in time inside the first half. Chapter *collaborative*."""
    first, _ = next(iter(rolling_splits(interactions)))
    return {"warm": [warm_split(warm_split(interactions)[0])], "rolling": list(rolling_splits(first, starts=2, first=0.6))}


def settings() -> pd.DataFrame:
    """What each setting reaches inside the training part. Chapter *collaborative*.

    Returns
    -------
    DataFrame
        ``split, method, setting, ndcg``, all rated films left out, and ``best``: of its method and split.
    """
    interactions, items = load_movielens()
    trials = [(name, dict(zip(grid, values, strict=True))) for name, grid in GRIDS.items() for values in product(*grid.values())]
    rows = [
        {
            "split": split,
            "method": name,
            "setting": options,
            "ndcg": judged(METHODS[name], options, parts, items, ["rated"])["rated"].mean(),
        }
        for (split, parts), (name, options) in tqdm(list(product(validations(interactions).items(), trials)), desc="settings", disable=None)
    ]
    table = pd.DataFrame(rows).round(4)
    table["best"] = table.index.isin(table.groupby(["split", "method"])["ndcg"].idxmax())
    return table.assign(setting=[", ".join(f"{key} {value:g}" for key, value in options.items()) for options in table["setting"]])


def judged(
    make: Callable[..., Recommender],
    options: dict[str, Any],
    splits: Iterable[Split],
    items: pd.DataFrame,
    excludes: Sequence[Exclude] = ("rated", "liked"),
) -> pd.DataFrame:
    """NDCG@10 of each reader, averaged over splits, a column for each rule of what is left out. Chapter *collaborative*."""
    parts = []
    for train, test in splits:
        fitted = make(**options).fit(train, items)
        parts.append(pd.DataFrame({exclude: per_user(fitted, test, exclude=exclude)["ndcg"] for exclude in excludes}))
    return pd.concat(parts).groupby(level=0).mean()


def table() -> pd.DataFrame:
    """Every method on the warm split and under rolling cuts, each with both exclusions. Chapter *collaborative*.

    Returns
    -------
    DataFrame
        ``split, exclude, method, readers, ndcg, low, high``; the paired difference from EASE, ``difference, below, above``, and from the
        stronger kind of popularity, ``over, over_low, over_high``.
    """
    interactions, items = load_movielens()
    splits = {"warm": [warm_split(interactions)], "rolling": list(rolling_splits(interactions))}
    found = {
        (split, name): judged(make, CHOSEN[split].get(name, {}), parts, items)
        for (split, parts), (name, make) in tqdm(list(product(splits.items(), METHODS.items())), desc="table", disable=None)
    }
    rows = []
    for (split, name), values in found.items():
        for exclude in values:
            over = paired_difference(values[exclude], found[split, POPULAR[split]][exclude])
            row = {"split": split, "exclude": exclude, "method": name} | beside(values[exclude], found[split, RIVAL][exclude])
            rows.append(row | dict(zip(("over", "over_low", "over_high"), over, strict=True)))
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
