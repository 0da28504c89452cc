"""What could be had at most for new films, what chance brings, and what tags give away (chapter *cold_start*)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from tokrec.datasets.movielens import load_movielens, load_movielens_tags
from tokrec.ladders.hidden_items import Fold, item_folds, judged, summed
from tokrec.recommend import EaseRecommender, KernelRidgeRecommender, PopularityRecommender
from tokrec.recommend.base import interaction_matrix
from tokrec.recommend.new_items import without

GROUPS = 5  # of readers: each is judged by what the others say of the hidden films


def ladder_cold_bounds() -> pd.DataFrame:
    """NDCG@10 of chance and of methods that were told what they should not know: ``bound, mask, ndcg`` and its intervals.

    ``likes of all`` ranks by how many readers liked a hidden film, the judged one among them. ``ratings of others`` is EASE taught by
    four fifths of the readers on all films, and asked by those of the last fifth, whose ratings of the hidden films are unknown to it.
    ``has tags`` puts films with a tag first. Chapter *cold_start*.
    """
    ratings, films = load_movielens()
    folds = list(item_folds(ratings, films))
    items = folds[0].items
    users = pd.Index(np.sort(ratings["user_id"].unique()))
    everything = ratings[ratings["item_id"].isin(items.index)]
    seen = interaction_matrix(everything, users, items.index)
    histories = [without(seen, items.index.isin(fold.hidden)) for fold in folds]
    likes = np.asarray((seen >= 4).sum(axis=0), float).ravel()
    tagged = items.index.isin(load_movielens_tags()["item_id"]).astype(float)
    chance = np.random.default_rng(0).random(seen.shape)
    told = {
        "chance": [chance] * len(folds),
        "has tags": [np.tile(tagged + 1e-3 * chance[0], (len(users), 1))] * len(folds),
        "likes of all": [np.tile(likes, (len(users), 1))] * len(folds),
        "ratings of others": by_others(everything, items, users, histories),
    }
    rows = []
    for name, scores in told.items():
        found = [bound(fold, own, users) for fold, own in zip(folds, scores, strict=True)]
        rows += [{"bound": name, "mask": mask} | summed(np.array([part[mask] for part in found]), "ndcg") for mask in (False, True)]
    return pd.DataFrame(rows).round(5)


def by_others(ratings: pd.DataFrame, items: pd.DataFrame, users: pd.Index, histories: list[csr_matrix]) -> list[np.ndarray]:
    """Scores ``(n_users, n_items)`` for each fold's histories, by EASE that was taught by the readers of the other groups.

    Chapter *cold_start*.
    """
    group = np.random.default_rng(0).permutation(len(users)) % GROUPS
    scores = [np.zeros((len(users), len(items)), np.float32) for _ in histories]
    for number in range(GROUPS):
        asked = np.flatnonzero(group == number)
        taught = EaseRecommender().fit(ratings[~ratings["user_id"].isin(users[asked])], items)
        for own, history in zip(scores, histories, strict=True):
            own[asked] = taught.score_history(history[asked])
    return scores


def bound(fold: Fold, scores: np.ndarray, users: pd.Index) -> dict[bool, pd.Series]:
    """What is found by given scores, a row for each of `users`. Chapter *cold_start*."""
    known = PopularityRecommender().fit(fold.train, fold.items)  # for its readers and their times
    return {mask: found.reindex(users) for mask, found in judged(known, fold, scores[users.get_indexer(known.users_)]).items()}


def ladder_cold_tags() -> pd.DataFrame:
    """Kernel ridge regression by words, with and without tags in the text: ``text, ndcg`` and its intervals. Chapter *cold_start*."""
    ratings, films = load_movielens()
    tags = load_movielens_tags().groupby("item_id")["tag"].agg(" ".join)
    texts = {
        "title, year, genres": films,
        "+ tags": films.assign(text=films["text"] + " " + tags.reindex(films.index).fillna("")),
        "+ whether there is a tag": films.assign(text=films["text"] + np.where(films.index.isin(tags.index), " tagged", "")),
    }
    rows = []
    for name, told in texts.items():
        found = [judged(KernelRidgeRecommender("tfidf").fit(fold.train, fold.items), fold)[False] for fold in item_folds(ratings, told)]
        rows.append({"text": name} | summed(np.array(found), "ndcg"))
    return pd.DataFrame(rows).round(5)
