"""The spine of the book: encoder − TF-IDF in every situation, one row each (page *intro*, chapter *recommender*).

``python -m tokrec.stored spine`` makes the table anew, ``python -m tokrec.spine book/images/spine.svg`` draws it. A chapter adds its
situations by a function in ``SITUATIONS``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from tokrec.datasets.movielens import load_movielens
from tokrec.datasets.shelf import load_shelf
from tokrec.evaluate import judge_queries, ndcg_at_k, paired_difference, per_user, temporal_split
from tokrec.features.cache import cached
from tokrec.features.encoder import bundled_version, default_encoder
from tokrec.recommend import ContentRecommender, HybridRecommender
from tokrec.recommend.base import Recommender, interaction_matrix
from tokrec.similarity import best_first
from tokrec.stored import from_json, read

TEXTS = {"prose alone": False, "with labels": True}  # labels: genre and tags
FOLDS = 5


@dataclass(frozen=True)
class Situation:
    """A row of the spine before it is summed up. Page *intro*.

    Attributes
    ----------
    group : str
        Rows of one group share an axis.
    name, text, measure : str
        Who asks, what the methods read, what is measured on whom.
    values : dict of str to ndarray
        For ``encoder``, ``tfidf`` and, where there is one, ``hybrid``: a value for each of the same queries or readers, NaN where there
        is nothing to find.
    note : str
    """

    group: str
    name: str
    text: str
    measure: str
    values: dict[str, np.ndarray]
    note: str = ""


def spine() -> pd.DataFrame:
    """Quality of both methods in every situation, and their paired difference. Page *intro*.

    Returns
    -------
    DataFrame
        ``group, situation, text, measure, n`` (queries or readers), means ``encoder, tfidf, hybrid``, ``difference, low, high`` (encoder −
        TF-IDF with its 95 % bootstrap interval), ``best`` (encoder, tfidf, undecided) and ``note``.
    """
    return pd.DataFrame([summed(situation) for situations in SITUATIONS for situation in situations()]).round(4)


def summed(situation: Situation) -> dict[str, str | int | float]:
    """One row of :func:`spine`. Page *intro*."""
    known = ~np.isnan(situation.values["encoder"])
    values = {name: column[known] for name, column in situation.values.items()}
    difference, low, high = paired_difference(values["encoder"], values["tfidf"])
    means = {name: float(values[name].mean()) if name in values else np.nan for name in ("encoder", "tfidf", "hybrid")}
    return {
        "group": situation.group,
        "situation": situation.name,
        "text": situation.text,
        "measure": situation.measure,
        "n": int(known.sum()),
        **means,
        "difference": difference,
        "low": low,
        "high": high,
        "best": winner(low, high),
        "note": situation.note,
    }


def winner(low: float, high: float) -> str:
    """Who is ahead, by the interval of encoder − TF-IDF: ``encoder``, ``tfidf`` or ``undecided``. Page *intro*."""
    return "encoder" if low > 0 else "tfidf" if high < 0 else "undecided"


def methods() -> dict[str, Recommender]:
    """The two that are compared, and their sum. Page *intro*."""
    return {"encoder": ContentRecommender("encoder"), "tfidf": ContentRecommender("tfidf"), "hybrid": HybridRecommender()}


def columns_of(languages: tuple[str, ...], labels: bool) -> list[str]:
    """The shelf's columns that an item's text is made of. Page *intro*."""
    suffix = {"en": "", "zh": "_zh"}
    marked = [f"{name}{suffix[language]}" for language in languages for name in ("genre", "tags")]
    return [f"{name}_{language}" for language in languages for name in ("title", "text")] + (marked if labels else [])


def queries() -> Iterator[Situation]:
    """Judged queries of the test half, within a language and across. Page *intro*."""
    shelf = load_shelf()
    half = shelf.queries[shelf.queries["half"] == "test"]
    spoken = {"en": "English", "zh": "Chinese"}
    for asked, described in (("en", "en"), ("zh", "zh"), ("zh", "en"), ("en", "zh")):
        note = "" if asked == described else "TF-IDF sees only what is written alike in both languages: names in Latin letters, numbers."
        for text, labels in TEXTS.items():
            items, values = shelf.items[columns_of((described,), labels)], {}
            for name, recommender in methods().items():
                scores = recommender.fit(None, items).score_text(half[f"text_{asked}"].tolist())
                values[name] = judge_queries(scores, half.index.tolist(), items.index.tolist(), shelf.relevance).to_numpy()
            yield Situation("queries", f"{spoken[asked]} query, {spoken[described]} items", text, "NDCG@10, queries", values, note)


def choices() -> Iterator[Situation]:
    """The last fifth of each simulated reader's choices, from a profile of the earlier ones. Page *intro*."""
    shelf = load_shelf()
    train, test = temporal_split(shelf.interactions)
    for text, labels in TEXTS.items():
        items = shelf.items[columns_of(("en", "zh"), labels)]
        values = {name: per_user(method.fit(train, items), test)["ndcg"].to_numpy() for name, method in methods().items()}
        yield Situation("readers", "later choices", text, "NDCG@10, readers", values)


