"""Items as tokens beside the other methods: how they are judged, and the settings that all tables share (chapter *item_tokens*)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tokrec.evaluate import bootstrap_interval, coverage, paired_difference, per_user
from tokrec.recommend import EaseRecommender, MarkovRecommender, PopularityRecommender
from tokrec.recommend.base import Recommender

EXCLUDE = ("rated", "liked")
SEEDS = (0, 1, 2)
OURS = "item tokens, codes from text"
SMALL = {"codes": 64, "width": 32, "layers": 1, "epochs": 20}
BEAM = 100


def rivals() -> dict[str, list[Recommender]]:
    """What a table of logged choices is compared with. Chapter *item_tokens*."""
    return {"popularity": [PopularityRecommender()], "Markov chain": [MarkovRecommender()], "EASE": [EaseRecommender()]}


def judge(
    methods: Mapping[str, Sequence[Recommender]], train: pd.DataFrame, test: pd.DataFrame, items: pd.DataFrame
) -> dict[str, dict[str, list[pd.DataFrame]]]:
    """Fit and judge: for each exclusion and method the readers' values, a frame a seed. Fitted recommenders stay fitted.

    Chapter *item_tokens*.
    """
    frames: dict[str, dict[str, list[pd.DataFrame]]] = {exclude: {name: [] for name in methods} for exclude in EXCLUDE}
    for name, seeds in methods.items():
        for recommender in seeds:
            started = time.perf_counter()
            recommender.fit(train, items)
            for exclude in EXCLUDE:
                frame = per_user(recommender, test, exclude=exclude)
                frames[exclude][name].append(frame)
            frames["rated"][name][-1].attrs["seconds"] = time.perf_counter() - started
    return frames


def rows(frames: Mapping[str, Sequence[pd.DataFrame]], n_items: int, ours: str = OURS, **columns: Any) -> list[dict[str, Any]]:
    """A row for each method: NDCG@10 with its interval, and how far `ours` is ahead, paired by readers. Chapter *item_tokens*.

    Parameters
    ----------
    frames : mapping of str to list of DataFrame
        What :func:`tokrec.evaluate.per_user` gives, one frame a seed, or one a cut or fold: a reader's value is the mean over them.
    n_items : int
    ours : str
        The method that the others are compared with.
    **columns
        More columns, the same in each row.
    """
    means = {name: pd.concat([frame["ndcg"] for frame in parts]).groupby(level=0).mean() for name, parts in frames.items()}
    table = []
    for name, values in means.items():
        low, high = bootstrap_interval(values)
        apart = paired_difference(means[ours], values.reindex(means[ours].index))
        recall = np.mean([frame["recall"].mean() for frame in frames[name]])
        shown = np.mean([coverage(list(frame["ranked"]), n_items) for frame in frames[name]])
        numbers = {"ndcg": values.mean(), "low": low, "high": high, "ahead": apart[0], "ahead_low": apart[1], "ahead_high": apart[2]}
        each = [round(frame["ndcg"].mean(), 4) for frame in frames[name]]
        numbers |= {"recall": recall, "coverage": shown, "seconds": np.mean([frame.attrs.get("seconds", 0) for frame in frames[name]])}
        table.append(
            columns
            | {"method": name, "readers": len(values)}
            | {key: round(float(value), 4) for key, value in numbers.items()}
            | {"each": each}
        )
    return table
