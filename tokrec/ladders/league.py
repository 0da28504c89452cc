"""The league table: every method of the book in every situation it can answer, with intervals and cost (chapter *league_table*).

A chapter adds a method by one line in a module of ``tokrec.ladders.entries``. ``python -m tokrec.ladders.league`` makes all of it anew; a
family of methods alone is made by ``python -m tokrec.stored league_text`` (or another family).
"""

from __future__ import annotations

import importlib
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import pandas as pd
from tqdm import tqdm

from tokrec.datasets.movielens import load_movielens
from tokrec.datasets.shelf import load_shelf
from tokrec.evaluate import (
    cold_folds,
    judge_queries,
    per_user,
    rolling_splits,
    two_level_interval,
    warm_split,
)
from tokrec.recommend import Recommender
from tokrec.spine import columns_of
from tokrec.stored import read

FAMILIES = ("baselines", "text", "collaborative", "new_items", "ensembles")  # modules of tokrec.ladders.entries; each is stored alone
UNIT = 10_000  # values are kept as whole ten-thousandths


@dataclass(frozen=True)
class Split:
    """One question to a method: learn from this, find that. Chapter *league_table*.

    Attributes
    ----------
    train, test, items : DataFrame
    exclude : {"rated", "liked"}
        What is never shown.
    candidates : Index or None
        What may be shown; None is everything.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    items: pd.DataFrame
    exclude: Literal["rated", "liked"] = "rated"
    candidates: pd.Index | None = None


@cache
def film_splits(protocol: str) -> tuple[Split, ...]:
    """MovieLens: ``warm``, ``warm, liked``, ``rolling``, ``cold``. Chapter *league_table*."""
    ratings, films = load_movielens()
    if protocol == "rolling":
        return tuple(Split(train, test, films) for train, test in rolling_splits(ratings))
    if protocol == "cold":
        liked = films.loc[np.sort(ratings["item_id"][ratings["rating"] >= 4].unique())]
        ratings = ratings[ratings["item_id"].isin(liked.index)]
        hidden = [(fold, ratings["item_id"].isin(fold)) for fold in cold_folds(liked.index)]
        return tuple(Split(ratings[~cold], ratings[cold], liked, "rated", fold) for fold, cold in hidden)
    return (Split(*warm_split(ratings), films, "liked" if protocol == "warm, liked" else "rated"),)


@cache
def shelf_splits(labels: bool) -> tuple[Split, ...]:
    """The shelf's readers, with labels in the texts or without. Chapter *league_table*."""
    shelf = load_shelf()
    return (Split(*warm_split(shelf.interactions), shelf.items[columns_of(("en", "zh"), labels)]),)


COLD, QUERIES = "films, cold", "shelf, queries"
SITUATIONS: dict[str, Callable[[], tuple[Split, ...]]] = {
    "films, warm": lambda: film_splits("warm"),
    "films, warm, liked": lambda: film_splits("warm, liked"),
    "films, rolling": lambda: film_splits("rolling"),
    COLD: lambda: film_splits("cold"),
    "shelf, labels": lambda: shelf_splits(True),
    "shelf, prose": lambda: shelf_splits(False),
}
FILMS = ("films, warm", "films, warm, liked", "films, rolling")
READERS = (*FILMS, "shelf, labels")
EVERYWHERE = (*FILMS, COLD, "shelf, labels", "shelf, prose", QUERIES)


@dataclass(frozen=True)
class Method:
    """A row of the table. Chapter *league_table*.

    Attributes
    ----------
    name, chapter : str
    make : callable
        Makes an unfitted recommender.
    where : tuple of str
        Situations that the method can answer.
    """

    name: str
    chapter: str
    make: Callable[[], Recommender]
    where: tuple[str, ...] = READERS


def judge(make: Callable[[], Recommender], situation: str) -> np.ndarray:
    """NDCG@10 of a method for each reader or query, ``(n,)``. Chapter *league_table*.

    Who is asked at several cuts counts once, with the mean. For new films the values of each fold stand apart, ``(n_readers, n_folds)``
    with NaN where there is nothing to find, since the films were drawn by chance too.

    Parameters
    ----------
    make : callable
        Makes an unfitted recommender.
    situation : str
        A key of ``SITUATIONS``, or ``QUERIES``.
    """
    if situation == QUERIES:
        return asked(make)
    parts = []
    for split in SITUATIONS[situation]():
        fitted = make().fit(split.train, split.items)
        parts.append(per_user(fitted, split.test, exclude=split.exclude, candidates=split.candidates)["ndcg"])
    table = pd.concat(parts, axis=1).sort_index()
    return table.to_numpy() if situation == COLD else table.mean(axis=1).to_numpy()


def asked(make: Callable[[], Recommender]) -> np.ndarray:
    """NDCG@10 of each judged query of the test half, in English and in Chinese, over titles and descriptions. Chapter *league_table*."""
    shelf = load_shelf()
    half = shelf.queries[shelf.queries["half"] == "test"]
    items = shelf.items[columns_of(("en", "zh"), False)]
    fitted, parts = make().fit(None, items), []
    for language in ("en", "zh"):
        scores = fitted.score_text(half[f"text_{language}"].tolist())
        parts.append(judge_queries(scores, half.index.tolist(), items.index.tolist(), shelf.relevance).to_numpy())
    return np.concatenate(parts)


