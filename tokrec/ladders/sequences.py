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
    found: dict[str, list[tuple[int, pd.DataFrame]]] = {}
    for place, (train, test) in enumerate(tqdm(splits, desc="cuts", file=sys.stderr)):
        for name, make in {**RIVALS, **NETWORKS}.items():
            for seed in seeds if name in NETWORKS else seeds[:1]:
                fitted = make(seed + place).fit(train, items)
                columns = {exclude: per_user(fitted, test, exclude=exclude)["ndcg"] for exclude in ("rated", "liked")}
                found.setdefault(name, []).append((seed, pd.DataFrame(columns)))
    means = {name: pd.concat([frame for _, frame in parts]).groupby(level=0).mean() for name, parts in found.items()}
    rows = []
    for name, values in means.items():
        of_seed = [
            np.mean([frame["rated"].mean() for own, frame in found[name] if own == seed]) for seed in {own for own, _ in found[name]}
        ]
        row = (values["rated"].mean(), *bootstrap_interval(values["rated"]), values["liked"].mean(), np.std(of_seed))
        rows.append((name, len(values), *row, *paired_difference(values["rated"], means[RIVAL]["rated"])))
    return pd.DataFrame(rows, columns=COLUMNS).round(4)


COLUMNS = ["method", "readers", "ndcg", "low", "high", "liked", "spread", "difference", "below", "above"]


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
