"""The warm ladder: from EASE to a ranker on MovieLens, step by step, each with its paired gain (chapter *league_table*).

``python -m tokrec.stored ladder_warm`` makes the table anew. All settings are chosen inside the training data: it is cut again twice, in
the same way as for the test, and what serves the lists there is taken.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from tqdm import tqdm

from tokrec.datasets.movielens import load_movielens
from tokrec.evaluate import bootstrap_interval, ndcg_of_scores, paired_difference, rolling_splits, warm_split
from tokrec.recommend import (
    BlendRecommender,
    ContentRecommender,
    EaseRecommender,
    MarkovRecommender,
    NeighbourRecommender,
    PopularityRecommender,
    RatedRecommender,
    RecentContentRecommender,
    RecentPopularityRecommender,
    Recommender,
)
from tokrec.recommend.base import interaction_matrix
from tokrec.recommend.blend import climb, standardise
from tokrec.recommend.ranker import Lists, counted, counted_rows, first_items, order_anew, teach

PROTOCOLS = {"warm": "rated", "warm, liked": "liked", "rolling": "rated"}  # split, and what is never shown
HALF_LIVES, FLOORS = (2.0, 5.0, 10.0, 20.0), (0.0, 0.2, 0.5)
STEPS = {  # members of the blend
    "EASE": ["ease"],
    "+ recency": ["recent"],
    "+ Markov chain": ["recent", "markov"],
    "+ all ratings": ["recent", "markov", "rated", "rated markov"],
    "+ neighbours, text": ["recent", "markov", "rated", "rated markov", "neighbours", "encoder", "tfidf"],
}
RANKED = "+ lambdarank"
SEEDS = 5


def members(half_life: float, floor: float) -> dict[str, Recommender]:
    """All that the ladder is built of; those in no step are features of the ranker only. Chapter *league_table*."""
    return {
        "ease": EaseRecommender(),
        "recent": EaseRecommender(half_life=half_life, floor=floor),
        "markov": MarkovRecommender(window=50, decay=0.95, half_life=5),
        "rated": RatedRecommender(EaseRecommender(half_life=half_life, floor=floor)),
        "rated markov": RatedRecommender(MarkovRecommender(window=50, decay=0.95, half_life=5)),
        "neighbours": NeighbourRecommender(half_life=5),
        "encoder": RecentContentRecommender("encoder"),
        "tfidf": RecentContentRecommender("tfidf"),
        "last": EaseRecommender(half_life=1),
        "next": MarkovRecommender(window=3, half_life=1),
        "rated last": RatedRecommender(EaseRecommender(half_life=1)),
        "popular": PopularityRecommender(),
        "newly popular": RecentPopularityRecommender(3000),
        "profile": ContentRecommender("encoder"),
    }


def ladder_members(names: list[str], half_life: float, floor: float, weights: list[float]) -> BlendRecommender:
    """The blend of some steps as an estimator; all other members have weight 0. Chapter *league_table*."""
    every = members(half_life, floor)
    return BlendRecommender(list(every.values()), [dict(zip(names, weights, strict=True)).get(name, 0.0) for name in every])


@dataclass
class Cut:
    """One cut of the data: what each member makes of it for the readers who have something to find. Chapter *league_table*.

    Attributes
    ----------
    fitted : Recommender
        Popularity, on what lies before the cut: holds readers, ratings and times.
    history, times : csr_matrix, shape (n, n_items)
        Of those readers.
    wanted, shown : ndarray of bool, shape (n, n_items)
    parts : dict of str to ndarray of float32, shape (n, n_items)
        Standardised scores; filled by :meth:`add`.
    """

    fitted: Recommender
    readers: pd.Index
    history: csr_matrix
    times: csr_matrix
    wanted: np.ndarray
    shown: np.ndarray
    parts: dict[str, np.ndarray]

    @classmethod
    def of(cls, train: pd.DataFrame, test: pd.DataFrame, items: pd.DataFrame, exclude: str) -> Cut:
        """The cut between `train` and `test`; `exclude` as in ``per_user``."""
        fitted = PopularityRecommender().fit(train, items)
        later = interaction_matrix(test[test["user_id"].isin(fitted.users_)], fitted.users_, items.index)
        rows = np.flatnonzero(np.diff(later.indptr))
        history = fitted.seen_[rows]
        shown = history.toarray() < (1e-6 if exclude == "rated" else fitted.positive_)
        return cls(fitted, fitted.users_[rows], history, fitted.times_[rows], later[rows].toarray() > 0, shown, {})

    def add(self, made: Mapping[str, Recommender]) -> None:
        """Fit members and keep their standardised scores."""
        for name, member in made.items():
            self.parts[name] = self.scored(member._learn_beside(self.fitted))

    def scored(self, member: Recommender) -> np.ndarray:
        """Standardised scores of a fitted member."""
        return standardise(member._score_events(self.history, self.times), self.shown)

    def blend(self, names: list[str], weights: list[float]) -> np.ndarray:
        """The weighted sum, ``-inf`` for what may not be shown."""
        total = sum((np.float32(weight) * self.parts[name] for name, weight in zip(names, weights, strict=True) if weight), np.float32(0))
        return np.where(self.shown, total, np.float32(-np.inf))

    def ndcg(self, scores: np.ndarray) -> np.ndarray:
        """NDCG@10 of each reader."""
        return ndcg_of_scores(np.where(self.shown, scores, -np.inf), self.wanted)

    def lists(self, scores: np.ndarray) -> Lists:
        """The first items with the features of ``RankRecommender``."""
        blend = {"blend": np.where(self.shown, scores, 0)}
        features = self.parts | blend | counted(self.fitted.seen_, self.fitted.positive_) | counted_rows(self.history)
        return first_items(scores, features, self.wanted)


def splits(protocol: str, interactions: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Training and test of a protocol. Chapter *league_table*."""
    yield from rolling_splits(interactions) if protocol == "rolling" else [warm_split(interactions)]


