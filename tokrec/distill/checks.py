"""What the vectors are good for, beyond the held-out translations: the student beside its teachers and beside TF-IDF.

Each check yields one number an observation (a query, an item, a reader), so that every score has an interval.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.linalg import solve
from scipy.stats import spearmanr
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.preprocessing import normalize

from tokrec.datasets.movielens import load_movielens
from tokrec.datasets.shelf import load_shelf
from tokrec.distill.corpus import CJK, read_pairs
from tokrec.distill.names import name_checks
from tokrec.distill.report import translation_found
from tokrec.distill.target import Target
from tokrec.distill.teacher import teacher_vectors, use_vectors
from tokrec.evaluate import bootstrap_interval, judge_queries, ndcg_at_k, paired_difference
from tokrec.features.encoder import load_encoder
from tokrec.features.tfidf import TfidfFeatures
from tokrec.recommend.base import interaction_matrix
from tokrec.similarity import best_first, dense
from tokrec.text import item_texts

Embed = Callable[[list[str]], np.ndarray]
SIZES = (64, 128, 256, 384)


def similarity_agreement(en: np.ndarray, other: np.ndarray, random_state: int = 0) -> float:
    """Spearman correlation of two encoders' cosines over pairs of texts, half of them near ones. Chapter *small_encoder*.

    Parameters
    ----------
    en : ndarray, shape (n, d)
        Unit vectors of texts, such as the teachers' joined ones.
    other : ndarray, shape (n, e)
        Unit vectors of the same texts, or of their translations.
    random_state : int

    Returns
    -------
    float
        In [-1, 1].
    """
    rng = np.random.default_rng(random_state)
    first = np.repeat(np.arange(len(en)), 10)
    near = np.argsort(-(en @ en.T - 2 * np.eye(len(en))), axis=1)[:, :5]
    second = np.concatenate([near, rng.integers(len(en), size=(len(en), 5))], axis=1).ravel()
    first, second = first[first != second], second[first != second]
    return float(spearmanr((en[first] * en[second]).sum(axis=1), (other[first] * other[second]).sum(axis=1)).statistic)


def shelf_retrieval(embed: Embed | None, query_language: str, item_language: str) -> np.ndarray:
    """NDCG@10 of each test query of the shelf, titles and texts only; TF-IDF when there is no encoder. Chapter *small_encoder*."""
    shelf = load_shelf()
    queries = shelf.queries[shelf.queries["half"] == "test"]
    texts, wishes = item_texts(shelf.items, item_language), queries[f"text_{query_language}"].tolist()
    transform = TfidfFeatures().fit(texts).transform if embed is None else embed
    scores = dense(transform(wishes) @ transform(texts).T)
    return judge_queries(scores, queries.index.tolist(), shelf.items.index.tolist(), shelf.relevance).to_numpy()


def domain_accuracy(embed: Embed | None, language: str, random_state: int = 0) -> np.ndarray:
    """Whether the domain of each item of the shelf is told rightly from its text in `language`. Chapter *small_encoder*.

    A logistic regression learns the domains from *English* texts; items take turns in five folds, so that an item is never
    judged by a model that saw it in either language.
    """
    items = load_shelf().items
    train, test, labels = item_texts(items, "en"), item_texts(items, language), items["domain"].to_numpy()
    vectors = None if embed is None else (embed(train), embed(test))
    right = np.zeros(len(items))
    for fit, held in KFold(5, shuffle=True, random_state=random_state).split(train):
        if vectors is None:
            vectorizer = TfidfVectorizer(sublinear_tf=True).fit([train[i] for i in fit])
            seen, told = (vectorizer.transform([texts[i] for i in rows]) for texts, rows in ((train, fit), (test, held)))
        else:
            seen, told = vectors[0][fit], vectors[1][held]
        model = LogisticRegression(C=10, max_iter=1000).fit(seen, labels[fit])
        right[held] = model.predict(told) == labels[held]
    return right


def cold_items(embed: Embed | None, random_state: int = 0) -> np.ndarray:
    """NDCG@10 of each MovieLens reader on films hidden from training, the mean of five folds. Chapter *small_encoder*.

    Ratings of 4 or more are positive. In each fold a fifth of the films lose all their ratings; kernel ridge regression
    ``exp(4 · cosine)`` with a penalty of 100 carries the readers' ratings of the other films over by title and genres.
    """
    ratings, films = load_movielens()
    positive = ratings[ratings["rating"] >= 4]
    films = films.loc[np.sort(positive["item_id"].unique())]
    users = pd.Index(np.sort(positive["user_id"].unique()))
    likes = (interaction_matrix(positive, users, films.index) > 0).astype(float).T.toarray()
    texts = item_texts(films)
    vectors = TfidfVectorizer(sublinear_tf=True).fit_transform(texts) if embed is None else embed(texts)
    kernel = np.exp(4 * dense(vectors @ vectors.T)).astype(np.float64)
    folds = []
    for known, cold in KFold(5, shuffle=True, random_state=random_state).split(texts):
        weights = solve(kernel[np.ix_(known, known)] + 100 * np.eye(len(known)), likes[known], assume_a="pos")
        ranked = best_first((kernel[np.ix_(cold, known)] @ weights).T, 10)
        wanted = [set(np.flatnonzero(row)) for row in likes[cold].T]
        folds.append([ndcg_at_k(list(row), want, 10) if want else np.nan for row, want in zip(ranked, wanted, strict=True)])
    return np.nanmean(np.array(folds), axis=0)


def once(embed: Embed) -> Embed:
    """The same encoder, which remembers what it has encoded: several checks read the same texts."""
    stored = cache(lambda texts: np.asarray(embed(list(texts)), np.float32))
    return lambda texts: stored(tuple(texts))


def checks(embed: dict[str, Embed | None], movielens: bool) -> Iterator[tuple[str, str, np.ndarray]]:
    """Every check with every system: name of the check, name of the system, one value an observation."""
    tasks: dict[str, Callable[[Embed | None], np.ndarray]] = {}
    for query, item in (("en", "en"), ("zh", "zh"), ("zh", "en"), ("en", "zh")):
        tasks[f"shelf, {query} query, {item} items"] = partial(shelf_retrieval, query_language=query, item_language=item)
    tasks["shelf, the mean of all four"] = shelf_mean
    for language in ("en", "zh"):
        tasks[f"domains, learned in en, told in {language}"] = partial(domain_accuracy, language=language)
    if movielens:
        tasks["MovieLens, cold films"] = cold_items
    for task, compute in tasks.items():
        for system, encode in embed.items():
            yield task, system, compute(encode)


def shelf_mean(embed: Embed | None) -> np.ndarray:
    """NDCG@10 of each test query, the mean of the four ways to pair its language with the items' language."""
    return np.mean([shelf_retrieval(embed, query, item) for query in ("en", "zh") for item in ("en", "zh")], axis=0)


