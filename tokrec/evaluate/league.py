"""The league table: recommenders, handed in, judged on one split (chapter *recommender*)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError

from tokrec.checks import check_columns, check_k, check_list, id_index
from tokrec.evaluate.intervals import BLOCK, bootstrap_interval
from tokrec.evaluate.metrics import METRICS, coverage
from tokrec.similarity import best_first

Exclude = Literal["rated", "liked"]


class Ranker(Protocol):
    """What is asked of a recommender here; the estimators of ``tokrec.recommend`` offer it. Chapter *recommender*."""

    items_: pd.DataFrame
    users_: pd.Index
    seen_: csr_matrix
    positive_: float

    def fit(self, interactions: pd.DataFrame | None, items: pd.DataFrame) -> Self:
        """Learn from the training part."""

    def score(self, users: Sequence) -> np.ndarray:
        """Scores ``(n_users, n_items)``, larger is better."""


def rank_unseen(recommender: Ranker, users: Sequence, k: int, exclude: Exclude = "rated", candidates: pd.Index | None = None) -> list[list]:
    """The first `k` items of each reader, fewer where fewer can be shown; a block of readers at a time. Chapter *recommender*.

    Parameters
    ----------
    recommender : Ranker
    users : sequence of user_id
    k : int
    exclude : {"rated", "liked"}
        What is never shown: all that the reader has rated in the training part, or only what was liked.
    candidates : Index, optional
        Items that may be shown; by default all.
    """
    check_k(k)
    if exclude not in ("rated", "liked"):
        raise ValueError(f"exclude must be 'rated' or 'liked', not {exclude!r}")
    users, allowed = check_list(users, "users"), _allowed(recommender.items_.index, candidates)
    block, least = max(1, BLOCK // len(recommender.items_)), 0.0 if exclude == "rated" else recommender.positive_
    starts = range(0, len(users), block)
    return [ranked for start in starts for ranked in _rank_block(recommender, users[start : start + block], k, least, allowed)]


def _allowed(items: pd.Index, candidates: pd.Index | None) -> np.ndarray:
    if candidates is None:
        return np.ones(len(items), bool)
    unknown = ~candidates.isin(items)
    if unknown.any() or not len(candidates):
        raise ValueError(f"candidates must be items of the recommender, at least one, and {candidates[unknown].tolist()[:1]} is none")
    return items.isin(candidates)


def _rank_block(recommender: Ranker, users: list, k: int, least: float, allowed: np.ndarray) -> list[list]:
    scores = np.array(recommender.score(users), dtype=float)
    scores[:, ~allowed] = -np.inf
    seen = recommender.seen_[recommender.users_.get_indexer(id_index(users))].tocoo()
    gone = (seen.data > 0) & (seen.data >= least)
    scores[seen.row[gone], seen.col[gone]] = -np.inf
    best = best_first(scores, k)
    return [list(recommender.items_.index[order[np.isfinite(row[order])]]) for row, order in zip(scores, best, strict=True)]


def per_user(
    recommender: Ranker, test: pd.DataFrame, k: int = 10, exclude: Exclude = "rated", candidates: pd.Index | None = None
) -> pd.DataFrame:
    """Metrics of each reader who has something to find. Chapter *recommender*.

    Parameters
    ----------
    recommender : Ranker
        Fitted on the training part.
    test : DataFrame
        Interactions held out; what should be found are those that count as liked, as in the recommender's training part. Readers unknown
        to the recommender are left out.
    k : int
    exclude : {"rated", "liked"}
        What is never shown: all that the reader has rated in the training part, or only what was liked.
    candidates : Index, optional
        Items that may be shown, for instance those hidden from the training; by default all. Others are not looked for.

    Returns
    -------
    DataFrame
        Indexed by ``user_id``: ``ndcg, recall, precision, f1, mrr`` and ``ranked`` (the list).

    Raises
    ------
    ValueError
        If no known reader has anything to find.
    """
    if not hasattr(recommender, "positive_"):
        raise NotFittedError(f"this {type(recommender).__name__} is not fitted: call fit(train, items) first")
    test = check_columns(test, ("user_id", "item_id", "rating"), "test")
    for column, known in (("user_id", recommender.users_), ("item_id", recommender.items_.index)):
        if len(test) and not test[column].isin(known).any():
            kinds = f"{type(test[column].tolist()[0]).__name__} here and {type(known.tolist()[0]).__name__ if len(known) else 'none'} there"
            raise ValueError(f"test holds no known {column}: ids are {kinds}, is that one type?")
    liked = test[(test["rating"].astype("float32") >= recommender.positive_) & test["user_id"].isin(recommender.users_)]
    liked = liked if candidates is None else liked[liked["item_id"].isin(candidates)]
    if liked.empty:
        raise ValueError(
            f"test holds no rating of {recommender.positive_:g} or more by a reader of the training part: there is nothing to find"
        )
    relevant = liked.groupby("user_id", observed=True)["item_id"].agg(set)
    ranked = rank_unseen(recommender, list(relevant.index), k, exclude, candidates)
    rows = [{name: metric(items, wanted, k) for name, metric in METRICS.items()} for items, wanted in zip(ranked, relevant, strict=True)]
    return pd.DataFrame(rows, index=relevant.index).assign(ranked=pd.Series(ranked, index=relevant.index))


def league_table(
    recommenders: Mapping[str, Ranker], train: pd.DataFrame, test: pd.DataFrame, items: pd.DataFrame, k: int = 10
) -> pd.DataFrame:
    """Fit and judge several recommenders on one split: a row each. Chapter *recommender*.

    Returns
    -------
    DataFrame
        Indexed by name: ``ndcg`` with ``low`` and ``high`` (95 % bootstrap over readers), ``recall, precision, f1, mrr, coverage``,
        and ``seconds`` for fitting and ranking.
    """
    if not isinstance(recommenders, Mapping) or not recommenders:
        raise TypeError(f"recommenders must be a dict of name to recommender, with at least one, got {recommenders!r}")
    rows = {}
    for name, recommender in recommenders.items():
        started = time.perf_counter()
        users = per_user(recommender.fit(train, items), test, k)
        low, high = bootstrap_interval(users["ndcg"])
        means = users[list(METRICS)].mean()
        extra = {
            "low": low,
            "high": high,
            "coverage": coverage(list(users["ranked"]), len(items)),
            "seconds": time.perf_counter() - started,
        }
        rows[name] = means.to_dict() | extra
    order = ["ndcg", "low", "high", "recall", "precision", "f1", "mrr", "coverage", "seconds"]
    return pd.DataFrame.from_dict(rows, orient="index")[order]
