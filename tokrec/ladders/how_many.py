"""From how many ratings on text stops helping: two curves on MovieLens (chapter *collaborative*).

``python -m tokrec.stored collaborative_readers`` and ``collaborative_films`` make them anew.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, diags_array, vstack
from sklearn.base import clone
from tqdm import tqdm

from tokrec.datasets.movielens import load_movielens
from tokrec.evaluate import POSITIVE, cold_folds, ndcg_of_scores, warm_split
from tokrec.ladders.collaborative import beside
from tokrec.recommend import EaseRecommender, KernelRidgeRecommender, PopularityRecommender, Recommender
from tokrec.recommend.base import interaction_matrix, same_time
from tokrec.recommend.blend import standardise
from tokrec.recommend.liked import profiles
from tokrec.recommend.neighbours import nearest

LENGTHS = (1, 2, 4, 8, 16, 32)  # liked films that are known of a reader
COUNTS = (0, 1, 2, 4, 8, 16, 32)  # readers whose like of a film is known
FOLDS = 5
SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)  # of the text beside EASE, both standardised
TEXTS = {"words": KernelRidgeRecommender("tfidf"), "encoder": KernelRidgeRecommender("encoder")}  # they read title and genres
BESIDE = {"popularity": PopularityRecommender(), "EASE": EaseRecommender()}

Judged = dict[str, np.ndarray]


def readers() -> pd.DataFrame:
    """NDCG@10 of readers of whom only 1, 2, 4 … liked films are known. Chapter *collaborative*.

    Whoever liked at least 32 films before the cut of the warm split takes part, in five parts: what is learnt is learnt from all other
    readers, and nothing that the reader rated before the cut is shown, however little of it is known.

    Returns
    -------
    DataFrame
        As :func:`summed`, with ``drawn`` ("last": the last ones before the cut, or "by chance") and ``known``.
    """
    interactions, items = load_movielens()
    train, test = warm_split(interactions)
    users = pd.Index(sorted(train["user_id"].unique()))
    seen, times = (interaction_matrix(train, users, items.index, column) for column in ("rating", "timestamp"))
    wanted = interaction_matrix(test, users, items.index)
    keys = {"last": liked_keys(seen, times.data), "by chance": liked_keys(seen, np.random.default_rng(0).random(seen.nnz))}
    chosen = np.flatnonzero((np.diff(keys["last"].indptr) >= max(LENGTHS)) & (np.diff(wanted.indptr) > 0))
    cases = [(drawn, known) for drawn in keys for known in LENGTHS]
    found: dict[tuple[str, int], list[Judged]] = {case: [] for case in cases}
    for part in tqdm(map(np.asarray, cold_folds(pd.Index(chosen), FOLDS)), desc="readers", disable=None):
        others = np.setdiff1d(np.arange(len(users)), part)
        histories = vstack([cut(keys[drawn][part], known) for drawn, known in cases], format="csr")
        scores = {}
        for name, recommender in (BESIDE | TEXTS).items():
            scores[name] = learnt(recommender, items, users[others], seen[others]).score_history(histories)
        shown, liked = seen[part].toarray() == 0, wanted[part].toarray() > 0
        for number, case in enumerate(cases):
            rows = slice(number * len(part), (number + 1) * len(part))
            found[case].append(spread({name: block[rows] for name, block in scores.items()}, shown, liked, part, len(users)))
    return pd.concat([summed(parts).assign(drawn=drawn, known=known) for (drawn, known), parts in found.items()], ignore_index=True)


def films() -> pd.DataFrame:
    """NDCG@10 of films of which only 0, 1, 2, 4 … likes are known, among themselves. Chapter *collaborative*.

    As for cold films, a fifth of the films at a time is hidden, and only they are ranked; here some likes come back, of films that have so
    many. Readers are drawn into two halves: the likes that come back are those of one half, the readers who are judged are the other. So
    what is looked for is the same for every number.

    Returns
    -------
    DataFrame
        As :func:`summed`, with ``known``.
    """
    interactions, items = load_movielens()
    users = pd.Index(sorted(interactions["user_id"].unique()))
    seen = interaction_matrix(interactions, users, items.index)
    rng = np.random.default_rng(0)
    keys = liked_keys(seen, rng.random(seen.nnz))
    halves = np.array_split(rng.permutation(len(users)), 2)
    found: dict[int, list[Judged]] = {known: [] for known in COUNTS}
    for fold in tqdm(cold_folds(pd.RangeIndex(len(items)), FOLDS), desc="films", disable=None):
        hidden = np.isin(np.arange(len(items)), fold)
        base = only(seen, columns=~hidden)
        texts = {name: learnt(recommender, items, users, base).score_history(base)[:, hidden] for name, recommender in TEXTS.items()}
        for known in COUNTS:
            parts = []
            for judged in halves:
                returned = only(keys, rows=~np.isin(np.arange(len(users)), judged), columns=hidden)
                given = csr_matrix(base + cut(csr_matrix(returned.T), known).T)
                scores = {name: block[judged] for name, block in texts.items()}
                for name, recommender in BESIDE.items():
                    scores[name] = learnt(recommender, items, users, given).score_history(base[judged])[:, hidden]
                wanted = keys[judged][:, fold].toarray() > 0
                parts.append(spread(scores, np.ones_like(wanted), wanted, judged, len(users)))
            found[known].append({name: np.where(np.isnan(parts[0][name]), parts[1][name], parts[0][name]) for name in parts[0]})
    return pd.concat([summed(parts).assign(known=known) for known, parts in found.items()], ignore_index=True)


def liked_keys(seen: csr_matrix, keys: np.ndarray) -> csr_matrix:
    """Numbers above 0 in the places of the liked items: the larger, the sooner an item is kept by :func:`cut`. Chapter *collaborative*."""
    liked = profiles(seen, same_time(seen), POSITIVE).astype(float)
    liked.data[:] = keys[seen.data >= POSITIVE]
    return liked


def cut(keys: csr_matrix, known: int) -> csr_matrix:
    """A history, or the likes of a film, of which only `known` are left, as ratings. Chapter *collaborative*."""
    left = nearest(keys, known)
    left.data[:] = POSITIVE
    return left


def only(matrix: csr_matrix, rows: np.ndarray | None = None, columns: np.ndarray | None = None) -> csr_matrix:
    """The entries in some rows and columns, given as bool masks; all others are gone. Chapter *collaborative*."""
    for side, mask in enumerate((rows, columns)):
        if mask is not None:
            matrix = (diags_array(mask.astype(float)) @ matrix) if side == 0 else (matrix @ diags_array(mask.astype(float)))
    matrix = csr_matrix(matrix)
    matrix.eliminate_zeros()
    return matrix


def learnt(recommender: Recommender, items: pd.DataFrame, users: pd.Index, seen: csr_matrix) -> Recommender:
    """A copy of `recommender`, fitted. Chapter *collaborative*."""
    return clone(recommender)._learn(items, users, seen, same_time(seen), POSITIVE)


def spread(scores: dict[str, np.ndarray], shown: np.ndarray, wanted: np.ndarray, part: np.ndarray, n_users: int) -> Judged:
    """NDCG@10 for every share of each text beside EASE: ``(n_users, shares)``, NaN for whoever is not judged. Chapter *collaborative*."""
    some = wanted.any(axis=1)

    def judge(block: np.ndarray) -> np.ndarray:
        values = np.full(n_users, np.nan)
        values[part[some]] = ndcg_of_scores(np.where(shown, block, -np.inf)[some], wanted[some])
        return values

    ease, found = standardise(scores["EASE"], shown), {"popularity": judge(scores["popularity"])[:, None]}
    for name in TEXTS:
        text = standardise(scores[name], shown)
        found[name] = np.column_stack([judge((1 - share) * ease + share * text) for share in SHARES])
    return found


def summed(parts: list[Judged]) -> pd.DataFrame:
    """Means over readers, each with its interval, and the paired difference from EASE. Chapter *collaborative*.

    The share of the text in ``both`` is, for each part, the one that is best over the other parts.

    Returns
    -------
    DataFrame
        ``method, readers, ndcg, low, high, difference, below, above``; ``least`` and ``most``, the differences of the single parts;
        ``share``, the mean share of the text.
    """
    folds = {"popularity": [part["popularity"][:, 0] for part in parts], "EASE": [part["words"][:, 0] for part in parts]}
    shares = {"popularity": 0.0, "EASE": 0.0}
    for name in TEXTS:
        means = np.array([np.nanmean(part[name], axis=0) for part in parts])
        best = [int(np.argmax(np.delete(means, number, axis=0).mean(axis=0))) for number in range(len(parts))]
        folds |= {f"text, {name}": [part[name][:, -1] for part in parts]}
        folds |= {f"EASE + text, {name}": [part[name][:, place] for part, place in zip(parts, best, strict=True)]}
        shares |= {f"text, {name}": 1.0, f"EASE + text, {name}": float(np.mean([SHARES[place] for place in best]))}
    rows = []
    for method, values in folds.items():
        by_reader, rival = (mean_over_parts(columns) for columns in (values, folds["EASE"]))
        single = [float(np.nanmean(one - other)) for one, other in zip(values, folds["EASE"], strict=True)]
        more = {"least": min(single), "most": max(single), "share": shares[method]}
        rows.append({"method": method} | beside(by_reader, rival) | more)
    return pd.DataFrame(rows).round(4)


def mean_over_parts(columns: list[np.ndarray]) -> np.ndarray:
    """One value for each reader who is judged in at least one part. Chapter *collaborative*."""
    table = np.array(columns)
    return np.nanmean(table[:, ~np.isnan(table).all(axis=0)], axis=0)
