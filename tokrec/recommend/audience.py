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
        items = self.items_.iloc[self.known_]
        self.kernel_ = ItemKernel(self.sharpness).fit(items)
        self.described_ = self.kernel_.describe(items, self.vectors_[self.known_])
        likes = np.log1p(np.asarray((self.seen_ >= self.positive_).sum(axis=0), dtype=float).ravel())[self.known_]
        self.mean_ = likes.mean()
        inverse = inverted(self.kernel_(self.described_, self.described_), check_penalty(self.penalty))
        self.weights_ = inverse @ (likes - self.mean_)
        by_text = np.zeros(len(likes))
        for part in cold_folds(pd.RangeIndex(len(likes)), min(FOLDS, len(likes))):
            by_text[part] = held_out(inverse, (likes - self.mean_)[:, None], part.to_numpy())[:, 0]
        counter = CountVectorizer(binary=True, min_df=min(COMMON, len(items)), token_pattern=r"\w+")
        self.words_ = counter.fit([*item_texts(items, labels=True), "title"] if len(items) < COMMON else item_texts(items, labels=True))
        self.trees_ = HistGradientBoostingRegressor(**TREES).fit(self._shown(items, by_text), likes)

    def _shown(self, items: pd.DataFrame, by_text: np.ndarray) -> np.ndarray:
        words = self.words_.transform(item_texts(items, labels=True)).toarray()
        return np.column_stack([by_text, title_shapes(items), words])

    def expected(self, items: pd.DataFrame) -> pd.Series:
        """The expected ``log(1 + likes)`` of items by their text alone, known or not, indexed by ``item_id``."""
        self._check_fitted()
        kernel = self.kernel_(self.kernel_.describe(items, self._vectors(items)), self.described_)
        return pd.Series(self.trees_.predict(self._shown(items, kernel @ self.weights_)), items.index, name="expected")

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return np.tile(self.expected(self.items_).to_numpy(), (history.shape[0], 1))
