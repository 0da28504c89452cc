"""Evaluation: splits, metrics of rankings, intervals, the league table (chapter *recommender*)."""

from tokrec.evaluate.intervals import bootstrap_interval, paired_difference
from tokrec.evaluate.league import Ranker, league_table, per_user, rank_unseen
from tokrec.evaluate.metrics import (
    METRICS,
    coverage,
    f1_at_k,
    judge_queries,
    mrr_at_k,
    ndcg_at_k,
    ndcg_of_scores,
    precision_at_k,
    recall_at_k,
)
from tokrec.evaluate.splits import POSITIVE, cold_folds, global_split, liked_from, rolling_splits, temporal_split, warm_split

__all__ = [
    "METRICS",
    "POSITIVE",
    "Ranker",
    "bootstrap_interval",
    "cold_folds",
    "coverage",
    "f1_at_k",
    "global_split",
    "judge_queries",
    "league_table",
    "liked_from",
    "mrr_at_k",
    "ndcg_at_k",
    "ndcg_of_scores",
    "paired_difference",
    "per_user",
    "precision_at_k",
    "rank_unseen",
    "recall_at_k",
    "rolling_splits",
    "temporal_split",
    "warm_split",
]
