"""Semantic ids: a vector becomes a few codes, from coarse to fine, and every item gets codes of its own (chapter *item_tokens*)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tokrec.checks import check_k, finite


@dataclass(frozen=True)
class Codebooks:
    """What each code stands for. Chapter *item_tokens*.

    Attributes
    ----------
    centres : ndarray of float32, shape (levels, codes, d)
        A code of level 0 stands for a place in the space, one of a later level for a step from there.
    """

    centres: np.ndarray

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """Codes ``(n, levels)`` of vectors ``(n, d)``: at each level the centre nearest to what the earlier ones left over."""
        left, codes = np.asarray(vectors, np.float32).copy(), np.zeros((len(vectors), len(self.centres)), np.int64)
        for level, centres in enumerate(self.centres):
            codes[:, level] = distances(left, centres).argmin(axis=1)
            left -= centres[codes[:, level]]
        return codes

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """What codes ``(n, levels)`` say of their vectors: the sum of the centres, ``(n, d)``; fewer levels say less."""
        codes = np.asarray(codes)
        return np.sum([self.centres[level, codes[:, level]] for level in range(codes.shape[1])], axis=0)


def distances(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared distances ``(n, codes)`` of vectors to centres. Chapter *item_tokens*."""
    return (vectors**2).sum(axis=1)[:, None] - 2 * vectors @ centres.T + (centres**2).sum(axis=1)


def residual_kmeans(vectors: np.ndarray, codes: int = 32, levels: int = 4, random_state: int = 0) -> Codebooks:
    """Codebooks by k-means, level after level, each on what the earlier ones left over. Chapter *item_tokens*.

    The plainest way to semantic ids; Rajput et al. (2023) learn theirs by an RQ-VAE (:func:`.rqvae.train_rqvae`).

    Parameters
    ----------
    vectors : ndarray, shape (n, d)
    codes : int
        Codes a level; with fewer different vectors than that, the rest of the codes stand for nothing.
    levels : int
    random_state : int

    Raises
    ------
    ValueError
        If `codes` or `levels` is below 1, there are no vectors, or one holds NaN or infinity.
    """
    from sklearn.cluster import KMeans

    check_k(codes), check_k(levels)
    left = np.asarray(vectors, np.float32).copy()
    if left.ndim != 2 or not len(left):
        raise ValueError(f"vectors must be a matrix with at least one row, got shape {left.shape}")
    finite(left, "vectors")
    centres = np.full((levels, codes, left.shape[1]), FAR, np.float32)
    for level in range(levels):
        used = min(codes, len(np.unique(left.round(5), axis=0)))
        found = KMeans(used, n_init=1, random_state=random_state).fit(left)
        centres[level, :used] = found.cluster_centers_
        left -= found.cluster_centers_[found.labels_]
    return Codebooks(centres)


FAR = 1e3  # where a code lies that stands for nothing: no vector is near it


def own_codes(vectors: np.ndarray, codebooks: Codebooks) -> np.ndarray:
    """Codes ``(n, levels)``, no two items alike. Chapter *item_tokens*.

    Items come in the order of how well their codes fit. Whoever finds its codes taken gets the nearest last code that is free, and where
    all are taken, the next nearest code of the level before. (Rajput et al. 2023 append a number instead.)

    Raises
    ------
    ValueError
        If there are more items than codes can tell apart.
    """
    levels, size, _ = codebooks.centres.shape
    if len(vectors) > size**levels:
        raise ValueError(f"{levels} levels of {size} codes tell {size**levels} items apart, not {len(vectors)}: use more levels or codes")
    vectors = np.asarray(vectors, np.float32)
    codes = codebooks.encode(vectors)
    error = ((vectors - codebooks.decode(codes)) ** 2).sum(axis=1)
    taken: set[tuple[int, ...]] = set()
    for item in np.argsort(error, kind="stable"):
        wanted = tuple(codes[item].tolist())
        if wanted in taken:
            wanted = _nearest_free(vectors[item], codebooks.centres, taken) or wanted
        taken.add(wanted)
        codes[item] = wanted
    return codes


def _nearest_free(left: np.ndarray, centres: np.ndarray, taken: set, start: tuple[int, ...] = ()) -> tuple[int, ...] | None:
    """The first free codes below `start`, nearest centres first; a beginning below which nothing is free counts as taken from then on."""
    if start in taken or len(start) == len(centres):
        return None if start in taken else start
    level = centres[len(start)]
    for code in np.argsort(distances(left[None], level)[0], kind="stable").tolist():
        found = _nearest_free(left - level[code], centres, taken, (*start, code))
        if found:
            return found
    taken.add(start)
    return None


def share_alone(codes: np.ndarray) -> float:
    """Part of the items whose codes no other item has, in [0, 1]. Chapter *item_tokens*."""
    _, group, size = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    return float((size[group.ravel()] == 1).mean())


def purity(codes: np.ndarray, labels: np.ndarray) -> float:
    """Part of the items whose label is the commonest among the items of the same code, in [0, 1]. Chapter *item_tokens*.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
    labels : ndarray, shape (n,)
    """
    counts = np.zeros((int(np.max(codes)) + 1, len(np.unique(labels))))
    np.add.at(counts, (codes, np.unique(labels, return_inverse=True)[1]), 1)
    return float(counts.max(axis=1).sum() / len(codes))


def neighbours_kept(vectors: np.ndarray, other: np.ndarray, k: int = 10) -> np.ndarray:
    """Part of each item's `k` nearest, by the cosine of `vectors`, that are among its `k` nearest by `other`. Chapter *item_tokens*.

    Returns
    -------
    ndarray, shape (n,)
        In [0, 1].
    """
    from tokrec.similarity import top_k

    near = [[set(row[row != item][:k].tolist()) for item, row in enumerate(top_k(each, each, k + 1)[0])] for each in (vectors, other)]
    return np.array([len(first & second) / k for first, second in zip(*near, strict=True)])
