"""Networks that read the order, beside EASE and a Markov chain, on MovieLens (chapter *sequences*).

``python -m tokrec.stored sequence_epochs`` makes one of the results anew, and so on: one function each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from tqdm import tqdm

from tokrec.datasets.movielens import load_movielens
from tokrec.evaluate import bootstrap_interval, paired_difference, per_user, rolling_splits, warm_split
from tokrec.recommend import EaseRecommender, MarkovRecommender, PopularityRecommender, Recommender, SequenceRecommender

SEEDS = range(3)
EPOCHS = {"recurrent": 20, "attention": 20}  # chosen by sequence_epochs
TRIED = (5, 10, 20, 40)
SHARES = (0.125, 0.25, 0.5, 1.0)  # of the readers, for the learning curve
RIVAL = "EASE"
COLUMNS = ["method", "readers", "ndcg", "low", "high", "liked", "spread", "difference", "below", "above"]

Make = Callable[[int], Recommender]
Split = tuple[pd.DataFrame, pd.DataFrame]


def network(kind: str, start: str, seed: int) -> SequenceRecommender:
    """One of the networks with the epochs that were chosen for its kind. Chapter *sequences*."""
    return SequenceRecommender(kind, start, epochs=EPOCHS[kind], random_state=seed)  # type: ignore[arg-type]


NETWORKS: dict[str, Make] = {
    "GRU4Rec, ids": partial(network, "recurrent", "ids"),
    "SASRec, ids": partial(network, "attention", "ids"),
    "SASRec, ids from text": partial(network, "attention", "text start"),
    "SASRec, text alone": partial(network, "attention", "text"),
}
RIVALS: dict[str, Make] = {
    "popularity": lambda seed: PopularityRecommender(),
    "Markov chain": lambda seed: MarkovRecommender(),
    "EASE": lambda seed: EaseRecommender(),
    "EASE, recent likes": lambda seed: EaseRecommender(half_life=10),
}


def epochs() -> pd.DataFrame:
    """NDCG@10 inside the training part after 5, 10, 20 and 40 epochs: ``network, epochs, ndcg, loss``. Chapter *sequences*."""
    interactions, items = load_movielens()
    train, test = warm_split(warm_split(interactions)[0])
    rows = []
    for kind, number in tqdm(list(product(EPOCHS, TRIED)), desc="epochs", file=sys.stderr):
        fitted = SequenceRecommender(kind, epochs=number).fit(train, items)  # type: ignore[arg-type]
        rows.append((kind, number, per_user(fitted, test)["ndcg"].mean(), fitted.losses_[-1]))
    return pd.DataFrame(rows, columns=["network", "epochs", "ndcg", "loss"]).round(4)


def warm() -> pd.DataFrame:
    """Each reader's last fifth; three seeds of each network. See :func:`compared`. Chapter *sequences*."""
    interactions, items = load_movielens()
    return compared([warm_split(interactions)], items, SEEDS)


def rolling() -> pd.DataFrame:
    """Everybody cut at the same moments; each cut has a seed of its own. See :func:`compared`. Chapter *sequences*."""
    interactions, items = load_movielens()
    return compared(rolling_splits(interactions), items, (0,))


def compared(splits: Iterable[Split], items: pd.DataFrame, seeds: Iterable[int]) -> pd.DataFrame:
    """NDCG@10 of all methods, the mean over cuts and seeds of each reader. Chapter *sequences*.

    Returns
    -------
    DataFrame
        ``method, readers, ndcg, low, high, liked`` (where only what was liked is left out), ``spread`` (standard deviation over seeds),
        and the paired difference from EASE: ``difference, below, above``.
    """
    splits, seeds = list(splits), list(seeds)
    found: dict[str, dict[int, pd.DataFrame]] = {}
    for name, make in tqdm({**RIVALS, **NETWORKS}.items(), desc="methods", file=sys.stderr):
        found[name] = {seed: judged(make, seed, splits, items) for seed in (seeds if name in NETWORKS else seeds[:1])}
    means = {name: pd.concat(frames.values()).groupby(level=0).mean() for name, frames in found.items()}
    rows = []
    for name, values in means.items():
        spread = np.std([frame["rated"].mean() for frame in found[name].values()])
        row = (values["rated"].mean(), *bootstrap_interval(values["rated"]), values["liked"].mean(), spread)
        rows.append((name, len(values), *row, *paired_difference(values["rated"], means[RIVAL]["rated"])))
    return pd.DataFrame(rows, columns=COLUMNS).round(4)


def judged(make: Make, seed: int, splits: Iterable[Split], items: pd.DataFrame) -> pd.DataFrame:
    """NDCG@10 of each reader, averaged over cuts: columns ``rated, liked`` for what is left out. Chapter *sequences*."""
    parts = []
    for place, (train, test) in enumerate(splits):
        fitted = make(seed + place).fit(train, items)
        parts.append(pd.DataFrame({exclude: per_user(fitted, test, exclude=exclude)["ndcg"] for exclude in ("rated", "liked")}))
    return pd.concat(parts).groupby(level=0).mean()


def readers() -> pd.DataFrame:
    """The same test with fewer readers to learn from: ``share, method, ndcg, low, high`` of SASRec and EASE. Chapter *sequences*.

    The readers of the test are those of the smallest share.
    """
    interactions, items = load_movielens()
    train, test = warm_split(interactions)
    order = np.random.default_rng(0).permutation(np.unique(train["user_id"]))
    first = order[: round(len(order) * SHARES[0])]
    rows = []
    for share in tqdm(SHARES, desc="readers", file=sys.stderr):
        part = train[train["user_id"].isin(order[: round(len(order) * share)])]
        for name in ("EASE", "SASRec, ids"):
            fitted = {**RIVALS, **NETWORKS}[name](0).fit(part, items)
            values = per_user(fitted, test[test["user_id"].isin(first)])["ndcg"]
            rows.append((share, name, values.mean(), *bootstrap_interval(values)))
    return pd.DataFrame(rows, columns=["share", "method", "ndcg", "low", "high"]).round(4)
