"""What is known of an item besides its ratings: text, genre, year, and who rated it (chapter *ratings*).

Each block of features has rows of about unit length and mean 0, so that its dot products are a kernel: alike, strange or opposite.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, diags_array
from scipy.sparse.linalg import svds
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from tokrec.recommend.content import ContentRecommender

TEXT_WIDTH, GENRE_WIDTH, CHOICE_WIDTH = 128, 64, 60


def text_features(items: pd.DataFrame) -> np.ndarray:
    """The bundled encoder's vectors of titles and texts on their main axes: float32 array ``(n_items, d)``. Chapter *ratings*."""
    return normalize(_main_axes(np.asarray(ContentRecommender("encoder").fit(None, items).vectors_), TEXT_WIDTH))


def genre_features(items: pd.DataFrame) -> np.ndarray:
    """Words of the column ``genre``, or of ``text`` where there is none (MovieLens): float32 array ``(n_items, d)``. Chapter *ratings*."""
    column = items["genre"] if "genre" in items else items["text"] if "text" in items else pd.Series("", items.index)
    words = CountVectorizer(analyzer=str.split, binary=True, dtype=np.float32).fit_transform([*column.fillna("").astype(str), "none"])
    return _unit_on_average(_main_axes(normalize(words[:-1]).toarray(), GENRE_WIDTH))


def year_features(items: pd.DataFrame) -> np.ndarray:
    """Bumps of six years along the column ``year``, or the year in brackets after a title. Chapter *ratings*.

    The middle year stands for those that are missing. Float32 array ``(n_items, d)``.
    """
    if "year" in items:
        years = pd.to_numeric(items["year"], errors="coerce")
    else:
        titles = items["title"] if "title" in items else pd.Series("", items.index)
        years = titles.astype(str).str.extract(r"\((\d{4})\)\s*$")[0].astype(float)
    return bumps(years.fillna(years.median() if years.notna().any() else 0.0).to_numpy(float), np.arange(1930, 2031, 6), 6.0)


def audience_features(counts: np.ndarray) -> np.ndarray:
    """Bumps along the number of ratings, by its logarithm to base 2: float32 array ``(n_items, d)``. Chapter *ratings*."""
    return bumps(np.log2(1 + counts), np.arange(0, 10), 1.0)


def choice_features(users: np.ndarray, items: np.ndarray, n_users: int, n_items: int) -> tuple[np.ndarray, np.ndarray]:
    """Who rated what, whatever the stars: a truncated SVD of the damped 0-1 matrix. Chapter *ratings*.

    Parameters
    ----------
    users, items : array of int, shape (n,)
        Places of the readers and items of the ratings.
    n_users, n_items : int

    Returns
    -------
    of_users, of_items : ndarray of float32, shapes (n_users, d) and (n_items, d)
        Readers who chose alike, and items chosen by the same readers, have large dot products; an item without readers has the row 0.
    """
    chosen = csr_matrix((np.ones(len(users)), (users, items)), shape=(n_users, n_items))
    by_user, by_item = (np.asarray(chosen.sum(axis=axis)).ravel() for axis in (1, 0))
    damped = diags_array((by_user + 10) ** -0.5) @ chosen @ diags_array((by_item + 3) ** -0.5)
    width = min(CHOICE_WIDTH, min(damped.shape) - 1)
    if width < 1:
        return np.zeros((n_users, 1), np.float32), np.zeros((n_items, 1), np.float32)
    u, strength, _ = svds(csr_matrix(damped), k=width, random_state=0)
    of_items = chosen.T @ (u * strength)
    of_items /= np.linalg.norm(of_items, axis=1, keepdims=True) + 0.02
    return normalize(u * strength).astype(np.float32), of_items.astype(np.float32)


def bumps(values: np.ndarray, centres: np.ndarray, width: float) -> np.ndarray:
    """Gaussian bumps around `centres`, less their mean: float32 array ``(n, len(centres))``. Chapter *ratings*."""
    return _unit_on_average(np.exp(-0.5 * ((values[:, None] - centres) / width) ** 2))


def _unit_on_average(features: np.ndarray) -> np.ndarray:
    centred = features - features.mean(axis=0)
    scale = np.sqrt((centred**2).sum(axis=1).mean())
    return (centred / max(scale, 1e-9)).astype(np.float32)


def _main_axes(features: np.ndarray, width: int) -> np.ndarray:
    if min(features.shape) <= width:
        return features.astype(np.float32)
    return PCA(width, svd_solver="randomized", random_state=0).fit_transform(features).astype(np.float32)