def measured(family: str, name: str, situation: str) -> tuple[np.ndarray, float, float]:
    """What :func:`judge` returns for a method, its processor seconds, and by how many MB memory grew. Chapter *league_table*."""
    make = next(method.make for method in methods_of(family) if method.name == name)
    if situation in SITUATIONS:
        SITUATIONS[situation]()  # read and cut before the clock runs
    before, started = peak(), time.process_time()
    values = judge(make, situation)
    return values, time.process_time() - started, peak() - before


def methods_of(family: str) -> list[Method]:
    """What ``tokrec.ladders.entries`` lists under a family. Chapter *league_table*."""
    return importlib.import_module(f"tokrec.ladders.entries.{family}").METHODS


def peak() -> float:
    """The most memory that this process has held so far, in MB; NaN where the system does not tell. Chapter *league_table*."""
    try:
        import resource
    except ModuleNotFoundError:
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def rows_of(family: str) -> dict[str, Any]:
    """All rows of a family, each measured in a process of its own. Chapter *league_table*.

    Returns
    -------
    dict
        ``rows``: a record for each method and situation: ``method, family, chapter, situation, seconds, megabytes``; ``values``: situation
        to method to NDCG@10 of each reader or query, in ten-thousandths.
    """
    rows: list[dict[str, Any]] = []
    values: dict[str, dict[str, list[int]]] = {}
    todo = [(method, situation) for method in methods_of(family) for situation in method.where]
    for method, situation in tqdm(todo, desc=family, disable=None, file=sys.stderr):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
            found, seconds, megabytes = alone.submit(measured, family, method.name, situation).result()
        place = {"method": method.name, "family": family, "chapter": method.chapter, "situation": situation}
        rows.append(place | {"seconds": round(seconds, 2), "megabytes": round(megabytes)})
        values.setdefault(situation, {})[method.name] = in_units(found)
    return {"rows": rows, "values": values}


def in_units(values: np.ndarray) -> list[int]:
    """Numbers from 0 to 1 as whole ten-thousandths, as they are stored; -1 where there is none. Chapter *league_table*."""
    return np.where(np.isnan(values), -1, np.round(UNIT * values)).astype(int).tolist()


def from_units(stored: list[int]) -> np.ndarray:
    """What :func:`in_units` was given, to four decimals. Chapter *league_table*."""
    whole = np.array(stored)
    return np.where(whole < 0, np.nan, whole / UNIT)


def entries() -> tuple[pd.DataFrame, dict[str, dict[str, np.ndarray]]]:
    """All stored rows, and for each situation and method the NDCG@10 of each reader. Chapter *league_table*."""
    rows: list[dict[str, Any]] = []
    values: dict[str, dict[str, np.ndarray]] = {}
    for family in FAMILIES:
        stored = read(f"league_{family}")["value"]
        rows += stored["rows"]
        for situation, columns in stored["values"].items():
            values.setdefault(situation, {}).update({method: from_units(column) for method, column in columns.items()})
    return pd.DataFrame(rows), values


def standings(situation: str, more: Mapping[str, np.ndarray] | None = None) -> pd.DataFrame:
    """The table of one situation, best first. Chapter *league_table*.

    Parameters
    ----------
    situation : str
    more : mapping of str to ndarray, optional
        Further methods: what :func:`judge` returns for them.

    Returns
    -------
    DataFrame
        Indexed by method: ``ndcg`` with ``low`` and ``high`` (95 % bootstrap over readers or queries, for new films over folds too), and
        ``behind``, the paired difference to the first, with ``behind_low`` and ``behind_high``.
    """
    values = entries()[1][situation] | dict(more or {})
    means = {name: float(np.nanmean(column, axis=0).mean()) for name, column in values.items()}
    best = max(means, key=lambda name: means[name])
    every = np.stack(list(values.values()))
    ends = intervals(every)
    gaps = intervals(every[list(values).index(best)] - every)
    rows = {name: [means[name], *end, means[best] - means[name], *gap] for name, end, gap in zip(values, ends, gaps, strict=True)}
    columns = ["ndcg", "low", "high", "behind", "behind_low", "behind_high"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).sort_values("ndcg", ascending=False, kind="stable")


def intervals(every: np.ndarray) -> list[tuple[float, float]]:
    """The interval of each method's values, all from the same draws of readers, or of readers and folds. Chapter *league_table*."""
    if every.ndim == 3:
        return [two_level_interval(column) for column in every]
    n = every.shape[1]
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=2000) @ every.T / n
    return [(float(low), float(high)) for low, high in np.quantile(draws, [0.025, 0.975], axis=0).T]


def main() -> None:
    """Make the ladder and all families anew. Chapter *league_table*."""
    for name in ("ladder_warm", *(f"league_{name}" for name in FAMILIES)):
        subprocess.run([sys.executable, "-m", "tokrec.stored", name], check=True)


if __name__ == "__main__":
    main()
