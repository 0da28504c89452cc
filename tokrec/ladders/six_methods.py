"""Six methods on MovieLens, all readers at once: what the chapter *evaluation* judges again and again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from tokrec.datasets.movielens import load_movielens
from tokrec.evaluate import ndcg_of_scores
from tokrec.evaluate.splits import POSITIVE
from tokrec.recommend import ContentRecommender, EaseRecommender, NeighbourRecommender, PopularityRecommender, Recommender
from tokrec.recommend.base import interaction_matrix

NAMES = ("random", "popularity", "TF-IDF", "encoder", "neighbours", "EASE")
LEARNING = {"popularity": PopularityRecommender, "neighbours": NeighbourRecommender, "EASE": EaseRecommender}


@dataclass(frozen=True)
class Split:
    """A training part and what is to be found.

    Attributes
    ----------
    train, test : DataFrame
    users : Index
        Readers of the training part.
    seen : csr_matrix, shape (n_users, n_items)
        Ratings of the training part.
    wanted : ndarray of bool, shape (n_users, n_items)
    """

    train: pd.DataFrame
    test: pd.DataFrame
    users: pd.Index
    seen: csr_matrix
    wanted: np.ndarray


class RandomRecommender(Recommender):
    """Ranks by chance: what every number is to be compared with. Chapter *evaluation*."""

    def _fit(self) -> None:
        self.rng_ = np.random.default_rng(0)

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return self.rng_.random(history.shape)


@cache
def data() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ratings and films. Chapter *evaluation*."""
    return load_movielens()


def as_split(train: pd.DataFrame, test: pd.DataFrame) -> Split:
    """Both parts as matrices. Chapter *evaluation*."""
    users, films = pd.Index(np.sort(train["user_id"].unique()), name="user_id"), data()[1].index
    wanted = interaction_matrix(test[test["user_id"].isin(users)], users, films).toarray() >= POSITIVE
    return Split(train, test, users, interaction_matrix(train, users, films), wanted)


@cache
def text_profiles(name: str) -> ContentRecommender:
    """They learn from no rating but the reader's own, so that one serves all splits. Chapter *evaluation*."""
    return ContentRecommender("tfidf" if name == "TF-IDF" else "encoder").fit(None, data()[1])


def scores(name: str, split: Split) -> np.ndarray:
    """Scores of all films for all readers: float32 ``(n_users, n_items)``. Chapter *evaluation*."""
    if name in ("TF-IDF", "encoder"):
        return text_profiles(name).score_history(split.seen).astype(np.float32)
    recommender = RandomRecommender() if name == "random" else LEARNING[name]()
    return recommender.fit(split.train, data()[1]).score(list(split.users)).astype(np.float32)


def shown(scored: np.ndarray, split: Split, allowed: np.ndarray | None = None, least: float = 0.5) -> np.ndarray:
    """Scores with ``-inf`` for what may not be shown. Chapter *evaluation*.

    Parameters
    ----------
    scored : ndarray, shape (n_users, n_items)
    split : Split
    allowed : ndarray of bool, optional
        What may be shown, ``(n_users, n_items)`` or ``(n_items,)``; by default all.
    least : float
        From which rating on films of the training part are left out: 0.5 is all of them.
    """
    part = scored.astype(float)
    rows, columns = (split.seen >= least).nonzero()
    part[rows, columns] = -np.inf
    if allowed is not None:
        part[~np.broadcast_to(allowed, part.shape)] = -np.inf
    return part


def ndcg(scored: np.ndarray, split: Split, allowed: np.ndarray | None = None, least: float = 0.5) -> pd.Series:
    """NDCG@10 of each reader who has something to find; arguments of :func:`shown`. Chapter *evaluation*."""
    judged = np.asarray(split.wanted.any(axis=1))
    return pd.Series(ndcg_of_scores(shown(scored, split, allowed, least), split.wanted)[judged], split.users[judged])