def inner_splits(protocol: str, train: pd.DataFrame) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Two earlier cuts of the same kind, inside the training data. Chapter *league_table*."""
    train = train.sort_values(["user_id", "item_id"], kind="stable")  # as a recommender keeps it: what came at one moment is cut alike
    if protocol == "rolling":
        return list(rolling_splits(train, 2, first=0.8))
    first = warm_split(train)
    return [first, warm_split(first[0])]


def recency(cuts: list[Cut]) -> tuple[float, float]:
    """The half-life and floor of EASE's input that serve best at earlier cuts. Chapter *league_table*."""
    fitted = [EaseRecommender()._learn_beside(cut.fitted) for cut in cuts]

    def quality(setting: tuple[float, float]) -> float:
        for ease in fitted:
            ease.half_life, ease.floor = setting
        return float(np.mean([cut.ndcg(cut.scored(ease)).mean() for cut, ease in zip(cuts, fitted, strict=True)]))

    return max(product(HALF_LIVES, FLOORS), key=quality)


def weights_of_steps(cuts: list[Cut]) -> dict[str, list[float]]:
    """The weights of each step, sought at earlier cuts from those of the step before. Chapter *league_table*."""
    found: dict[str, list[float]] = {}
    known: dict[str, float] = {}
    for step, names in STEPS.items():
        start = [known.get(name, 1.0 if name == names[0] else 0.5) for name in names]

        def quality(weights: np.ndarray, names: list[str] = names) -> float:
            return float(np.mean([cut.ndcg(cut.blend(names, list(weights))).mean() for cut in cuts]))

        found[step] = climb(quality, start).round(3).tolist()
        known = dict(zip(names, found[step], strict=True))
    return found


def climbed(
    protocol: str, train: pd.DataFrame, test: pd.DataFrame, items: pd.DataFrame
) -> tuple[dict[str, np.ndarray], dict[str, Any], Cut]:
    """NDCG@10 of each reader by step and by what is compared with the steps, the settings, and the readers. Chapter *league_table*."""
    exclude, last = PROTOCOLS[protocol], list(STEPS)[-1]
    names = STEPS[last]
    inner = [Cut.of(*split, items, exclude) for split in inner_splits(protocol, train)]
    half_life, floor = recency(inner)
    outer = Cut.of(train, test, items, exclude)
    for cut in (*inner, outer):
        cut.add(members(half_life, floor))
    weights = weights_of_steps(inner)
    best = max(names, key=lambda name: np.mean([cut.ndcg(cut.parts[name]).mean() for cut in inner]))
    values = {"popularity": outer.ndcg(outer.parts["popular"])}
    values |= {step: outer.ndcg(outer.blend(used, weights[step])) for step, used in STEPS.items()}

    final = [cut.blend(names, weights[last]) for cut in (*inner, outer)]
    models = teach([cut.lists(scores) for cut, scores in zip(inner, final, strict=False)], SEEDS)
    lists = outer.lists(final[-1])
    values[RANKED] = outer.ndcg(order_anew(final[-1], lists, models))
    values |= {
        "best member": outer.ndcg(outer.parts[best]),
        "equal weights": outer.ndcg(outer.blend(names, [1.0] * len(names))),
        "one seed": np.mean([outer.ndcg(order_anew(final[-1], lists, [model])) for model in models], axis=0),
    }
    return values, {"half_life": half_life, "floor": floor, "weights": weights, "best member": best}, outer


