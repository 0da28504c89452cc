"""Item neighbours: who liked this also liked that (chapter *collaborative*)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix, diags_array

from tokrec.checks import check_k
from tokrec.recommend.liked import LikedRecommender

K1, B = 1.2, 0.1  # constants of BM25: the usual one, and far less damping of popular items than the usual 0.75


class NeighbourRecommender(LikedRecommender):
    """Sums, over a reader's liked items, their similarity to each item, where that is among their nearest. Chapter *collaborative*.

    Two items are alike as far as the same readers liked them (Sarwar et al. 2001; Deshpande & Karypis 2004).

    Parameters
    ----------
    weighting : {"cosine", "bm25"}
        Cosine of the items' columns; or their inner product after BM25, which takes items as documents and readers as words: a reader of
        many items says less, a popular item is damped.
    neighbours : int
        How many nearest items each item keeps.
    half_life : float, optional
        After so many later liked items an item counts half for its reader.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.

    Attributes
    ----------
    similar_ : csr_matrix of float32, shape (n_items, n_items)
        Row `i` holds the similarities of item `i` to its nearest, not to itself.
    """

    def __init__(
        self,
        weighting: Literal["cosine", "bm25"] = "cosine",
        neighbours: int = 200,
        half_life: float | None = None,
        positive: float | None = None,
    ) -> None:
        self.weighting = weighting
        self.neighbours = neighbours
        self.half_life = half_life
        self.positive = positive

    def _fit_liked(self) -> None:
        check_k(self.neighbours)
        if self.weighting not in ("cosine", "bm25"):
            raise ValueError(f"weighting must be 'cosine' or 'bm25', not {self.weighting!r}")
        lengths = np.sqrt(np.maximum(self.counts_, 1))
        columns = self.liked_ @ diags_array(1 / lengths) if self.weighting == "cosine" else bm25(self.liked_)
        similar = csr_matrix(columns.T @ columns, dtype=np.float32)
        similar.setdiag(0)
        similar.eliminate_zeros()
        self.similar_ = nearest(similar, self.neighbours)

    def _score_profiles(self, weights: csr_matrix) -> np.ndarray:
        return (weights @ self.similar_).toarray()


def bm25(liked: csr_matrix) -> csr_matrix:
    """Weights of BM25 for ``(n_users, n_items)``: a reader of many items and a popular item count less. Chapter *collaborative*."""
    by_reader, by_item = (np.asarray(liked.sum(axis=axis)).ravel() for axis in (1, 0))
    rarity = np.log(liked.shape[1] / (1 + by_reader))
    length = 1 - B + B * by_item / max(by_item.mean(), 1e-12)
    return csr_matrix(diags_array(rarity) @ liked @ diags_array((K1 + 1) / (K1 * length + 1)), dtype=np.float32)


def nearest(similar: csr_matrix, k: int) -> csr_matrix:
    """The `k` largest numbers of each row; of equal ones those that stand first. Chapter *collaborative*."""
    rows = np.repeat(np.arange(similar.shape[0]), np.diff(similar.indptr))
    order = np.lexsort((similar.indices, -similar.data, rows))
    kept = order[np.arange(len(order)) - similar.indptr[rows[order]] < k]
    return csr_matrix((similar.data[kept], (rows[kept], similar.indices[kept])), shape=similar.shape)
