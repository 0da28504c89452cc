"""Which order of methods the simulator of readers makes likely: ``python -m tokrec.stored readers_order`` (page *readers*)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from tokrec.datasets.readers import DAY, DAYS, START, Simulation, matches, simulate_readers, topic_matrix
from tokrec.datasets.shelf import load_shelf
from tokrec.evaluate import ndcg_at_k, temporal_split
from tokrec.recommend import ContentRecommender, PopularityRecommender
from tokrec.similarity import best_first

SEEDS = (41, 42, 43, 44, 45)  # used for nothing else
RIDGE = 500.0  # on stars squared; not tuned


def readers_order() -> pd.DataFrame:
    """NDCG@10 of six methods on readers simulated anew: a row per seed, a column per method. Page *readers*."""
    items = load_shelf().items
    return pd.DataFrame([{"seed": seed, **judge(items, simulate_readers(items, random_state=seed), seed)} for seed in SEEDS])


def judge(items: pd.DataFrame, simulation: Simulation, seed: int, k: int = 10) -> dict[str, float]:
    """NDCG of each method: each reader's last fifth is the test, what was rated before is not shown again, 4 stars are a like.

    Page *readers*.

    Parameters
    ----------
    items : DataFrame
    simulation : Simulation
        Readers of these items.
    seed : int
        Of the random ranking.
    k : int

    Returns
    -------
    dict
        Mean over the readers with something to find, by method.
    """
    train, test = temporal_split(simulation.interactions)
    popularity = PopularityRecommender().fit(train, items)
    liked = test[test["rating"] >= popularity.positive_].groupby("user_id")["item_id"].agg(set)
    rows = popularity.users_.get_indexer(liked.index)
    profiles = popularity.seen_[rows]
    scores = {
        "random": np.random.default_rng(seed).random(profiles.shape),
        "popularity": popularity.score_history(profiles),
        "TF-IDF, liked items": ContentRecommender("tfidf").fit(train, items).score_history(profiles),
        "encoder, liked items": ContentRecommender("encoder").fit(train, items).score_history(profiles),
        "EASE, all ratings": ease(popularity.seen_, profiles),
        "true tastes": true_matches(items, simulation.tastes, train, liked.index),
    }
    seen = profiles.toarray() > 0
    return {
        name: float(np.mean([ndcg_at_k(list(items.index[best]), wanted, k) for best, wanted in zip(ranked, liked, strict=True)]))
        for name, ranked in ((name, best_first(np.where(seen, -np.inf, of_name), k)) for name, of_name in scores.items())
    }


def ease(ratings: csr_matrix, profiles: csr_matrix) -> np.ndarray:
    """Steck's linear model of items from items, without an item's own weight. Page *readers*."""
    inverse = np.linalg.inv((ratings.T @ ratings).toarray().astype(float) + RIDGE * np.eye(ratings.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return profiles @ weights


def true_matches(items: pd.DataFrame, tastes: pd.DataFrame, train: pd.DataFrame, users: pd.Index) -> np.ndarray:
    """How well each item fits each reader's true taste at the end of the training part. Page *readers*."""
    topics, of_item = topic_matrix(items)
    start, end = (
        tastes.pivot(index="user_id", columns="topic", values=name).reindex(index=users, columns=topics).fillna(0).to_numpy()
        for name in ("weight_start", "weight_end")
    )
    past = (train.groupby("user_id")["timestamp"].max()[users].to_numpy()[:, None] - START) / (DAYS * DAY)
    return matches((1 - past) * start + past * end, of_item)