def ladder_warm() -> dict[str, Any]:
    """The ladder under three protocols. Chapter *league_table*.

    Returns
    -------
    dict
        ``table``: a record for each protocol and step: ``ndcg, low, high``, and the paired ``gain`` with its interval over the step before,
        over popularity and over EASE; ``ensembles``: a record for each protocol and comparison of several with one; ``settings``: what was
        chosen, a list a protocol (one a cut); ``values``: for each protocol the readers and, for each step, their NDCG@10 in
        ten-thousandths.
    """
    interactions, items = load_movielens()
    found: dict[str, Any] = {"table": [], "ensembles": [], "settings": {}, "values": {}}
    for protocol in tqdm(PROTOCOLS, desc="protocols", disable=None, file=sys.stderr):
        climbs = [climbed(protocol, train, test, items) for train, test in splits(protocol, interactions)]
        pooled = of_readers(climbs)
        steps = {step: pooled[step].to_numpy() for step in ("popularity", *STEPS, RANKED)}
        found["table"] += [{"protocol": protocol, "exclude": PROTOCOLS[protocol]} | row for row in judged(steps)]
        found["ensembles"] += [{"protocol": protocol} | row for row in compared(pooled)]
        found["settings"][protocol] = [setting for _, setting, _ in climbs]
        kept = {step: np.round(10_000 * column).astype(int).tolist() for step, column in steps.items()}
        found["values"][protocol] = {"readers": pooled.index.tolist()} | kept
    return found


def of_readers(climbs: list[tuple[dict[str, np.ndarray], dict[str, Any], Cut]]) -> pd.DataFrame:
    """NDCG@10 by reader and step: who is asked at several cuts counts once, with the mean. Chapter *league_table*."""
    return pd.concat([pd.DataFrame(values, index=cut.readers) for values, _, cut in climbs]).groupby(level=0).mean()


def compared(values: Mapping[str, Any] | pd.DataFrame) -> list[dict[str, Any]]:
    """Several against one: methods blended against the best of them, models averaged against one of them. Chapter *league_table*."""
    pairs = {
        "blend with equal weights − best member": ("equal weights", "best member"),
        "blend with sought weights − best member": (list(STEPS)[-1], "best member"),
        "blend with sought weights − with equal weights": (list(STEPS)[-1], "equal weights"),
        f"{SEEDS} rankers − one of them": (RANKED, "one seed"),
    }
    rows = []
    for name, (several, one) in pairs.items():
        difference, low, high = paired_difference(values[several], values[one])
        numbers = {"several": values[several].mean(), "one": values[one].mean(), "difference": difference, "low": low, "high": high}
        rows.append({"comparison": name} | {key: round(float(value), 5) for key, value in numbers.items()})
    return rows


def judged(values: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Means, intervals and paired gains of steps, the first of which is popularity and the second EASE. Chapter *league_table*."""
    names, rows = list(values), []
    for place, name in enumerate(names):
        low, high = bootstrap_interval(values[name])
        row: dict[str, Any] = {"step": name, "n": len(values[name]), "ndcg": float(values[name].mean()), "low": low, "high": high}
        rivals = {"gain": names[max(place - 1, 0)], "over_popularity": names[0], "over_ease": names[1]}
        for column, rival in rivals.items():
            row |= dict(zip((column, f"{column}_low", f"{column}_high"), paired_difference(values[name], values[rival]), strict=True))
        rows.append({key: round(value, 5) if isinstance(value, float) else value for key, value in row.items()})
    return rows
