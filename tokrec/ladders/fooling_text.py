"""How to fool yourself with text: tags on films that nobody has rated, and IDF fitted on their texts (chapter *evaluation*).

``python -m tokrec.stored fooling_text`` makes the table anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy.linalg import cho_solve
from scipy.sparse import csr_matrix, diags_array
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize
from tqdm import tqdm

from tokrec.datasets.movielens import load_movielens_tags
from tokrec.evaluate import cold_folds, ndcg_of_scores, paired_difference, two_level_interval
from tokrec.evaluate.splits import POSITIVE
from tokrec.ladders.six_methods import data
from tokrec.recommend.base import interaction_matrix
from tokrec.recommend.ridge import factor
from tokrec.similarity import dense
from tokrec.text import item_texts, words

PENALTY, SHARPNESS = 100.0, 4.0
Kind = Callable[[np.ndarray], csr_matrix]  # from the hidden places to vectors of all films


def fooling_text() -> pd.DataFrame:
    """NDCG@10 on hidden films, the mean of five folds, by kernel ridge regression on words. Chapter *evaluation*.

    Returns
    -------
    DataFrame
        ``texts`` (what is read), ``ndcg`` with its interval over readers and folds ``low, high``; ``difference`` from the first row, which
        reads titles and genres and fits IDF on the other films, with ``difference_low, difference_high``; ``worst, best``: of the folds.
    """
    values = dict(judged())
    plain, rows = values["title, genres"], []
    for name, found in values.items():
        folds, apart = np.nanmean(found, axis=0), paired_difference(found, plain)
        low, high = two_level_interval(found)
        figures = {"ndcg": folds.mean(), "low": low, "high": high, "worst": folds.min(), "best": folds.max()}
        rows.append({"texts": name, **figures, **dict(zip(("difference", "difference_low", "difference_high"), apart, strict=True))})
    return pd.DataFrame(rows).round(5)


def judged() -> Iterator[tuple[str, np.ndarray]]:
    """Each way of reading with NDCG@10 of readers and folds, ``(n_readers, n_folds)``; NaN where there is nothing to find.

    Chapter *evaluation*.
    """
    ratings, films = data()
    ratings = ratings[ratings["rating"] >= POSITIVE]
    rated = films.loc[np.sort(ratings["item_id"].unique())]
    liked = interaction_matrix(ratings, pd.Index(np.sort(ratings["user_id"].unique())), rated.index)
    folds = [rated.index.get_indexer(fold) for fold in cold_folds(rated.index)]
    for name, kind in tqdm(list(kinds(rated).items()), desc="texts", disable=None):
        yield name, np.stack([fold_ndcg(kind(hidden), liked, hidden) for hidden in folds], axis=1)
    tagged = load_movielens_tags()["item_id"].isin(rated.index)
    counts = load_movielens_tags()[tagged]["item_id"].value_counts().reindex(rated.index, fill_value=0).to_numpy()
    noise = np.random.default_rng(0).random(len(rated))  # films with equally many tags in no order
    by_count = [ndcg_of(np.tile((counts + noise)[hidden], (liked.shape[0], 1)), liked, hidden) for hidden in folds]
    yield "number of tags, unread", np.stack(by_count, axis=1)


def kinds(films: pd.DataFrame) -> dict[str, Kind]:
    """Ways to read the films' texts, by name: each makes vectors of all films when some are hidden. Chapter *evaluation*."""
    plain = item_texts(films, labels=True)
    of_film = load_movielens_tags().groupby("item_id")["tag"].agg(lambda tags: " ".join(map(str, tags))).reindex(films.index)
    full = [f"{text}\n{tags}" if isinstance(tags, str) else text for text, tags in zip(plain, of_film, strict=True)]

    def known_tags(hidden: np.ndarray) -> list[str]:
        return [plain[place] if place in set(hidden) else text for place, text in enumerate(full)]

    def exchanged(hidden: np.ndarray) -> list[str]:
        """The tags of hidden films dealt out anew among those of them that have any. Chapter *evaluation*."""
        texts, tagged = known_tags(hidden), [place for place in hidden if isinstance(of_film.iloc[place], str)]
        for place, other in zip(tagged, np.random.default_rng(0).permutation(tagged), strict=True):
            texts[place] = f"{plain[place]}\n{of_film.iloc[other]}"
        return texts

    return {
        "title, genres": lambda hidden: vectors(plain, hidden),
        "title, genres, IDF of all": lambda hidden: vectors(plain, None),
        "tags of known films": lambda hidden: vectors(known_tags(hidden), hidden),
        "tags of hidden films too": lambda hidden: vectors(full, hidden),
        "tags of hidden films exchanged": lambda hidden: vectors(exchanged(hidden), hidden),
    }


def vectors(texts: list[str], hidden: np.ndarray | None) -> csr_matrix:
    """TF-IDF of unit length, IDF counted without the hidden texts; their own words are kept, with the weight of a word never seen.

    Chapter *evaluation*.
    """
    counts = csr_matrix(CountVectorizer(analyzer=words).fit_transform(texts))
    known = counts if hidden is None else counts[np.setdiff1d(np.arange(len(texts)), hidden)]
    idf = np.log((1 + known.shape[0]) / (1 + known.getnnz(axis=0))) + 1
    return csr_matrix(normalize(counts @ diags_array(idf)), dtype=np.float32)


def fold_ndcg(read: csr_matrix, liked: csr_matrix, hidden: np.ndarray) -> np.ndarray:
    """NDCG@10 of each reader on the hidden films, by kernel ridge regression on all others. Chapter *evaluation*."""
    known = np.setdiff1d(np.arange(liked.shape[1]), hidden)
    solved = cho_solve((factor(kernel(read[known], read[known]), PENALTY), True), (liked[:, known] > 0).toarray().T.astype(np.float32))
    return ndcg_of((kernel(read[hidden], read[known]) @ solved).T, liked, hidden)


def ndcg_of(scores: np.ndarray, liked: csr_matrix, hidden: np.ndarray) -> np.ndarray:
    """NDCG@10 of each reader, NaN for one without a liked hidden film. Chapter *evaluation*."""
    wanted = liked[:, hidden].toarray() > 0
    return np.where(wanted.any(axis=1), ndcg_of_scores(scores.astype(float), wanted), np.nan)


def kernel(a: csr_matrix, b: csr_matrix) -> np.ndarray:
    """``exp(SHARPNESS · cos)`` of rows of unit length: float32 ``(n_a, n_b)``. Chapter *evaluation*."""
    cosines = dense(a @ b.T).astype(np.float32)
    return np.exp(np.float32(SHARPNESS) * cosines, out=cosines)
