"""Content-based recommendation: items whose text is like what the reader asked for or liked (chapter *recommender*)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from scipy.sparse import csr_matrix, diags_array
from sklearn.preprocessing import normalize

from tokrec.checks import check_texts
from tokrec.features.cache import cached, shipped_vectors
from tokrec.features.encoder import Encoder, bundled_version, default_encoder
from tokrec.features.tfidf import TfidfFeatures
from tokrec.recommend.base import Recommender
from tokrec.similarity import centre, dense
from tokrec.text import item_texts, words

Features = Literal["tfidf", "encoder"]


class ContentRecommender(Recommender):
    """Scores items by the cosine between text features. Chapter *recommender* (article 000, section 3; article 001, section 2.3).

    A query is compared with the items as both are; with the encoder its score is how much nearer an item is than the items' mean, so that
    scores of several queries can be compared. A reader becomes the mean vector of the liked items (all rated items where there is no liked
    one), the articles' profile, compared with the items after centring: a mean holds much of what all items have in common.

    Parameters
    ----------
    features : {"tfidf", "encoder"}
        TF-IDF over the items' texts in both languages, or the bundled encoder's vectors.
    centred : bool
        Subtract the items' mean vector before profiles are made and compared (encoder only). A text's order of the items stays that of
        the cosine, which serves it better; only its mean score is taken off. Chapter *bert_features* measures both.
    encoder : Encoder, optional
        Another encoder than the bundled one. Not stored by ``save``.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.

    Attributes
    ----------
    vectors_ : ndarray or csr_matrix, shape (n_items, d)
        Unit-length rows, centred if `centred`: profiles are made of them and compared with them.
    raw_ : ndarray or csr_matrix, shape (n_items, d)
        Unit-length rows as they are: texts are compared with them.
    """

    vectors_: Any
    raw_: Any

    def __init__(
        self, features: Features = "encoder", centred: bool = True, encoder: Encoder | None = None, positive: float | None = None
    ) -> None:
        self.features = features
        self.centred = centred
        self.encoder = encoder
        self.positive = positive

    def _fit(self) -> None:
        if self.features not in ("tfidf", "encoder"):
            raise ValueError(f"features must be 'tfidf' or 'encoder', not {self.features!r}")
        if self.features == "tfidf":
            texts = item_texts(self.items_, labels=True)
            self.tfidf_ = TfidfFeatures(drop_stop_words=any(map(words, texts)))  # a film may be called It
            self.raw_ = self.vectors_ = self.tfidf_.fit_transform(texts)
        else:
            self.raw_ = self._item_vectors()
            moved = self.centred and len(self.raw_) > 1
            self.mean_ = self.raw_.mean(axis=0) if moved else np.zeros(self.raw_.shape[1], np.float32)
            self.vectors_ = centre(self.raw_, self.mean_)

    def _item_vectors(self) -> np.ndarray:
        """The mean of an item's vectors in the languages that it has."""
        languages: list[str | None] = [name for name in ("en", "zh") if f"title_{name}" in self.items_ or f"text_{name}" in self.items_]
        texts = [item_texts(self.items_, language, labels=True) for language in languages or [None]]
        present = np.array([[bool(text.strip()) for text in column] for column in texts], np.float32)
        present[:, present.sum(axis=0) == 0] = 1.0
        return normalize(np.einsum("ln,lnd->nd", present, np.stack([self._encode_items(column) for column in texts])))

    def _encode_items(self, texts: list[str]) -> np.ndarray:
        if self.encoder is not None:
            return self.encoder.encode(texts)
        stored = shipped_vectors(texts, bundled_version())
        return cached(texts, lambda missing: default_encoder().encode(missing), bundled_version()) if stored is None else stored

    def _score_text(self, texts: Sequence[str]) -> np.ndarray:
        texts = check_texts(texts)
        if self.features == "tfidf":
            return dense(self.tfidf_.transform(texts) @ self.raw_.T)
        vectors = (self.encoder or default_encoder()).encode(texts)
        return vectors @ self.raw_.T - (vectors @ self.mean_)[:, None]

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        liked = (history >= self.positive_).astype(np.float32)
        without = np.asarray(liked.sum(axis=1)).ravel() == 0
        chosen = liked + diags_array(without.astype(np.float32)) @ (history > 0).astype(np.float32)
        return dense(normalize(chosen @ self.vectors_) @ self.vectors_.T)

    def _stored_parameters(self) -> dict[str, object]:
        if self.encoder is not None:
            raise ValueError("a recommender with its own encoder cannot be stored: save its items, and pass the encoder again when loading")
        return {"features": self.features, "centred": self.centred, "positive": self.positive}
