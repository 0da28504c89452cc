"""Several methods together on items that nobody has rated, and a ranker taught on items hidden for the purpose (chapter *cold_start*)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.base import clone

from tokrec.checks import check_k
from tokrec.evaluate.splits import cold_folds
from tokrec.recommend.audience import title_shapes, title_years
from tokrec.recommend.base import Recommender, kind_named
from tokrec.recommend.blend import BlendRecommender, standardise
from tokrec.recommend.ranker import DEPTH, Lists, counted_rows, first_items, order_anew, teach


class NewItemBlend(BlendRecommender):
    """A weighted sum of recommenders, each standardised over the items that nobody has rated. Chapter *cold_start*.

    Methods give items that they learnt from scores of another kind, which would set mean and spread. Where every item has been rated it is
    :class:`tokrec.recommend.blend.BlendRecommender`. Parameters and attributes are the same.
    """

    def parts(self, history: csr_matrix, times: csr_matrix) -> list[np.ndarray]:
        """Standardised scores ``(n, n_items)`` of each member, as float32, in the members' order."""
        new = unrated(self.seen_)
        if not new.any():
            return super().parts(history, times)
        shown = np.broadcast_to(new, history.shape)
        return [standardise(member._score_events(history, times), shown) for member in self.members_]


class NewItemRanker(Recommender):
    """A blend whose first new items are ordered by boosted trees. Chapter *cold_start*.

    The trees are taught inside the training data: the rated items are hidden a part at a time, the blend is fitted on the others, and its
    lists of the hidden ones are labelled with who liked them. Features are the members' standardised scores (one with weight 0 is a feature
    only), the blend's score and rank, the title's year and shape, how much and how highly the reader rates, and how far the item's year
    lies from those of the items that the reader liked. Needs LightGBM: ``pip install 'tokrec[rank]'``.

    Parameters
    ----------
    blend : NewItemBlend
        Unfitted.
    folds : int
        In how many parts the rated items are hidden, at least 2.
    depth : int
        Length of the lists that are ordered anew.
    seeds : int
        Number of models, whose scores are averaged.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.

    Attributes
    ----------
    blend_ : NewItemBlend
        Fitted on all.
    models_ : list of lightgbm.LGBMRanker
    """

    def __init__(self, blend: NewItemBlend, folds: int = 4, depth: int = DEPTH, seeds: int = 3, positive: float | None = None) -> None:
        self.blend = blend
        self.folds = folds
        self.depth = depth
        self.seeds = seeds
        self.positive = positive

    def _fit(self) -> None:
        for number in (self.folds, self.depth, self.seeds):
            check_k(number)
        if self.folds < 2:
            raise ValueError("folds must be at least 2: the trees learn from items that the blend has not seen")
        self.models_ = teach(list(self._hidden_lists()), self.seeds)
        self.blend_: NewItemBlend = clone(self.blend)._learn_beside(self)

    def _hidden_lists(self) -> Iterator[Lists]:
        known = pd.Index(np.flatnonzero(~unrated(self.seen_)))
        for part in cold_folds(known, self.folds):
            hidden = np.isin(np.arange(len(self.items_)), part)
            seen, times = (without(matrix, hidden) for matrix in (self.seen_, self.times_))
            blend = clone(self.blend)._learn(self.items_, self.users_, seen, times, self.positive_)
            wanted = (self.seen_.toarray() >= self.positive_) & hidden
            asked = wanted.any(axis=1) & (np.diff(seen.indptr) > 0)
            yield self._lists(blend, seen[asked], times[asked], hidden, wanted[asked])[1]

    def _lists(
        self, blend: NewItemBlend, history: csr_matrix, times: csr_matrix, shown: np.ndarray, wanted: np.ndarray | None = None
    ) -> tuple[np.ndarray, Lists]:
        """The blend's scores, and its first items with their features."""
        parts = blend.parts(history, times)
        scores = blend.mix(parts)
        features = {f"part {number}": part for number, part in enumerate(parts)} | {"blend": scores}
        features |= {f"shape {number}": shape for number, shape in enumerate(title_shapes(self.items_).T)} | counted_rows(history)
        features |= year_distances(history >= blend.positive_, title_years(self.items_))
        return scores, first_items(np.where(shown, scores, -np.inf), features, wanted, self.depth)

    def _score_events(self, history: csr_matrix, times: csr_matrix) -> np.ndarray:
        new = unrated(self.seen_)
        scores, lists = self._lists(self.blend_, history, times, new if new.any() else ~new)
        return order_anew(scores, lists, self.models_)

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return self.score_history(history)

    def _stored_parameters(self) -> dict[str, Any]:
        blend = {"kind": type(self.blend).__name__, "parameters": self.blend._stored_parameters()}
        return self.get_params(deep=False) | {"blend": blend}

    @classmethod
    def _from_stored(cls, parameters: dict[str, Any]) -> Self:
        blend = parameters["blend"]
        return cls(**parameters | {"blend": kind_named(blend["kind"])._from_stored(blend["parameters"])})


def unrated(seen: csr_matrix) -> np.ndarray:
    """Which items nobody has rated: bool ``(n_items,)``. Chapter *cold_start*."""
    return np.bincount(seen.indices, minlength=seen.shape[1]) == 0


def without(matrix: csr_matrix, hidden: np.ndarray) -> csr_matrix:
    """A matrix without the entries of the hidden columns, zeros that are stored included. Chapter *cold_start*."""
    kept = ~hidden[matrix.indices]
    ends = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return csr_matrix((matrix.data[kept], matrix.indices[kept], ends), shape=matrix.shape)


def year_distances(liked: csr_matrix, years: np.ndarray) -> dict[str, np.ndarray]:
    """How far each item's year lies from the mean year of what a reader liked, ``(n, n_items)``, and that mean. Chapter *cold_start*."""
    dated = np.where(np.isnan(years), 0, 1.0)
    count = (liked @ dated)[:, None]
    mean = np.divide((liked @ np.nan_to_num(years))[:, None], count, out=np.full(count.shape, np.nan), where=count > 0)
    return {"mean year": mean, "years away": years[None, :] - mean}
