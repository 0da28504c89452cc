"""How to fool yourself: each way beside its honest twin, on MovieLens (chapter *evaluation*).

``python -m tokrec.stored fooling`` makes the table anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from tokrec.evaluate import paired_difference, warm_split
from tokrec.evaluate.splits import POSITIVE
from tokrec.ladders.six_methods import LEARNING, NAMES, Split, as_split, data, ndcg, scores
from tokrec.recommend.base import interaction_matrix

NEGATIVES = 100  # drawn for each reader
ACTIVE, OFTEN = 100, 10  # likes of a reader and of a film, for those who drop the others
GROUPS = 20  # of readers, by the time at which their training part ends
Values = Mapping[str, pd.Series]
Rows = Iterator[dict[str, Any]]


def compared(way: str, honest: Values, fooled: Values) -> Rows:
    """Both figures of each method over the readers of the second, and their paired difference. Chapter *evaluation*."""
    for name, values in fooled.items():
        twin = honest[name].reindex(values.index)
        apart = dict(zip(("difference", "low", "high"), paired_difference(values, twin), strict=True))
        yield {"way": way, "method": name, "n": len(values), "honest": twin.mean(), "fooled": values.mean(), **apart} | ahead(fooled, name)


def ahead(fooled: Values, name: str) -> dict[str, float]:
    """How far a method is ahead of EASE within one way, with its interval. Chapter *evaluation*."""
    names = ("ahead", "ahead_low", "ahead_high")
    return dict(zip(names, paired_difference(fooled[name], fooled["EASE"]), strict=True)) if "EASE" in fooled else {}


def fooling() -> pd.DataFrame:
    """NDCG@10 of six methods, as it is and as each way makes it look. Chapter *evaluation*.

    Returns
    -------
    DataFrame
        ``way, method, n`` (readers), ``honest, fooled``, and ``difference`` with its 95 % interval ``low, high``; ``ahead``, the fooled
        figure less that of EASE, with ``ahead_low, ahead_high``; both differences are paired.
    """
    split = as_split(*warm_split(data()[0]))
    scored = {name: scores(name, split) for name in NAMES}
    honest = {name: ndcg(part, split) for name, part in scored.items()}
    rows: list = []
    for way in tqdm((candidates, exclusion, by_chance, few_films, active_readers, future_of_others), desc="ways", disable=None):
        rows += way(split, scored, honest)
    return pd.DataFrame(rows).round(5)


def candidates(split: Split, scored: Mapping[str, np.ndarray], honest: Values) -> Rows:
    """A hundred films besides the wanted ones, instead of all that the reader has not rated. Chapter *evaluation*."""
    ratings, films = data()
    rated = interaction_matrix(ratings, split.users, films.index).toarray() > 0
    liked, rng = split.train["item_id"][split.train["rating"] >= POSITIVE], np.random.default_rng(0)
    counts = liked.value_counts().reindex(films.index, fill_value=0).to_numpy()
    for drawn, weights in (("by chance", np.ones(len(films))), ("by popularity", counts)):
        allowed = split.wanted.copy()
        for row, had in enumerate(rated):
            chance = np.where(had, 0, weights)
            allowed[row, rng.choice(len(films), NEGATIVES, replace=False, p=chance / chance.sum())] = True
        yield from compared(f"100 films drawn {drawn}", honest, {name: ndcg(part, split, allowed) for name, part in scored.items()})


def exclusion(split: Split, scored: Mapping[str, np.ndarray], honest: Values) -> Rows:
    """Leaving out less than what was rated before, and more. Chapter *evaluation*."""
    ratings, films = data()
    rated = interaction_matrix(ratings, split.users, films.index).toarray() > 0
    yield from compared("only liked left out", honest, {name: ndcg(part, split, least=POSITIVE) for name, part in scored.items()})
    allowed = ~rated | split.wanted
    yield from compared("later dislikes left out", honest, {name: ndcg(part, split, allowed) for name, part in scored.items()})


def by_chance(split: Split, scored: Mapping[str, np.ndarray], honest: Values) -> Rows:
    """A fifth of the likes drawn by chance, instead of the last. Chapter *evaluation*."""
    other = as_split(*warm_split(data()[0].assign(timestamp=0)))
    yield from compared("test drawn by chance", honest, {name: ndcg(scores(name, other), other) for name in NAMES})


def few_films(split: Split, scored: Mapping[str, np.ndarray], honest: Values) -> Rows:
    """Only films with ten likes in the whole data, the test included. Chapter *evaluation*."""
    ratings, films = data()
    often = ratings["item_id"][ratings["rating"] >= POSITIVE].value_counts()
    kept = often.index[often >= OFTEN]
    other = as_split(*(part[part["item_id"].isin(kept)] for part in (split.train, split.test)))
    allowed = films.index.isin(kept)
    yield from compared("films with 10 likes", honest, {name: ndcg(scores(name, other), other, allowed) for name in NAMES})


def active_readers(split: Split, scored: Mapping[str, np.ndarray], honest: Values) -> Rows:
    """Only readers with a hundred likes in their training part; fitted on all, so that nothing else changes. Chapter *evaluation*."""
    likes = split.train[split.train["rating"] >= POSITIVE].groupby("user_id").size()
    for name, values in honest.items():
        active = (likes.reindex(values.index) >= ACTIVE).to_numpy()
        low, high = part_interval(values.to_numpy(), active)
        told, whole = values[active].mean(), values.mean()
        apart = {"difference": told - whole, "low": low, "high": high}
        rest = ahead({other: column[active] for other, column in honest.items()}, name)
        yield {"way": "readers with 100 likes", "method": name, "n": int(active.sum()), "honest": whole, "fooled": told, **apart} | rest


def part_interval(values: np.ndarray, chosen: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of some readers less the mean of all, drawing readers. Chapter *evaluation*."""
    times = np.random.default_rng(0).multinomial(len(values), np.full(len(values), 1 / len(values)), size=2000)
    low, high = np.quantile(times @ (values * chosen) / (times @ chosen) - times @ values / len(values), [0.025, 0.975])
    return float(low), float(high)


