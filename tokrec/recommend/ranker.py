"""A ranker: boosted trees order the first items of a blend anew, taught by lists from earlier cuts (chapter *league_table*).

Needs LightGBM: ``pip install 'tokrec[rank]'``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.base import clone

from tokrec.checks import check_k
from tokrec.evaluate.splits import rolling_splits, warm_split
from tokrec.recommend.base import Recommender, interaction_matrix
from tokrec.recommend.blend import BlendRecommender, described, from_described
from tokrec.similarity import best_first

DEPTH = 120  # items of the blend that are ordered anew
BLOCK = 4_000_000  # numbers a feature held at once
TREES = {
    "objective": "lambdarank",
    "n_estimators": 120,
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_child_samples": 100,
    "subsample": 0.7,
    "subsample_freq": 1,
    "colsample_bytree": 0.6,
    "lambdarank_truncation_level": 15,
    "reg_lambda": 5.0,
    "n_jobs": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


@dataclass(frozen=True)
class Lists:
    """The first items of a blend for several readers, as a ranker sees them. Chapter *league_table*.

    Attributes
    ----------
    places : ndarray of int, shape (n, depth)
        Positions of the items, the blend's best first.
    features : ndarray of float32, shape (n, depth, n_features)
    wanted : ndarray of bool, shape (n, depth)
        What should be found; all False where that is not known.
    """

    places: np.ndarray
    features: np.ndarray
    wanted: np.ndarray


def first_items(scores: np.ndarray, features: Mapping[str, np.ndarray], wanted: np.ndarray | None = None, depth: int = DEPTH) -> Lists:
    """The lists that a ranker learns from and orders: the blend's own first items, and no others. Chapter *league_table*.

    A liked item that the blend did not bring among them is left out. Forced in, it would differ from all others in that the blend does not
    want it, and the ranker would learn to prefer what the blend does not want.

    Parameters
    ----------
    scores : ndarray of float, shape (n, n_items)
        The blend's; ``-inf`` for what may not be shown.
    features : mapping of str to ndarray
        ``(n, n_items)`` a feature, or ``(n_items,)`` if it is the same for all readers, or ``(n, 1)`` if it is the same for all items. Of
        methods that did not see what should be found.
    wanted : ndarray of bool, shape (n, n_items), optional
    depth : int
    """
    places = best_first(scores, depth)
    rank = np.broadcast_to(np.arange(places.shape[1]), places.shape)
    taken = [np.take_along_axis(np.broadcast_to(column, scores.shape), places, 1) for column in features.values()]
    found = np.zeros(places.shape, bool) if wanted is None else np.take_along_axis(wanted, places, 1)
    return Lists(places, np.stack([*taken, rank], axis=2).astype(np.float32), found)


def teach(lists: Sequence[Lists], seeds: int = 1, **trees: Any) -> list[Any]:
    """Boosted trees that order lists (lambdarank, Burges 2010), one model a seed. Chapter *league_table*.

    Parameters
    ----------
    lists : sequence of Lists
        With what should be found. Lists in which nothing is wanted teach nothing and are left out.
    seeds : int
        Their scores are averaged by :func:`order_anew`.
    **trees
        Settings of ``lightgbm.LGBMRanker`` in place of ``TREES``.

    Raises
    ------
    ModuleNotFoundError
        If LightGBM is not installed.
    ValueError
        If nothing is wanted in any list.
    """
    lightgbm = _lightgbm()
    taught = [(part.features[useful], part.wanted[useful]) for part in lists for useful in [part.wanted.any(axis=1)] if useful.any()]
    if not taught:
        raise ValueError("the ranker has nothing to learn from: among the first items of the blend none is liked later")
    features = np.concatenate([rows.reshape(-1, rows.shape[2]) for rows, _ in taught])
    labels = np.concatenate([rows.ravel() for _, rows in taught]).astype(int)
    sizes = np.concatenate([np.full(len(rows), rows.shape[1]) for rows, _ in taught])
    models = [lightgbm.LGBMRanker(**TREES | trees, random_state=seed) for seed in range(seeds)]
    return [model.fit(features, labels, group=sizes) for model in models]


def order_anew(scores: np.ndarray, lists: Lists, models: Sequence[Any]) -> np.ndarray:
    """Scores ``(n, n_items)``: the first items in the models' order, and all others below them as before. Chapter *league_table*."""
    flat = lists.features.reshape(-1, lists.features.shape[2])
    fresh = np.mean([model.booster_.predict(flat) for model in models], axis=0).reshape(lists.places.shape)
    top = np.max(np.where(np.isfinite(scores), scores, -np.inf), axis=1, keepdims=True)
    ordered = scores.astype(float)
    first = np.take_along_axis(ordered, lists.places, 1)
    moved = top + 1 + fresh - fresh.min(axis=1, keepdims=True)
    np.put_along_axis(ordered, lists.places, np.where(np.isfinite(first), moved, -np.inf), 1)
    return ordered


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("LightGBM is missing: pip install 'tokrec[rank]'") from error
    return lightgbm


