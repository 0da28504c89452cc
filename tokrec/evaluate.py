"""Evaluation: splits, ranking metrics, intervals over readers, the league table (chapter *recommender*)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tokrec.recommend.base import POSITIVE, Recommender
from tokrec.similarity import best_first
from tokrec.tfidf import check_k


def temporal_split(interactions: pd.DataFrame, test_share: float = 0.2, min_history: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each reader's last interactions are the test, the earlier ones the training. Chapter *recommender*.

    Parameters
    ----------
    interactions : DataFrame
        ``user_id, item_id, rating, timestamp``.
    test_share : float
        Part of each reader's interactions, rounded up, that goes to the test; in (0, 1).
    min_history : int
        Readers with fewer interactions stay wholly in the training part.

    Returns
    -------
    train, test : DataFrame
        Without loss: together they hold every row once.

    Notes
    -----
    The cut is each reader's own, so the training part of one reader may lie later than the test of another: popularity leaks a little from
    the future. :func:`global_split` cuts everybody at one time.
    """
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must lie between 0 and 1, got {test_share}")
    ordered = interactions.sort_values(["user_id", "timestamp"], kind="stable")
    groups = ordered.groupby("user_id")
    size, place = groups["item_id"].transform("size"), groups.cumcount()
    is_test = (size >= min_history) & (place >= size - np.ceil(size * test_share))
    return ordered[~is_test], ordered[is_test]