def agreement_rows(vectors: dict[str, dict[str, np.ndarray]]) -> Iterator[tuple]:
    """Rows of the table: how far ``vectors[system][language]`` of the same sentences agree with both teachers' joined English ones."""
    for system, of_language in vectors.items():
        for language, found in of_language.items():
            value = similarity_agreement(vectors["joined"]["en"], found)
            yield (f"agreement with the teachers' similarities, {language}", system, len(found), value, np.nan, np.nan)


def found_by_size(vectors: dict[str, np.ndarray], sources: pd.Series, random_state: int = 0) -> pd.DataFrame:
    """Translations found by 64, 128, 256 and 384 numbers of a vector: columns ``size, source, found, drawn``.

    ``found`` takes the first ones, ``drawn`` as many drawn at random (the mean of five draws).
    """
    rng = np.random.default_rng(random_state)
    width = vectors["zh"].shape[1]
    rows = []
    for source in sorted(sources.unique()):
        own = (sources == source).to_numpy()
        for size in SIZES:
            columns = [np.arange(size), *(rng.choice(width, size, replace=False) for _ in range(5))]
            cut = [[normalize(vectors[language][own][:, kept]) for language in ("zh", "en")] for kept in columns]
            found = [translation_found(zh, en).mean() for zh, en in cut]
            rows.append((size, source, found[0], np.mean(found[1:])))
    return pd.DataFrame(rows, columns=["size", "source", "found", "drawn"])


def joined_vectors(texts: list[str], target: Target) -> np.ndarray:
    """Both teachers' vectors side by side, ``(n, 896)``; a text with Chinese in it is read by the second alone."""
    chinese = np.array([bool(CJK.search(text)) for text in texts])
    return target.joined(use_vectors(texts), np.where(chinese[:, None], np.float16(0), teacher_vectors(texts, max_length=256)))


def systems(out: Path, before: Path | None) -> dict[str, Embed | None]:
    """What is compared, the student last: TF-IDF, each teacher, both joined and, if `before` names its folder, an earlier student."""
    embed: dict[str, Embed | None] = {
        "tfidf": None,
        "teacher": partial(teacher_vectors, max_length=256),
        "second": use_vectors,
        "joined": partial(joined_vectors, target=Target.load(out / "target.npz")),
    }
    folders = ({"before": before} if before else {}) | {"student": out / "tokrec-mini"}
    embed |= {name: load_encoder(folder).encode for name, folder in folders.items()}
    return {name: encode and once(encode) for name, encode in embed.items()}


def write_checks(out: Path, movielens: bool, before: Path | None = None) -> None:
    """Store ``checks.csv`` and ``sizes.csv`` (:func:`found_by_size`).

    The first holds every check, and the student's differences from the others, paired by observation.
    """
    embed, valid = systems(out, before), read_pairs(out / "valid.tsv")
    rows, found = [], {}
    for task, system, values in chain(name_checks(embed, read_pairs(out / "train.tsv"), valid), checks(embed, movielens)):
        found[system] = values = values[~np.isnan(values)]
        rows.append((task, system, len(values), values.mean(), *bootstrap_interval(values)))
        print(*rows[-1], flush=True)
        if system == "student":  # the last of them
            rows += [(task, f"student - {other}", len(values), *paired_difference(values, found[other])) for other in list(found)[:-1]]
            found = {}
    everyday = valid[valid["source"] == "tatoeba"] if (valid["source"] == "tatoeba").any() else valid
    vectors = {name: {side: encode(everyday[side].tolist()) for side in ("en", "zh")} for name, encode in embed.items() if encode}
    rows += agreement_rows(vectors)
    columns = ["check", "system", "n", "mean", "low", "high"]
    pd.DataFrame(rows, columns=columns).round(4).to_csv(out / "checks.csv", index=False, lineterminator="\n")
    student = {side: load_encoder(out / "tokrec-mini").encode(valid[side].tolist()) for side in ("en", "zh")}
    found_by_size(student, valid["source"]).round(4).to_csv(out / "sizes.csv", index=False, lineterminator="\n")


def main(arguments: list[str] | None = None) -> None:
    """Compute and store the checks of a finished run."""
    parser = argparse.ArgumentParser(prog="python -m tokrec.distill.checks", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of a finished run")
    parser.add_argument("--movielens", action="store_true", help="check MovieLens' films too, which takes some minutes")
    parser.add_argument("--before", type=Path, help="folder of an earlier encoder, to stand beside this one")
    options = parser.parse_args(arguments)
    write_checks(options.out, options.movielens, options.before)


if __name__ == "__main__":
    main()