class RankRecommender(Recommender):
    """A blend whose first items are ordered by boosted trees. Chapter *league_table*.

    The trees are taught inside the training data: it is cut again, earlier; the blend is fitted on what lies before the earlier cut, and
    its lists are labelled with what was liked after it. Features are the standardised scores of the blend's members (one with weight 0 is
    a feature only), the blend's score and rank, how often and how highly an item was rated, and how much and how highly the reader rates.

    Parameters
    ----------
    blend : BlendRecommender
        Unfitted.
    cut : {"reader", "time"}
        Whether the earlier cuts are each reader's own (``warm_split``) or common to all
        (``rolling_splits``); as in the evaluation.
    cuts : int
        Number of earlier cuts.
    depth : int
        Length of the lists that are ordered anew.
    seeds : int
        Number of models, whose scores are averaged.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.

    Attributes
    ----------
    blend_ : BlendRecommender
        Fitted on all.
    models_ : list of lightgbm.LGBMRanker
    """

    def __init__(
        self,
        blend: BlendRecommender,
        cut: Literal["reader", "time"] = "reader",
        cuts: int = 2,
        depth: int = DEPTH,
        seeds: int = 5,
        positive: float | None = None,
    ) -> None:
        self.blend = blend
        self.cut = cut
        self.cuts = cuts
        self.depth = depth
        self.seeds = seeds
        self.positive = positive

    def _fit(self) -> None:
        for number in (self.cuts, self.depth, self.seeds):
            check_k(number)
        if self.cut not in ("reader", "time"):
            raise ValueError(f"cut must be 'reader' or 'time', not {self.cut!r}")
        self.models_ = teach([lists for before, after in self._earlier_cuts() for lists in self._earlier(before, after)], self.seeds)
        self.blend_: BlendRecommender = clone(self.blend)._learn_beside(self)

    def _earlier_cuts(self) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
        rows, columns = self.seen_.nonzero()
        ids = {"user_id": self.users_[rows], "item_id": self.items_.index[columns]}
        rest = pd.DataFrame(ids | {"rating": self.seen_.data, "timestamp": self.times_.data})
        if self.cut == "time":
            return list(rolling_splits(rest, self.cuts, first=1 - 0.1 * self.cuts, positive=self.positive_))
        found = []
        for _ in range(self.cuts):
            rest, after = warm_split(rest, positive=self.positive_)
            found.append((rest, after))
        return found

    def _earlier(self, before: pd.DataFrame, after: pd.DataFrame) -> Iterator[Lists]:
        seen, times, wanted = (
            interaction_matrix(part, self.users_, self.items_.index, column)
            for part, column in ((before, "rating"), (before, "timestamp"), (after, "rating"))
        )
        blend = clone(self.blend)._learn(self.items_, self.users_, seen, times, self.positive_)
        asked = np.flatnonzero((np.diff(wanted.indptr) > 0) & (np.diff(seen.indptr) > 0))
        block = max(1, BLOCK // len(self.items_))
        for rows in (asked[start : start + block] for start in range(0, len(asked), block)):
            yield self._lists(blend, seen[rows], times[rows], wanted[rows].toarray() > 0)[1]

    def _lists(
        self, blend: BlendRecommender, history: csr_matrix, times: csr_matrix, wanted: np.ndarray | None = None
    ) -> tuple[np.ndarray, Lists]:
        """The blend's scores, and its first items with their features."""
        parts = blend.parts(history, times)
        scores = blend.mix(parts)
        shown = history.toarray() == 0
        features = {f"part {number}": part for number, part in enumerate(parts)} | {"blend": np.where(shown, scores, 0)}
        features |= counted(blend.seen_, blend.positive_) | counted_rows(history)
        return scores, first_items(np.where(shown, scores, -np.inf), features, wanted, self.depth)

    def _score_events(self, history: csr_matrix, times: csr_matrix) -> np.ndarray:
        scores, lists = self._lists(self.blend_, history, times)
        return order_anew(scores, lists, self.models_)

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return self.score_history(history)

    def _stored_parameters(self) -> dict[str, Any]:
        return self.get_params(deep=False) | {"blend": described(self.blend)}

    @classmethod
    def _from_stored(cls, parameters: dict[str, Any]) -> Self:
        return cls(**parameters | {"blend": from_described(parameters["blend"])})


def counted(seen: csr_matrix, positive: float) -> dict[str, np.ndarray]:
    """What counting says of the items: logarithms of the ratings and likes, and the mean rating. Chapter *league_table*."""
    ratings, total = (np.asarray(part.sum(axis=0), dtype=float).ravel() for part in (seen > 0, seen))
    liked = np.asarray((seen >= positive).sum(axis=0), dtype=float).ravel()
    mean = total.sum() / max(ratings.sum(), 1)
    return {"ratings": np.log1p(ratings), "liked": np.log1p(liked), "mean": (total + 5 * mean) / (ratings + 5)}


def counted_rows(history: csr_matrix) -> dict[str, np.ndarray]:
    """What counting says of the readers: logarithm of their ratings, and their mean. Chapter *league_table*."""
    count, total = (np.asarray(part.sum(axis=1), dtype=float) for part in (history > 0, history))
    return {"reader's ratings": np.log1p(count), "reader's mean": total / np.maximum(count, 1)}