def future_of_others(split: Split, scored: Mapping[str, np.ndarray], honest: Values) -> Rows:
    """What others rated after a reader's cut: kept, taken away, or with as much taken away at random. Chapter *evaluation*.

    Readers go in twenty groups by the time of their cut. The honest figure learns from what the others of all groups had rated before the
    first cut of the group; the control from whole histories of others, drawn until they hold as many ratings, whenever given.
    """
    ends = split.train.groupby("user_id")["timestamp"].max().reindex(honest["EASE"].index).sort_values(kind="stable")
    past: dict[str, list] = {name: [] for name in LEARNING}
    control: dict[str, list] = {name: [] for name in LEARNING}
    for number, group in enumerate(np.array_split(np.arange(len(ends)), GROUPS)):
        own = split.train["user_id"].isin(ends.index[group])
        others = split.train[~own]
        before = others[others["timestamp"] < ends.iloc[group[0]]]
        for kept, found in ((before, past), (some_readers(others, len(before), number), control)):
            part = as_split(pd.concat([split.train[own], kept]), split.test[split.test["user_id"].isin(ends.index[group])])
            for name in LEARNING:
                found[name].append(ndcg(scores(name, part), part))
    earlier, as_many = ({name: pd.concat(parts) for name, parts in found.items()} for found in (past, control))
    yield from compared("the future of others", earlier, {name: honest[name] for name in LEARNING})
    yield from compared("as many ratings of any time", earlier, as_many)


def some_readers(ratings: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    """Ratings of readers drawn one after another, until there are `size`; the last reader's are cut off there. Chapter *evaluation*."""
    readers = ratings["user_id"].unique()
    turn = pd.Series(np.random.default_rng(seed).permutation(len(readers)), readers)
    return ratings.iloc[np.argsort(ratings["user_id"].map(turn).to_numpy(), kind="stable")[:size]]
