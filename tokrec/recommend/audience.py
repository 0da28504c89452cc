"""How many readers a new item will find, read off its text (chapter *cold_start*)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import CountVectorizer

from tokrec.evaluate.splits import cold_folds
from tokrec.features.encoder import Encoder
from tokrec.recommend.content import Features
from tokrec.recommend.kernel import ItemKernel
from tokrec.recommend.ridge import check_penalty, held_out, inverted
from tokrec.recommend.titles import title_shapes
from tokrec.recommend.vectors import TextRecommender
from tokrec.similarity import Matrix
from tokrec.text import item_texts

FOLDS = 5
COMMON = 20  # a word in fewer known items says too little
TREES = {"max_iter": 100, "learning_rate": 0.06, "max_leaf_nodes": 15, "min_samples_leaf": 30, "max_features": 0.5, "random_state": 0}


class AudienceRecommender(TextRecommender):
    """Ranks items by the number of likes that their text lets expect, the same list for everybody. Chapter *cold_start*.

    Two steps: kernel ridge regression on the vectors; then boosted trees, which take its prediction, made for known items as if they were
    new, beside the year in the title, the title's shape, and frequent words. What is learnt is ``log(1 + likes)``.

    Parameters
    ----------
    features : {"tfidf", "encoder"}
    penalty, sharpness : float
        Of the kernel ridge regression, as in :class:`tokrec.recommend.ridge.KernelRidgeRecommender`.
    encoder : Encoder, optional
        Another encoder than the bundled one. Not stored by ``save``.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.

    Attributes
    ----------
    expected_ : ndarray of float, shape (n_items,)
        What the trees expect of each item.
    """

    def __init__(
        self,
        features: Features = "encoder",
        penalty: float = 100.0,
        sharpness: float = 4.0,
        encoder: Encoder | None = None,
        positive: float | None = None,
    ) -> None:
        self.features = features
        self.penalty = penalty
        self.sharpness = sharpness
        self.encoder = encoder
        self.positive = positive

    def _fit_known(self) -> None:
        items, likes = self.items_.iloc[self.known_], self._likes()
        self.kernel_ = ItemKernel(self.sharpness).fit(items)
        described = self.kernel_.describe(self.items_, self.vectors_)
        self.described_ = described.rows(self.known_)
        rows = self.kernel_(described, self.described_)
        inverse = inverted(rows[self.known_], check_penalty(self.penalty))
        self.mean_ = likes.mean(dtype=np.float32)
        centred = (likes - self.mean_)[:, None]
        self.weights_ = (inverse @ centred)[:, 0]
        by_text = rows @ self.weights_
        for part in cold_folds(pd.RangeIndex(len(likes)), min(FOLDS, len(likes))):
            by_text[self.known_[part]] = held_out(inverse, centred, part.to_numpy())[:, 0]
        self.counter_ = CountVectorizer(binary=True, token_pattern=r"\w+", min_df=min(COMMON, len(items)))
        self.counter_.fit(item_texts(items, labels=True))
        shown = self._shown(self.items_, by_text)
        self.trees_ = HistGradientBoostingRegressor(**TREES).fit(shown[self.known_], likes)
        self.expected_ = self.trees_.predict(shown)

    def _likes(self) -> np.ndarray:
        """The logarithm of one more than the likes of each known item."""
        counted = np.bincount(self.seen_.indices[self.seen_.data >= self.positive_], minlength=len(self.items_))
        return np.log1p(counted[self.known_]).astype(np.float32)

    def _shown(self, items: pd.DataFrame, by_text: np.ndarray) -> np.ndarray:
        """What the trees see."""
        words = self.counter_.transform(item_texts(items, labels=True)).toarray()
        return np.column_stack([by_text, title_shapes(items), words])

    def _extend(self, items: pd.DataFrame, vectors: Matrix) -> None:
        self.expected_ = np.concatenate([self.expected_, self._expected(items, vectors)])

    def _expected(self, items: pd.DataFrame, vectors: Matrix) -> np.ndarray:
        by_text = self.kernel_(self.kernel_.describe(items, vectors), self.described_) @ self.weights_
        return self.trees_.predict(self._shown(items, by_text))

    def expected(self, items: pd.DataFrame) -> pd.Series:
        """The expected ``log(1 + likes)`` of new items by their text, indexed by ``item_id``."""
        self._check_fitted()
        return pd.Series(self._expected(items, self._vectors(items)), items.index, name="expected")

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return np.tile(self.expected_, (history.shape[0], 1))