def global_split(interactions: pd.DataFrame, test_share: float = 0.2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut all readers at one moment: the last `test_share` of all interactions are the test. Chapter *recommender*."""
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must lie between 0 and 1, got {test_share}")
    ordered = interactions.sort_values("timestamp", kind="stable")
    cut = len(ordered) - round(len(ordered) * test_share)
    return ordered.iloc[:cut], ordered.iloc[cut:]


def precision_at_k(ranked: Sequence, relevant: set, k: int) -> float:
    """Part of the first `k` places that hold a relevant item; empty places count as misses. In [0, 1]. Chapter *recommender*."""
    check_k(k)
    return len(set(ranked[:k]) & relevant) / k


def recall_at_k(ranked: Sequence, relevant: set, k: int) -> float:
    """Part of the relevant items that the first `k` places hold; 0 if nothing is relevant. In [0, 1]. Chapter *recommender*."""
    check_k(k)
    return len(set(ranked[:k]) & relevant) / len(relevant) if relevant else 0.0


def f1_at_k(ranked: Sequence, relevant: set, k: int) -> float:
    """Harmonic mean of precision and recall at `k`. In [0, 1]. Chapter *recommender*."""
    precision, recall = precision_at_k(ranked, relevant, k), recall_at_k(ranked, relevant, k)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def mrr_at_k(ranked: Sequence, relevant: set, k: int) -> float:
    """One over the rank of the first relevant item among `k`, 0 if there is none. In [0, 1]. Chapter *recommender*."""
    check_k(k)
    return next((1 / rank for rank, item in enumerate(ranked[:k], 1) if item in relevant), 0.0)


def ndcg_at_k(ranked: Sequence, gains: Mapping | set, k: int) -> float:
    """Discounted gain of the first `k` places over that of the best possible list. In [0, 1]. Chapter *recommender*.

    Parameters
    ----------
    ranked : sequence
        Items, best first, each once.
    gains : mapping of item to gain, or set
        Gains of 0 or more (the shelf's relevance 1 to 3 enters as it is, linearly); a set stands for gains of 1.
    k : int
    """
    check_k(k)
    table = dict.fromkeys(gains, 1.0) if isinstance(gains, (set, frozenset)) else dict(gains)
    discount = 1 / np.log2(np.arange(2, k + 2))
    found = np.array([table.get(item, 0.0) for item in ranked[:k]], dtype=float)
    best = np.sort(np.array(list(table.values()), dtype=float))[::-1][:k]
    ideal = float(best @ discount[: len(best)]) if len(best) else 0.0
    return float(found @ discount[: len(found)]) / ideal if ideal else 0.0


def coverage(ranked_lists: Sequence[Sequence], n_items: int) -> float:
    """Part of the catalogue that appears in at least one list. In [0, 1]. Chapter *recommender*."""
    return len({item for ranked in ranked_lists for item in ranked}) / n_items


def bootstrap_interval(values: ArrayLike, level: float = 0.95, n_resamples: int = 2000, random_state: int = 0) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean, resampling readers (or queries). Chapter *recommender*.

    Parameters
    ----------
    values : array of float, shape (n,)
        One value a reader.
    level : float
        Coverage, in (0, 1).
    n_resamples : int
    random_state : int

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        If there are no values.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"values must be a vector with at least one number, got shape {values.shape}")
    rng = np.random.default_rng(random_state)
    means = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=n_resamples) @ values / len(values)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


METRICS = {"ndcg": ndcg_at_k, "recall": recall_at_k, "precision": precision_at_k, "f1": f1_at_k, "mrr": mrr_at_k}


def rank_unseen(recommender: Recommender, users: Sequence, k: int) -> list[list]:
    """The first `k` unseen items of each reader; fewer where fewer are unseen. Chapter *recommender*."""
    scores = np.array(recommender.score(users), dtype=float)
    scores[recommender.seen_[recommender.users_.get_indexer(pd.Index(list(users)))].toarray() > 0] = -np.inf
    best = best_first(scores, k)
    return [list(recommender.items_.index[order[np.isfinite(row[order])]]) for row, order in zip(scores, best, strict=True)]


def per_user(recommender: Recommender, test: pd.DataFrame, k: int = 10) -> pd.DataFrame:
    """Metrics of each reader who has something to find. Chapter *recommender*.

    Parameters
    ----------
    recommender : Recommender
        Fitted on the training part.
    test : DataFrame
        Interactions held out; ratings of 4 or more are what should be found. Readers unknown to the recommender are left out.
    k : int

    Returns
    -------
    DataFrame
        Indexed by ``user_id``: ``ndcg, recall, precision, f1, mrr`` and ``ranked`` (the list).

    Raises
    ------
    ValueError
        If no known reader has anything to find.
    """
    liked = test[(test["rating"] >= POSITIVE) & test["user_id"].isin(recommender.users_)]
    if liked.empty:
        raise ValueError(f"test holds no rating of {POSITIVE:g} or more by a reader of the training part: there is nothing to find")
    relevant = liked.groupby("user_id")["item_id"].agg(set)
    ranked = rank_unseen(recommender, list(relevant.index), k)
    rows = [{name: metric(items, wanted, k) for name, metric in METRICS.items()} for items, wanted in zip(ranked, relevant, strict=True)]
    return pd.DataFrame(rows, index=relevant.index).assign(ranked=pd.Series(ranked, index=relevant.index))


def league_table(
    recommenders: Mapping[str, Recommender], train: pd.DataFrame, test: pd.DataFrame, items: pd.DataFrame, k: int = 10
) -> pd.DataFrame:
    """Fit and judge several recommenders on one split: a row each. Chapter *recommender*.

    Returns
    -------
    DataFrame
        Indexed by name: ``ndcg`` with ``low`` and ``high`` (95 % bootstrap over readers), ``recall, precision, f1, mrr, coverage``,
        and ``seconds`` for fitting and ranking.
    """
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


def paired_difference(a: ArrayLike, b: ArrayLike, **options: float) -> tuple[float, float, float]:
    """Mean of ``a - b`` over the same readers, with its bootstrap interval: ``(mean, low, high)``. Chapter *recommender*."""
    difference = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    return (float(difference.mean()), *bootstrap_interval(difference, **options))  # type: ignore[arg-type]


def judge_queries(scores: np.ndarray, query_ids: Sequence[str], item_ids: Sequence[str], relevance: pd.DataFrame, k: int = 10) -> pd.Series:
    """NDCG at `k` of each query, from scores ``(n_queries, n_items)`` and the shelf's graded judgements. Chapter *recommender*."""
    names = np.asarray(item_ids)
    gains = {query: dict(zip(group["item_id"], group["relevance"], strict=True)) for query, group in relevance.groupby("query_id")}
    ranked = best_first(scores, k)
    values = [ndcg_at_k(list(names[row]), gains.get(query, {}), k) for query, row in zip(query_ids, ranked, strict=True)]
    return pd.Series(values, index=list(query_ids), name=f"ndcg@{k}")