def cold_items() -> Iterator[Situation]:
    """Items of the shelf that nobody has chosen yet: each fold's are ranked by earlier choices of the others. Page *intro*."""
    shelf = load_shelf()
    note = "The profile holds what the reader chose before; hidden items are ranked among themselves."
    for text, labels in TEXTS.items():
        items = shelf.items[columns_of(("en", "zh"), labels)]
        values = {name: cold_ndcg(method.fit(shelf.interactions, items), shelf.interactions) for name, method in methods().items()}
        yield Situation("readers", "new items", text, "NDCG@10, readers", values, note)


def cold_ndcg(recommender: Recommender, interactions: pd.DataFrame, earlier: bool = True, random_state: int = 0) -> np.ndarray:
    """NDCG@10 of each reader on items hidden from all histories, a fifth of them at a time. Chapter *recommender*.

    Each liked hidden item is looked for alone, among the hidden ones that the reader has not liked.

    Parameters
    ----------
    recommender : Recommender
        Fitted; only its texts are used.
    interactions : DataFrame
    earlier : bool
        Whether the profile ends where the reader came to the hidden item; otherwise it holds later choices too.
    random_state : int

    Returns
    -------
    ndarray, shape (n_users,)
        NaN for a reader without a liked item that comes after another item of the other folds.
    """
    users, items = recommender.users_, recommender.items_.index
    ratings = interaction_matrix(interactions, users, items).toarray()
    times = interaction_matrix(interactions.assign(rating=interactions["timestamp"].rank(method="dense")), users, items).toarray()
    fold_of = np.random.default_rng(random_state).permutation(np.arange(len(items)) % FOLDS)
    total, count = np.zeros(len(users)), np.zeros(len(users))
    for fold in range(FOLDS):
        cold = fold_of == fold
        who, wanted = np.nonzero((ratings >= recommender.positive_) & cold)
        before = ~cold & (ratings[who] > 0) & (times[who] < times[who, wanted][:, None])
        who, wanted, before = (part[before.any(axis=1)] for part in (who, wanted, before))
        history = ratings[who] * (before if earlier else ~cold)
        scores = recommender.score_history(csr_matrix(history))
        rivals = cold & ~(ratings[who] >= recommender.positive_)
        own = scores[np.arange(len(who)), wanted][:, None]
        rank = 1 + (rivals & (scores > own)).sum(axis=1) + (rivals & (scores == own)).sum(axis=1) / 2  # words tie at 0: the middle rank
        np.add.at(total, who, np.where(rank <= 10, 1 / np.log2(rank + 1), 0.0))
        np.add.at(count, who, 1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def cold_films() -> Iterator[Situation]:
    """Films of MovieLens that nobody has rated yet, by the articles' mean profile and by kernel ridge regression. Page *intro*."""
    from tokrec.distill.checks import cold_items as by_kernel_ridge

    def embed(texts: list[str]) -> np.ndarray:
        return cached(texts, lambda missing: default_encoder().encode(missing), bundled_version())

    def both(texts: list[str]) -> csr_matrix:
        return csr_matrix(hstack([embed(texts), TfidfVectorizer(sublinear_tf=True).fit_transform(texts)]) / np.sqrt(2))

    text, measure = "title, year, genres", "NDCG@10, readers"
    ratings, films = load_movielens()
    rated = films.loc[np.sort(ratings["item_id"][ratings["rating"] >= 4].unique())]
    ratings = ratings[ratings["item_id"].isin(rated.index)]
    values = {name: cold_profiles(method.fit(ratings, rated)) for name, method in methods().items()}
    yield Situation("readers", "new films, mean profile", text, measure, values)
    values = {"encoder": by_kernel_ridge(embed), "tfidf": by_kernel_ridge(None), "hybrid": by_kernel_ridge(both)}
    yield Situation("readers", "new films, kernel ridge", text, measure, values)


def cold_profiles(recommender: Recommender, random_state: int = 0) -> np.ndarray:
    """NDCG@10 of each reader on items hidden from the profiles, the mean of five folds. Chapter *recommender*."""
    from sklearn.model_selection import KFold

    seen, folds = recommender.seen_, []
    liked = (seen >= recommender.positive_).toarray()
    for known, cold in KFold(FOLDS, shuffle=True, random_state=random_state).split(liked.T):
        kept = np.zeros(seen.shape[1])
        kept[known] = 1
        scores = recommender.score_history(csr_matrix(seen.multiply(kept)))[:, cold]
        wanted = [set(np.flatnonzero(row)) for row in liked[:, cold]]
        ranked = best_first(scores, 10)
        folds.append([ndcg_at_k(list(row), want, 10) if want else np.nan for row, want in zip(ranked, wanted, strict=True)])
    values = np.array(folds)
    found = ~np.isnan(values).all(axis=0)
    return np.where(found, np.nanmean(np.where(found, values, 0), axis=0), np.nan)


SITUATIONS: tuple[Callable[[], Iterator[Situation]], ...] = (queries, choices, cold_items, cold_films)


def main(arguments: list[str] | None = None) -> None:
    """Draw the stored table. Page *intro*."""
    from matplotlib import pyplot as plt

    from tokrec import plot

    (path,) = [Path(name) for name in (sys.argv[1:] if arguments is None else arguments)]
    plot.use_style()
    with plt.rc_context({"svg.fonttype": "none"}):
        plot.spine(from_json(read("spine")["value"]))
        plt.savefig(path, metadata={"Date": None})
    print(path)


if __name__ == "__main__":
    main()
