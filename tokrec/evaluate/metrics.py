"""Metrics of rankings (chapter *recommender*)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from tokrec.checks import check_k, check_list, check_ranked, check_relevant
from tokrec.similarity import best_first


def precision_at_k(ranked: Sequence, relevant: Collection, k: int) -> float:
    """Part of the first `k` places that hold a relevant item; empty places count as misses. In [0, 1]. Chapter *recommender*."""
    check_k(k)
    return len({*check_ranked(ranked)[:k]} & check_relevant(relevant)) / k


def recall_at_k(ranked: Sequence, relevant: Collection, k: int) -> float:
    """Part of the relevant items that the first `k` places hold; 0 if nothing is relevant. In [0, 1]. Chapter *recommender*."""
    check_k(k)
    wanted = check_relevant(relevant)
    return len({*check_ranked(ranked)[:k]} & wanted) / len(wanted) if wanted else 0.0


def f1_at_k(ranked: Sequence, relevant: Collection, k: int) -> float:
    """Harmonic mean of precision and recall at `k`. In [0, 1]. Chapter *recommender*."""
    ranked, relevant = check_ranked(ranked), check_relevant(relevant)
    precision, recall = precision_at_k(ranked, relevant, k), recall_at_k(ranked, relevant, k)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def mrr_at_k(ranked: Sequence, relevant: Collection, k: int) -> float:
    """One over the rank of the first relevant item among `k`, 0 if there is none. In [0, 1]. Chapter *recommender*."""
    check_k(k)
    wanted = check_relevant(relevant)
    return next((1 / rank for rank, item in enumerate(check_ranked(ranked)[:k], 1) if item in wanted), 0.0)


def ndcg_at_k(ranked: Sequence, gains: Mapping | Collection, k: int) -> float:
    """Discounted gain of the first `k` places over that of the best possible list. In [0, 1]. Chapter *recommender*.

    Parameters
    ----------
    ranked : sequence
        Items, best first, each once.
    gains : mapping of item to gain, or set
        Gains of 0 or more (the shelf's relevance 1 to 3 enters as it is, linearly), also as a Series indexed by item; a set stands for
        gains of 1.
    k : int

    Raises
    ------
    ValueError
        If an item is ranked twice, or a gain is negative or not a number.
    """
    check_k(k)
    ranked = check_ranked(ranked)
    gains = gains.to_dict() if isinstance(gains, pd.Series) else gains
    table = dict(gains) if isinstance(gains, Mapping) else dict.fromkeys(check_relevant(gains), 1.0)
    wrong = next((item for item, gain in table.items() if not gain >= 0), None)
    if wrong is not None:
        raise ValueError(f"gains must be numbers of 0 or more, got {table[wrong]!r} for {wrong!r}")
    discount = 1 / np.log2(np.arange(2, k + 2))
    found = np.array([table.get(item, 0.0) for item in ranked[:k]], dtype=float)
    best = np.sort(np.array(list(table.values()), dtype=float))[::-1][:k]
    ideal = float(best @ discount[: len(best)]) if len(best) else 0.0
    return float(found @ discount[: len(found)]) / ideal if ideal else 0.0


def ndcg_of_scores(scores: np.ndarray, wanted: np.ndarray, k: int = 10) -> np.ndarray:
    """NDCG at `k` of many readers at once, as :func:`ndcg_at_k` computes it for one, ties in column order. Chapter *league_table*.

    Parameters
    ----------
    scores : ndarray of float, shape (n, n_items)
        Larger is better; what may not be shown has ``-inf``.
    wanted : ndarray of bool, shape (n, n_items)
    k : int

    Returns
    -------
    ndarray of float, shape (n,)
        0 where nothing is wanted.
    """
    check_k(k)
    discount = 1 / np.log2(np.arange(2, min(k, scores.shape[1]) + 2))
    best = best_first(scores, k)
    hits = np.take_along_axis(wanted, best, 1) & np.isfinite(np.take_along_axis(scores, best, 1))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(wanted.sum(axis=1), len(discount))]
    return np.divide(hits @ discount, ideal, out=np.zeros(len(scores)), where=ideal > 0)


def coverage(ranked_lists: Sequence[Sequence], n_items: int) -> float:
    """Part of the catalogue that appears in at least one list. In [0, 1]. Chapter *recommender*."""
    found = {item for ranked in check_list(ranked_lists, "ranked_lists") for item in check_list(ranked, "each list")}
    if n_items < max(1, len(found)):
        raise ValueError(f"n_items must be the size of the catalogue, at least the {len(found)} items that the lists hold, got {n_items}")
    return len(found) / n_items


def judge_queries(scores: np.ndarray, query_ids: Sequence[str], item_ids: Sequence[str], relevance: pd.DataFrame, k: int = 10) -> pd.Series:
    """NDCG at `k` of each query, from scores ``(n_queries, n_items)`` and the shelf's graded judgements. Chapter *recommender*."""
    names, queries = check_list(item_ids, "item_ids"), check_list(query_ids, "query_ids")
    if scores.shape != (len(queries), len(names)):
        raise ValueError(f"scores has the shape {scores.shape}, for {len(queries)} queries and {len(names)} items")
    gains = {query: dict(zip(group["item_id"], group["relevance"], strict=True)) for query, group in relevance.groupby("query_id")}
    unknown = [query for query in queries if query not in gains]
    if unknown and len(unknown) == len(queries):
        raise ValueError(f"none of the queries is judged in relevance, for example {unknown[0]!r}: are the ids of one type?")
    known = set(names)
    if gains and not any(item in known for items in gains.values() for item in items):
        raise ValueError("none of the items is judged in relevance: are the ids of one type?")
    ranked = best_first(scores, k)
    values = [ndcg_at_k([names[column] for column in row], gains.get(query, {}), k) for query, row in zip(queries, ranked, strict=True)]
    return pd.Series(values, index=list(query_ids), name=f"ndcg@{k}")


METRICS = {"ndcg": ndcg_at_k, "recall": recall_at_k, "precision": precision_at_k, "f1": f1_at_k, "mrr": mrr_at_k}
