"""The shelf's judged queries to learn from, and queries made of the items' own texts (chapter *matching*)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pandas as pd

from tokrec.datasets.shelf import load_shelf
from tokrec.features.encoder import default_encoder
from tokrec.recommend import ContentRecommender
from tokrec.similarity import best_first

LANGUAGES = ("en", "zh")
SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


@dataclass(frozen=True)
class Judged:
    """Queries in both languages, the English ones first, with their grades. Chapter *matching*.

    Attributes
    ----------
    queries, items : DataFrame
        The shelf's.
    vectors : ndarray of float32, shape (n_items, 384)
        The frozen encoder's, both languages of an item added.
    """

    queries: pd.DataFrame
    items: pd.DataFrame
    vectors: np.ndarray
    relevance: pd.DataFrame

    @cached_property
    def texts(self) -> list[str]:
        """All English texts, then all Chinese ones. Chapter *matching*."""
        return [text for language in LANGUAGES for text in self.queries[f"text_{language}"]]

    @cached_property
    def asked(self) -> np.ndarray:
        """The frozen encoder's vectors of the texts, ``(2 n_queries, 384)``. Chapter *matching*."""
        return default_encoder().encode(self.texts)

    @cached_property
    def grades(self) -> np.ndarray:
        """Float32 ``(2 n_queries, n_items)``, 0 where nothing was judged of use. Chapter *matching*."""
        table = self.relevance.pivot(index="query_id", columns="item_id", values="relevance")
        one = table.reindex(index=self.queries.index, columns=self.items.index).fillna(0).to_numpy(np.float32)
        return np.concatenate([one, one])

    def rows(self, half: str) -> np.ndarray:
        """Places of the texts of one half of the queries, English first. Chapter *matching*."""
        places = np.flatnonzero(self.queries["half"] == half)
        return np.concatenate([places, places + len(self.queries)])

    def parts(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The development half in two: four fifths of the queries to learn from, one to stop by; both languages of one stay together.

        Chapter *matching*.
        """
        own = np.flatnonzero(self.queries["half"] == "dev")
        mixed = np.random.default_rng(seed).permutation(own)
        stop, learn = np.sort(mixed[: len(own) // 5]), np.sort(mixed[len(own) // 5 :])
        learn, stop = (np.concatenate([part, part + len(self.queries)]) for part in (learn, stop))
        return learn, stop

    def ndcg(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """NDCG@10 of each text in `rows`, from its scores ``(len(rows), n_items)``; as :func:`tokrec.evaluate.judge_queries` has it.

        Chapter *matching*.
        """
        grades, discount = self.grades[rows], 1 / np.log2(np.arange(2, 12))
        best = -np.sort(-grades, axis=1)[:, :10]
        return (np.take_along_axis(grades, best_first(scores, 10), axis=1) @ discount) / (best @ discount)


@cache
def judged() -> Judged:
    """The shelf's queries and items. Chapter *matching*."""
    shelf = load_shelf()
    vectors = ContentRecommender("encoder").fit(None, shelf.items).raw_
    return Judged(shelf.queries, shelf.items, np.asarray(vectors, np.float32), shelf.relevance)


def labels(items: pd.DataFrame, language: str) -> list[str]:
    """Genre and tags of each item as one text. Chapter *matching*."""
    suffix = "" if language == "en" else "_zh"
    return [" ".join([genre, *tags]) for genre, tags in zip(items[f"genre{suffix}"], items[f"tags{suffix}"], strict=True)]


def own_queries(items: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """Queries made of the items' own texts: each one's labels and the first sentence of its description, in both languages.

    Chapter *matching*. No judgement is used; whoever has a catalogue has these.

    Returns
    -------
    texts : list of str
    places : ndarray of int
        Of the item that each was taken from.
    """
    texts: list[str] = []
    places: list[int] = []
    for language in LANGUAGES:
        first = [SENTENCE.split(text)[0] for text in items[f"text_{language}"]]
        for made in (labels(items, language), first):
            texts += made
            places += range(len(items))
    return texts, np.array(places)
