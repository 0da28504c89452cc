"""Evaluation: splits, metrics of rankings, intervals, the league table (chapters *recommender* and *evaluation*)."""

from tokrec.evaluate.beyond import beyond_accuracy, diversity, miscalibration, new_hits, novelty
from tokrec.evaluate.intervals import against_best, bootstrap_interval, paired_difference, two_level_interval
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
from tokrec.evaluate.splits import POSITIVE, cold_folds, global_split, liked_from, random_split, rolling_splits, temporal_split, warm_split

__all__ = [
    "METRICS",
    "POSITIVE",
    "Ranker",
    "against_best",
    "beyond_accuracy",
    "bootstrap_interval",
    "cold_folds",
    "coverage",
    "diversity",
    "f1_at_k",
    "global_split",
    "judge_queries",
    "league_table",
    "liked_from",
    "miscalibration",
    "mrr_at_k",
    "ndcg_at_k",
    "ndcg_of_scores",
    "new_hits",
    "novelty",
    "paired_difference",
    "per_user",
    "precision_at_k",
    "random_split",
    "rank_unseen",
    "recall_at_k",
    "rolling_splits",
    "temporal_split",
    "two_level_interval",
    "warm_split",
]
