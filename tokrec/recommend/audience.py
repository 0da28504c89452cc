"""How many readers a new item will find, read off its text (chapter *cold_start*)."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import CountVectorizer

from tokrec.checks import check_number
from tokrec.evaluate.splits import cold_folds
from tokrec.features.encoder import Encoder
from tokrec.recommend.content import Features
from tokrec.recommend.ridge import held_out, inverted, text_kernel
from tokrec.recommend.vectors import TextRecommender
from tokrec.text import item_texts

FOLDS = 5
COMMON = 20  # a word in fewer known items says too little
TREES = {"max_iter": 100, "learning_rate": 0.06, "max_leaf_nodes": 15, "min_samples_leaf": 30, "max_features": 0.5, "random_state": 0}
_YEAR = re.compile(r"\((\d{4})\D?(?:\d{4})?\)\s*$")
_SEQUEL = re.compile(r"\b(?:II|III|IV|V|VI|VII|VIII|[2-9]|Part|Vol)\b")


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
        if check_number(self.penalty, "penalty", least=0) == 0:
            raise ValueError("penalty must be above 0: without it two items of one text have no solution")
        check_number(self.sharpness, "sharpness", least=0)
        items, vectors = self.items_.iloc[self.known_], self.vectors_[self.known_]
        likes = np.log1p(np.asarray((self.seen_ >= self.positive_).sum(axis=0), dtype=float).ravel())[self.known_]
        self.mean_ = likes.mean()
        inverse = inverted(text_kernel(vectors, vectors, self.sharpness), self.penalty)
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
        kernel = text_kernel(self._vectors(items), self.vectors_[self.known_], self.sharpness)
        return pd.Series(self.trees_.predict(self._shown(items, kernel @ self.weights_)), items.index, name="expected")

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return np.tile(self.expected(self.items_).to_numpy(), (history.shape[0], 1))


def title_years(items: pd.DataFrame) -> np.ndarray:
    """The year in brackets at the end of each title, NaN where there is none: float ``(n_items,)``. Chapter *cold_start*."""
    found = (_YEAR.search(title) for title in _titles(items))
    return np.array([float(match[1]) if match else np.nan for match in found])


def title_shapes(items: pd.DataFrame) -> np.ndarray:
    """What a title shows without being understood: float ``(n_items, 8)``. Chapter *cold_start*.

    Year, length in letters and in words, brackets, commas, a colon, a number of a sequel, letters outside ASCII.
    """
    bare = [_YEAR.sub("", title).strip() for title in _titles(items)]
    shapes = [
        (
            len(title),
            len(title.split()),
            title.count("("),
            title.count(","),
            ":" in title,
            bool(_SEQUEL.search(title)),
            sum(not letter.isascii() for letter in title),
        )
        for title in bare
    ]
    return np.column_stack([title_years(items), np.array(shapes, float).reshape(len(bare), 7)])


def _titles(items: pd.DataFrame) -> list[str]:
    column = next((name for name in ("title", "title_en", "title_zh") if name in items), None)
    return item_texts(items) if column is None else items[column].fillna("").astype(str).tolist()
