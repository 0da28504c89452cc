"""``mine``: the articles' ``semantic_mining``, made real (chapter *recommender*; article 000, sections 3.3 and 5.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from tokrec.checks import check_k, id_index
from tokrec.recommend import HybridRecommender
from tokrec.similarity import Threshold, calibrate_threshold
from tokrec.stored import read
from tokrec.text import check_query, guess_language, words
from tokrec.tokens import segment


@dataclass(frozen=True)
class Mined:
    """What :func:`mine` finds in a text.

    Attributes
    ----------
    text : str
        The cleaned text.
    language : {"zh", "en", "und"}
    tokens : list of str
        Its words.
    keywords : Series
        TF-IDF weights of those of its words that the shelf knows, largest first.
    similar : DataFrame
        The most similar items: ``item_id, rank, score, title, domain, shared`` (keywords in common) and ``probability`` (that a judge would
        call the item relevant).
    relevant : bool
        The verdict on the best item: whether its score lies above the calibrated threshold.
    threshold : Threshold
    """

    text: str
    language: str
    tokens: list[str]
    keywords: pd.Series
    similar: pd.DataFrame
    relevant: bool
    threshold: Threshold

    def __str__(self) -> str:
        best = self.similar.iloc[0]
        verdict = "relevant" if self.relevant else "not sure to be relevant"
        keywords = ", ".join(self.keywords.index)
        return f"{self.text!r}: best is {best['title']!r} ({verdict}, p = {best['probability']:.2f}); keywords {keywords}"


def mine(text: str, k: int = 5) -> Mined:
    """Tokens, keywords, similar items and a calibrated verdict for a text in Chinese or English.

    Article 000 compares a text with a fixed sentence and asks whether the cosine exceeds 0.8. Here it is compared with the shelf, and
    the threshold comes from the judged queries of the shelf's development half. Chapter *recommender*.

    Parameters
    ----------
    text : str
    k : int
        Number of similar items.

    Returns
    -------
    Mined

    Raises
    ------
    TypeError
        If `text` is not a string.
    ValueError
        If it is blank, or `k` is below 1.
    """
    check_k(k)
    text = check_query(text)
    recommender, threshold = shelf_recommender(), shelf_threshold()
    tfidf = recommender.members_[1].tfidf_
    similar = describe(recommender.recommend(text=text, k=k), recommender, text).drop(columns="user_id")
    similar["probability"] = [verdict(text, score, threshold)[1] for score in similar["score"]]
    return Mined(
        text=text,
        language=guess_language(text),
        tokens=segment(text),
        keywords=tfidf.keywords(text),
        similar=similar,
        relevant=verdict(text, similar["score"].iloc[0], threshold)[0],
        threshold=threshold,
    )


def describe(recommended: pd.DataFrame, recommender: HybridRecommender, text: str) -> pd.DataFrame:
    """Add ``title`` (in the text's language), ``domain`` and ``shared`` keywords to a recommender's answer. Chapter *recommender*."""
    items = recommender.items_.loc[recommended["item_id"]]
    domains = items["domain"].to_numpy() if "domain" in items else [""] * len(items)
    shared = shared_keywords(recommender, text, recommended["item_id"])
    return recommended.assign(title=titles(items, guess_language(text)), domain=domains, shared=shared)


def titles(items: pd.DataFrame, language: str) -> list[str]:
    """The items' titles on one line each, in a language where they have one in it, else in another. Chapter *recommender*."""
    order = ["title_zh", "title", "title_en"] if language == "zh" else ["title_en", "title", "title_zh"]
    columns = [items[name] for name in order if name in items]
    filled = [[" ".join(cell.split()) for cell in row if isinstance(cell, str) and cell.strip()] for row in zip(*columns, strict=True)]
    return [row[0] if row else "" for row in filled]


def verdict(text: str, score: float, threshold: Threshold) -> tuple[bool, float]:
    """Whether a score lies above the threshold, and the probability that a judge would call the item relevant. Chapter *recommender*.

    A text without a word (！, 👍) wishes for nothing, whatever its vector is near to: never relevant, probability 0.
    """
    if not words(text):
        return False, 0.0
    return bool(score >= threshold.value), float(threshold.probability(score))


def shared_keywords(recommender: HybridRecommender, text: str, item_ids: Iterable[str], k: int = 4) -> list[str]:
    """The words that a text shares with each item, the heaviest first. Chapter *recommender*."""
    member = recommender.members_[1]
    names = member.tfidf_.get_feature_names_out()
    rows = member.vectors_[recommender.items_.index.get_indexer(id_index(item_ids))]
    products = csr_matrix(rows.multiply(member.tfidf_.transform([text])))
    heaviest = [sorted(zip(-row.data, names[row.indices], strict=True))[:k] for row in products]
    return [", ".join(str(name) for _, name in shared) for shared in heaviest]


@cache
def shelf_recommender() -> HybridRecommender:
    """The hybrid recommender over the shelf, fitted once a process. Chapter *recommender*."""
    from tokrec.datasets import load_shelf

    return HybridRecommender().fit(None, load_shelf().items)


@cache
def shelf_threshold() -> Threshold:
    """The threshold on the hybrid score, from the judged queries of the development half in both languages. Chapter *similarity*.

    Stored, so that an answer need not wait for 90 queries: :func:`calibrate_on_shelf` makes it.
    """
    return Threshold(**read("shelf_threshold")["value"])


def calibrate_on_shelf() -> dict[str, float]:
    """The fields of :func:`shelf_threshold`, computed. Chapter *similarity*.

    Pairs are each query with its 50 best items: there the verdict matters. Relevance of 2 or 3 counts as related.
    """
    from tokrec.datasets import load_shelf

    shelf, recommender = load_shelf(), shelf_recommender()
    queries = shelf.queries[shelf.queries["half"] == "dev"]
    good = shelf.relevance[shelf.relevance["relevance"] >= 2]
    wanted = set(zip(good["query_id"], good["item_id"], strict=True))
    scores, labels = [], []
    for language in ("en", "zh"):
        block = recommender._score_text(queries[f"text_{language}"].tolist())
        for query, row in zip(queries.index, block, strict=True):
            best = np.argsort(-row, kind="stable")[:50]
            scores += row[best].tolist()
            labels += [(query, item) in wanted for item in shelf.items.index[best]]
    return {name: round(value, 9) for name, value in asdict(calibrate_threshold(scores, labels)).items()}
