"""Vectors of the items' texts, and those of new items in the same space (chapter *cold_start*)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, vstack

from tokrec.checks import check_items
from tokrec.features.encoder import Encoder
from tokrec.features.tfidf import TfidfFeatures
from tokrec.recommend.base import Recommender
from tokrec.recommend.content import ContentRecommender, Features
from tokrec.similarity import Matrix, dense
from tokrec.text import item_texts, words


class TextRecommender(Recommender):
    """Base of those that learn from items that were rated, and carry it by text to all others. Chapter *cold_start*.

    Items without any rating teach nothing: neither their words nor their missing likes. So an item that comes later, by
    :meth:`add_items`, gets the score that it would have had if it had been there from the start.

    Attributes
    ----------
    known_ : ndarray of int, shape (n_known,)
        Places of the items that somebody rated; of all items if there are no ratings.
    vectors_ : ndarray or csr_matrix, shape (n_items, d)
        Rows of unit length.
    """

    features: Features
    encoder: Encoder | None = None
    known_: np.ndarray
    vectors_: Matrix

    def _fit(self) -> None:
        if self.features not in ("tfidf", "encoder"):
            raise ValueError(f"features must be 'tfidf' or 'encoder', not {self.features!r}")
        rated = np.asarray((self.seen_ > 0).sum(axis=0)).ravel() > 0
        self.known_ = np.flatnonzero(rated if rated.any() else ~rated)
        if self.features == "tfidf":
            texts = item_texts(self.items_.iloc[self.known_], labels=True)
            self.tfidf_ = TfidfFeatures(drop_stop_words=any(map(words, texts))).fit(texts)
        self.vectors_ = self._vectors(self.items_)
        self._fit_known()

    def _fit_known(self) -> None:
        """Learn from the known items; by default nothing."""

    def _vectors(self, items: pd.DataFrame) -> Matrix:
        if self.features == "tfidf":
            return self.tfidf_.transform(item_texts(items, labels=True))
        return ContentRecommender("encoder", centred=False, encoder=self.encoder).fit(None, items).raw_

    def add_items(self, items: pd.DataFrame) -> None:
        """Take in new items, which nobody has rated, without learning anew. Chapter *cold_start* (articles 001 and 003: real time).

        Raises
        ------
        TypeError, ValueError
            As :meth:`fit` for `items`; and if an item is known already.
        """
        self._check_fitted()
        items = check_items(items)
        known = items.index.intersection(self.items_.index)
        if len(known):
            raise ValueError(f"item_id {known[0]!r} is there already: give new items only")
        self.vectors_ = _stacked(self.vectors_, self._vectors(items))
        self.items_ = pd.concat([self.items_, items])
        shape = (self.seen_.shape[0], len(self.items_))
        self.seen_, self.times_ = (csr_matrix((part.data, part.indices, part.indptr), shape=shape) for part in (self.seen_, self.times_))

    def _counted(self, history: csr_matrix, rated: float = 0.0) -> csr_matrix:
        """Rows of ratings over the known items: 1 for a liked one, `rated` for any other, ``(n, n_known)``."""
        values = np.where(history.data >= self.positive_, 1, rated).astype(np.float32)
        counted = csr_matrix((values, history.indices, history.indptr), shape=history.shape)[:, self.known_]
        counted.eliminate_zeros()
        return counted

    def _stored_parameters(self) -> dict[str, Any]:
        if self.encoder is not None:
            raise ValueError("a recommender with its own encoder cannot be stored: save its items, and pass the encoder again when loading")
        return {name: value for name, value in self.get_params(deep=False).items() if name != "encoder"}


def _stacked(first: Matrix, second: Matrix) -> Matrix:
    return np.vstack([first, dense(second)]) if isinstance(first, np.ndarray) else csr_matrix(vstack([first, second]))
