"""Statistics of interactions and of texts, and those of real data to compare the shelf with (page *shelf_statistics*)."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
TIMES = (0.1, 0.2, 0.5, 1, 2, 3, 5, 8, 12)


def gini(counts: Sequence[float] | np.ndarray) -> float:
    """Gini coefficient of counts: 0 when all are equal, near 1 when one has everything. Page *shelf_statistics*."""
    ordered = np.sort(np.asarray(counts, dtype=float))
    if not len(ordered) or ordered[0] < 0 or not ordered.any():
        raise ValueError("counts must be numbers, none negative and not all zero")
    n = len(ordered)
    return float(2 * (np.arange(1, n + 1) @ ordered) / (n * ordered.sum()) - (n + 1) / n)


def lorenz(counts: Sequence[float] | np.ndarray, points: int = 21) -> np.ndarray:
    """Share of the total that the most counted 0 %, 5 %, … 100 % hold together, largest first. Page *shelf_statistics*."""
    ordered = -np.sort(-np.asarray(counts, dtype=float))
    cumulated = np.concatenate([[0], np.cumsum(ordered)]) / ordered.sum()
    return np.interp(np.linspace(0, len(ordered), points), np.arange(len(ordered) + 1), cumulated)


def interaction_statistics(interactions: pd.DataFrame, n_items: int) -> dict[str, Any]:
    """What is usually told of a table of ratings. Page *shelf_statistics*.

    Parameters
    ----------
    interactions : DataFrame
        ``user_id, item_id, rating``, the ratings in half stars from 0.5 to 5.
    n_items : int
        Size of the catalogue, items without an interaction included.

    Returns
    -------
    dict
        Numbers of readers, items and interactions; density; Gini of items and of readers; mean rating, its standard deviation and
        ``histogram`` (share of each half star); median and mean ratings a reader; shares of the top tenth of items and of readers;
        share of items without any; ``tail`` (share of readers with at least 1, 2, 5, … interactions) and ``relative_tail`` (with at least
        0.1, 0.2, 0.5, … times the mean); ``lorenz`` of the items.
    """
    of_reader = interactions["user_id"].value_counts().to_numpy()
    known = interactions["item_id"].value_counts().to_numpy()
    of_item = np.concatenate([known, np.zeros(n_items - len(known), dtype=int)])
    stars = interactions["rating"]
    histogram = stars.value_counts(normalize=True).reindex(np.arange(0.5, 5.01, 0.5), fill_value=0.0)
    numbers = {
        "density": len(interactions) / (len(of_reader) * n_items),
        "gini_items": gini(of_item),
        "gini_readers": gini(of_reader),
        "mean_rating": stars.mean(),
        "std_rating": stars.std(),
        "median_per_reader": np.median(of_reader),
        "mean_per_reader": of_reader.mean(),
        "top_tenth_items": lorenz(of_item)[2],
        "top_tenth_readers": lorenz(of_reader)[2],
        "items_without": 1 - len(known) / n_items,
    }
    return {
        "readers": len(of_reader),
        "items": n_items,
        "interactions": len(interactions),
        **{name: round(float(value), 6) for name, value in numbers.items()},
        "histogram": {f"{star:.1f}": round(float(share), 6) for star, share in histogram.items()},
        "tail": {str(step): round(float((of_reader >= step).mean()), 6) for step in STEPS},
        "relative_tail": {str(times): round(float((of_reader >= times * of_reader.mean()).mean()), 6) for times in TIMES},
        "lorenz": [round(float(share), 6) for share in lorenz(of_item)],
    }


def moving_ttr(words: Sequence[str], window: int = 1000) -> float:
    """Vocabulary richness: the mean share of different words in `window` successive ones. Page *shelf_statistics*.

    A plain type–token ratio falls as a text grows; a moving window of fixed length lets texts of different length be compared.
    """
    if not 1 <= window <= len(words):
        raise ValueError(f"window must be from 1 to the number of words, {len(words)}, got {window}")
    inside: deque[str] = deque()
    counts: Counter[str] = Counter()
    distinct = []
    for word in words:
        inside.append(word)
        counts[word] += 1
        if len(inside) > window:
            first = inside.popleft()
            counts[first] -= 1
            if not counts[first]:
                del counts[first]
        if len(inside) == window:
            distinct.append(len(counts))
    return float(np.mean(distinct) / window)


def largest_overlap(texts: Sequence[str], unit: str, n: int) -> tuple[float, int, int]:
    """The two texts most alike by their n-grams. Page *shelf_statistics*.

    Parameters
    ----------
    texts : sequence of str
        At least two.
    unit : {"char", "word"}
    n : int

    Returns
    -------
    share, first, second
        The share of the shorter text's different n-grams that the other has too, and both positions.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    pattern = r"(?u)\b\w+\b" if unit == "word" else None
    sets = CountVectorizer(analyzer=unit, ngram_range=(n, n), binary=True, token_pattern=pattern, dtype=np.int32).fit_transform(texts)
    size = np.asarray(sets.sum(axis=1)).ravel()
    common = (sets @ sets.T).toarray() / np.maximum(np.minimum.outer(size, size), 1)
    np.fill_diagonal(common, 0)
    first, second = np.unravel_index(common.argmax(), common.shape)
    return float(common[first, second]), int(first), int(second)
