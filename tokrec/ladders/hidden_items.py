"""Items hidden from all training, a fifth at a time, and how readers find what they liked among them (chapter *cold_start*)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from tokrec.evaluate import bootstrap_interval, cold_folds
from tokrec.evaluate.splits import POSITIVE
from tokrec.features.encoder import Encoder
from tokrec.recommend import Recommender
from tokrec.recommend.release import later_last
from tokrec.similarity import best_first


class Remembered(Encoder):
    """An encoder that is asked once for every text. Chapter *cold_start*."""

    def __init__(self, encode: Callable[[list[str]], np.ndarray], texts: list[str]) -> None:
        self.vectors = dict(zip(texts, np.asarray(encode(texts), np.float32), strict=True))

    def __repr__(self) -> str:
        return f"Remembered({len(self.vectors)} texts)"

    def __deepcopy__(self, memo: dict) -> Remembered:
        return self

    def encode(self, texts: list[str], **options: Any) -> np.ndarray:  # type: ignore[override]
        """The remembered vectors. Chapter *cold_start*."""
        return np.stack([self.vectors[text] for text in texts])


@dataclass(frozen=True)
class Fold:
    """A fifth of the items is hidden: nobody's ratings of them are known. Chapter *cold_start*.

    Attributes
    ----------
    train, test : DataFrame
    items : DataFrame
        All of them, the hidden ones by their text alone.
    hidden : Index
    """

    train: pd.DataFrame
    test: pd.DataFrame
    items: pd.DataFrame
    hidden: pd.Index


def item_folds(interactions: pd.DataFrame, items: pd.DataFrame) -> Iterator[Fold]:
    """The five folds of those items that somebody liked. Chapter *cold_start*."""
    items = items[items.index.isin(interactions.loc[interactions["rating"] >= POSITIVE, "item_id"])]
    interactions = interactions[interactions["item_id"].isin(items.index)]
    for hidden in cold_folds(items.index):
        cold = interactions["item_id"].isin(hidden)
        yield Fold(interactions[~cold], interactions[cold & (interactions["rating"] >= POSITIVE)], items, hidden)


def ndcg_rows(scores: np.ndarray, wanted: np.ndarray, k: int = 10) -> np.ndarray:
    """NDCG at `k` of every row, NaN where nothing is wanted: as :func:`tokrec.evaluate.ndcg_at_k`, at once. Chapter *cold_start*.

    Parameters
    ----------
    scores : ndarray of float, shape (n, n_items)
    wanted : ndarray of bool, shape (n, n_items)
    """
    discount = 1 / np.log2(np.arange(2, k + 2))
    found = np.take_along_axis(wanted, best_first(scores, k), axis=1) @ discount[: scores.shape[1]]
    best = np.concatenate([[np.nan], np.cumsum(discount)])[np.minimum(wanted.sum(axis=1), k)]
    return found / best


def judged(recommender: Recommender, fold: Fold, scores: np.ndarray | None = None) -> dict[bool, pd.Series]:
    """NDCG@10 of each reader on the hidden items: as they are ranked, and with films from after the last rating put last.

    Chapter *cold_start*.

    Parameters
    ----------
    recommender : Recommender
        Fitted on the fold's training part.
    fold : Fold
    scores : ndarray, optional
        Of all items for the recommender's readers, in place of its own.
    """
    users = recommender.users_
    scores = recommender.score(list(users)) if scores is None else scores
    scores = scores[:, fold.items.index.get_indexer(fold.hidden)]
    test = fold.test[fold.test["user_id"].isin(users)]
    wanted = np.zeros(scores.shape, bool)
    wanted[users.get_indexer(pd.Index(test["user_id"])), fold.hidden.get_indexer(pd.Index(test["item_id"]))] = True
    last = later_last(scores, fold.items.loc[fold.hidden], recommender.times_)
    return {mask: pd.Series(ndcg_rows(used, wanted), users) for mask, used in ((False, scores), (True, last))}


def over_folds(means: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of a few fold means, by Student's t: how far other items would move it. Chapter *cold_start*."""
    half = t.ppf(0.975, len(means) - 1) * np.std(means, ddof=1) / np.sqrt(len(means))
    return float(np.mean(means) - half), float(np.mean(means) + half)


def summed(values: np.ndarray, name: str) -> dict[str, float]:
    """Mean of ``(folds, readers)`` with two intervals: over readers, and over the folds of items. Chapter *cold_start*.

    Returns
    -------
    dict
        ``name`` (the mean over readers of their means over folds), ``name_low, name_high`` (95 % bootstrap over readers), and
        ``name_fold_low, name_fold_high`` (:func:`over_folds` of the folds' means over readers).
    """
    values = values[:, ~np.isnan(values).all(axis=0)]
    readers = np.nanmean(values, axis=0)
    ends = (*bootstrap_interval(readers), *over_folds(np.nanmean(values, axis=1)))
    return {name: float(readers.mean())} | {f"{name}_{end}": value for end, value in zip(ENDS, ends, strict=True)}


ENDS = ("low", "high", "fold_low", "fold_high")
