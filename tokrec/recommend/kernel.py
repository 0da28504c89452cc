"""How alike two items are by their texts, words, labels and years: one number for kernel methods (chapter *cold_start*)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from tokrec.checks import check_number
from tokrec.recommend.titles import title_years
from tokrec.recommend.vectors import WordVectors
from tokrec.similarity import Matrix, dense
from tokrec.text import LABELS, item_texts


@dataclass(frozen=True)
class Described:
    """What a kernel compares of items. Chapter *cold_start*.

    Attributes
    ----------
    vectors : ndarray or csr_matrix, shape (n, d)
        Rows of unit length.
    words : csr_matrix, shape (n, n_words)
        Words and labels, weighted so that an inner product is their part of the exponent.
    years : ndarray of float, shape (n,)
    """

    vectors: Matrix
    words: csr_matrix
    years: np.ndarray

    def rows(self, places: np.ndarray) -> Described:
        """Some of the items."""
        return Described(self.vectors[places], self.words[places], self.years[places])

    def beside(self, other: Described) -> Described:
        """These items, and then others."""
        both = self.vectors, other.vectors
        vectors = np.vstack(both) if isinstance(self.vectors, np.ndarray) else csr_matrix(vstack(both))
        return Described(vectors, csr_matrix(vstack([self.words, other.words])), np.concatenate([self.years, other.years]))


class ItemKernel:
    """``exp(sharpness · cos + words · cos_words + labels · cos_labels - years · decades apart)``. Chapter *cold_start*.

    A product of kernels: items are alike if their texts *and* their words *and* their years are. With a sharpness of 0 it is the cosine
    itself, which makes kernel ridge regression ridge regression on the vectors.

    Parameters
    ----------
    sharpness : float
        Weight of the cosine of the vectors.
    words : float
        Weight of the cosine of TF-IDF vectors, for vectors of an encoder.
    labels : float
        Weight of the cosine of label sets: genre and tags, or the column ``text`` where there are no such columns.
    years : float
        What ten years take off. An item without a year counts as one of the median year.
    """

    def __init__(self, sharpness: float = 4.0, words: float = 0.0, labels: float = 0.0, years: float = 0.0) -> None:
        weights = {"sharpness": sharpness, "words": words, "labels": labels, "years": years}
        self.sharpness, self.words, self.labels, self.years = (check_number(value, name, least=0) for name, value in weights.items())
        if not sharpness and (words or labels or years):
            raise ValueError("words, labels and years need a sharpness above 0: without it the kernel is the cosine itself")

    def fit(self, items: pd.DataFrame) -> Self:
        """Learn words, labels and the median year of known items."""
        if self.words:
            self.words_ = WordVectors(item_texts(items, labels=True))
        if self.labels:
            self.counter_ = CountVectorizer(binary=True, token_pattern=r"[^\s,;|]+").fit([*label_texts(items), "label"])
        years = title_years(items)
        self.median_year_ = float(np.nanmedian(years)) if (~np.isnan(years)).any() else 0.0
        return self

    def describe(self, items: pd.DataFrame, vectors: Matrix) -> Described:
        """What is compared of items, known or new, that have these vectors."""
        parts = [csr_matrix((len(items), 0), dtype=np.float32)]
        if self.words:
            parts.append(self.words_.transform(item_texts(items, labels=True)) * np.float32(np.sqrt(self.words)))
        if self.labels:
            counted = normalize(self.counter_.transform(label_texts(items)).astype(np.float32))
            parts.append(counted * np.float32(np.sqrt(self.labels)))
        years = title_years(items)
        return Described(vectors, csr_matrix(hstack(parts)), np.where(np.isnan(years), self.median_year_, years))

    def __call__(self, a: Described, b: Described) -> np.ndarray:
        """The kernel of every item of `a` with every one of `b`: float32 ``(n_a, n_b)``."""
        kernel = dense(a.vectors @ b.vectors.T).astype(np.float32)
        if not self.sharpness:
            return kernel
        kernel *= self.sharpness
        if self.words or self.labels:
            kernel += (a.words @ b.words.T).toarray()
        if self.years:
            kernel -= np.abs(a.years[:, None] - b.years[None, :]).astype(np.float32) * np.float32(self.years / 10)
        return np.exp(kernel, out=kernel)


def label_texts(items: pd.DataFrame) -> list[str]:
    """The labels of each item in one text: genre and tags, or the column ``text`` where there are no such columns. Chapter *cold_start*."""
    columns = [name for name in LABELS if name in items] or [name for name in ("text",) if name in items]
    cells = [items[name].map(lambda cell: " ".join(map(str, cell)) if isinstance(cell, list | tuple) else str(cell)) for name in columns]
    return [" ".join(row) for row in zip(*cells, strict=True)] if cells else [""] * len(items)
