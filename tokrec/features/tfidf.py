"""Bilingual TF-IDF on scikit-learn's vectorizer, and keywords (chapter *keywords*)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from tokrec.checks import check_k, check_texts
from tokrec.text import words


class TfidfFeatures(TransformerMixin, BaseEstimator):
    """TF-IDF vectors of Chinese and English texts. Chapter *keywords* (articles 000, section 4.2, and 001, section 4.3).

    The variant is scikit-learn's: ``tf`` is the count (or ``1 + ln count``), ``idf(t) = ln((1 + n) / (1 + df(t))) + 1``, and rows have
    unit length, so that a dot product is a cosine. Tokens are those of :func:`tokrec.words`.

    Parameters
    ----------
    sublinear_tf : bool
        Use ``1 + ln count`` in place of the count.
    min_df : int
        Leave out tokens that fewer texts contain.
    drop_stop_words : bool
        Leave out :func:`tokrec.stop_words`.

    Attributes
    ----------
    vectorizer_ : TfidfVectorizer
        The fitted scikit-learn object.
    tokens_ : ndarray of str
        The token of each column.
    """

    def __init__(self, sublinear_tf: bool = True, min_df: int = 1, drop_stop_words: bool = True) -> None:
        self.sublinear_tf = sublinear_tf
        self.min_df = min_df
        self.drop_stop_words = drop_stop_words

    def fit(self, texts: Sequence[str], y: None = None) -> TfidfFeatures:
        """Learn the tokens and their document frequencies.

        Raises
        ------
        ValueError
            If no text holds a single token.
        TypeError
            If `texts` is one string, or holds something that is not a string.
        """
        self.fit_transform(texts)
        return self

    def fit_transform(self, texts: Sequence[str], y: None = None) -> csr_matrix:
        """As :meth:`fit` and :meth:`transform`, but cutting each text into words only once."""
        analyzed = self._analyze(texts)
        if not any(analyzed):
            raise ValueError("texts hold no words (only blanks, punctuation or stop words): give at least one text with content")
        self.vectorizer_ = TfidfVectorizer(analyzer=_same, sublinear_tf=self.sublinear_tf, min_df=self.min_df, dtype=np.float32)
        counted = self.vectorizer_.fit_transform(analyzed)
        self.tokens_ = self.vectorizer_.get_feature_names_out()
        return counted

    def _analyze(self, texts: Sequence[str]) -> list[list[str]]:
        return [words(text, drop_stop_words=self.drop_stop_words) for text in check_texts(texts)]

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Sparse float32 matrix ``(n_texts, n_tokens)`` with rows of unit length, or zero rows for texts without known tokens."""
        check_is_fitted(self)
        analyzed = self._analyze(texts)
        return self.vectorizer_.transform(analyzed or [[]])[: len(analyzed)]

    def get_feature_names_out(self, input_features: None = None) -> np.ndarray:
        """The tokens, in the order of the columns."""
        check_is_fitted(self)
        return self.tokens_

    def idf(self) -> pd.Series:
        """Inverse document frequency of every token."""
        check_is_fitted(self)
        return pd.Series(self.vectorizer_.idf_, index=self.get_feature_names_out())

    def keywords(self, text: str, k: int = 8) -> pd.Series:
        """The `k` tokens of a text with the largest weights.

        Returns
        -------
        Series of float
            Weights in (0, 1], largest first (ties in alphabetical order), indexed by token; empty if no token is known.
        """
        check_k(k)
        row = self.transform([text])
        names = self.get_feature_names_out()
        found = sorted(zip(row.data, row.indices, strict=True), key=lambda pair: (-pair[0], names[pair[1]]))[:k]
        return pd.Series([float(weight) for weight, _ in found], index=[str(names[i]) for _, i in found], dtype=float, name="weight")


def _same(tokens: list[str]) -> list[str]:
    return tokens
