"""Similarity: cosine, Jaccard, exact search for the nearest, calibrated thresholds, centring (chapter *similarity*)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix, issparse
from sklearn.preprocessing import normalize

from tokrec.checks import check_k, finite

Matrix: TypeAlias = np.ndarray | csr_matrix


def cosine(a: ArrayLike, b: ArrayLike) -> float:
    """Cosine of the angle between two vectors, in [-1, 1]; 0 if one of them is zero.

    Chapter *similarity* (article 000, section 4.1). The article 002 formula ``cos(<v, v'>)``, a cosine of a dot product, is not this.

    Raises
    ------
    ValueError
        If the vectors differ in length or hold NaN or infinity.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"a and b must be two vectors of one length, got shapes {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a and b must hold finite numbers: remove NaN and infinity first")
    a, b = (vector / (np.abs(vector).max() or 1.0) for vector in (a, b))  # scaling first: squares neither overflow nor vanish
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.clip(a @ b / norms, -1.0, 1.0)) if norms else 0.0


def jaccard(a: Iterable, b: Iterable) -> float:
    """Shared elements over all elements of two sets, in [0, 1]; 0 if both are empty. Chapter *similarity*."""
    first, second = set(a), set(b)
    union = first | second
    return len(first & second) / len(union) if union else 0.0


def centre(vectors: np.ndarray, mean: np.ndarray | None = None) -> np.ndarray:
    """Subtract the mean vector and scale rows to unit length again. Chapters *similarity* and *bert_features*.

    Parameters
    ----------
    vectors : ndarray, shape (n, d)
    mean : ndarray, shape (d,), optional
        The mean to subtract, for instance the items' when centring queries; by default that of `vectors`.

    Returns
    -------
    ndarray of float32, shape (n, d)
    """
    shifted = np.asarray(vectors, dtype=np.float32) - (np.mean(vectors, axis=0) if mean is None else mean)
    norms = np.linalg.norm(shifted, axis=1, keepdims=True)
    return (shifted / np.maximum(norms, 1e-12)).astype(np.float32)


def top_k(queries: Matrix, items: Matrix, k: int = 10, block: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The `k` items with the largest cosine for each query, found exactly, a block of queries at a time. Chapter *similarity*.

    Parameters
    ----------
    queries, items : ndarray or sparse matrix, shapes (n_queries, d) and (n_items, d)
    k : int
        At most as many columns come back as there are items.
    block : int, optional
        Queries scored at once, which bounds the memory to ``block * n_items`` numbers; by default as many as make four million.

    Returns
    -------
    indices : ndarray of int64, shape (n_queries, min(k, n_items))
        Positions of the items, best first; equal scores stand in the items' order.
    scores : ndarray of float32, same shape
        Cosines in [-1, 1].

    Raises
    ------
    ValueError
        If `k` is less than 1, the widths differ, or a vector holds NaN or infinity.
    """
    check_k(k)
    queries, items = _rows(queries, "queries"), _rows(items, "items")
    if queries.shape[1] != items.shape[1]:
        raise ValueError(f"queries have {queries.shape[1]} columns and items {items.shape[1]}: encode both with the same features")
    block = max(1, 4_000_000 // max(1, items.shape[0])) if block is None else check_k(block)
    unit, indices, scores = normalize(items), [], []
    for start in range(0, queries.shape[0], block):
        similar = dense(normalize(queries[start : start + block]) @ unit.T)
        order = best_first(similar, k)
        indices.append(order)
        scores.append(np.take_along_axis(similar, order, axis=1).astype(np.float32))
    width = min(k, items.shape[0])
    if not indices:
        return np.zeros((0, width), np.int64), np.zeros((0, width), np.float32)
    return np.concatenate(indices), np.concatenate(scores)


def _rows(matrix: Matrix, name: str) -> Matrix:
    """A matrix of finite numbers, each row divided by its largest: squares neither overflow nor vanish."""
    if issparse(matrix):
        sparse = csr_matrix(matrix)
        finite(np.asarray(sparse.data), name)
        return sparse
    rows = np.asarray(matrix, dtype=np.float64 if getattr(matrix, "dtype", None) == np.float64 else np.float32)
    if rows.ndim != 2:
        raise ValueError(f"queries and items must be matrices, one row a vector: {name} has the shape {rows.shape}")
    finite(rows, name)
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0)
    usual = (largest == 0) | ((largest > 1e-9) & (largest < 1e9))
    return rows if usual.all() else rows / np.where(usual, 1, largest)


def best_first(scores: np.ndarray, k: int) -> np.ndarray:
    """Columns of the `k` largest scores of each row, best first, ties in column order: ``(n, min(k, n_columns))``. Chapter *similarity*."""
    k = min(k, scores.shape[1])
    return np.argsort(-scores, axis=1, kind="stable")[:, :k].astype(np.int64)


@dataclass(frozen=True)
class Threshold:
    """A calibrated verdict: from which score on a pair counts as related.

    Attributes
    ----------
    value : float
        The score with the best F1 on the labelled pairs.
    precision, recall, f1 : float
        What it reaches there, in [0, 1].
    auc : float
        Area under the ROC curve of the scores, in [0, 1]; 0.5 is chance.
    slope, intercept : float
        Of the logistic curve from score to probability.
    """

    value: float
    precision: float
    recall: float
    f1: float
    auc: float
    slope: float
    intercept: float

    def probability(self, score: ArrayLike) -> np.ndarray:
        """Estimated probability, in (0, 1), that pairs with these scores are related."""
        return 1 / (1 + np.exp(-(self.slope * np.asarray(score, dtype=float) + self.intercept)))


def calibrate_threshold(scores: ArrayLike, labels: ArrayLike) -> Threshold:
    """Find the threshold that labelled pairs ask for. Chapter *similarity* (article 000, section 5.2, has a fixed 0.8).

    Parameters
    ----------
    scores : array of float, shape (n_pairs,)
        Similarity of each pair.
    labels : array of bool, shape (n_pairs,)
        Whether it is related.

    Returns
    -------
    Threshold

    Raises
    ------
    ValueError
        If lengths differ or only one kind of label occurs.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import precision_recall_curve, roc_auc_score

    scores, labels = np.asarray(scores, dtype=float), np.asarray(labels).astype(bool)
    if scores.shape != labels.shape or scores.ndim != 1:
        raise ValueError(f"scores and labels must be two vectors of one length, got shapes {scores.shape} and {labels.shape}")
    if labels.all() or not labels.any():
        raise ValueError("labels must hold both related and unrelated pairs")
    precision, recall, values = precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(np.argmax(f1[:-1]))
    spread = float(scores.std()) or 1.0  # the fit runs on standardised scores and is written back in theirs
    logistic = LogisticRegression(C=1e3).fit(((scores - scores.mean()) / spread)[:, None], labels)
    slope = float(logistic.coef_[0, 0]) / spread
    return Threshold(
        value=float(values[best]),
        precision=float(precision[best]),
        recall=float(recall[best]),
        f1=float(f1[best]),
        auc=float(roc_auc_score(labels, scores)),
        slope=slope,
        intercept=float(logistic.intercept_[0]) - slope * float(scores.mean()),
    )


def dense(matrix: Matrix) -> np.ndarray:
    """A matrix as an ndarray, sparse or not. Chapter *similarity*."""
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
