"""Readers who each like one genre, items that name it, and an encoder by letters, for the tests of new items."""

import numpy as np
import pandas as pd

from tokrec import evaluate as ev

GENRES = ["space", "love", "crime", "war"]
SIGNS = "abcdefghijklmnopqrstuvwxyz0123456789"


class ByLetters:
    """An encoder whose vectors are counts of letters, of unit length."""

    version = "letters"

    def encode(self, texts, **_):
        counts = np.array([[text.lower().count(sign) for sign in SIGNS] for text in texts], np.float32) + 0.1
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def world(n_items: int = 60, n_users: int = 40, share: float = 0.34, planted: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Readers who like one genre each. The text names the genre, or, if nothing is planted, any genre."""
    rng = np.random.default_rng(0)
    genre = rng.integers(4, size=n_items)
    told = genre if planted else rng.permutation(genre)
    titles = [f"No {i} ({1980 + i % 30})" for i in range(n_items)]
    items = pd.DataFrame({"title": titles, "text": [GENRES[g] for g in told]}, index=[f"i{i:03}" for i in range(n_items)])
    rows = [
        (f"u{u:02}", f"i{i:03}", 5.0 if genre[i] == u % 4 else 2.0, int(rng.integers(1, 10**9)))
        for u in range(n_users)
        for i in rng.choice(n_items, int(n_items * share), replace=False)
    ]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"]), items


def split(interactions: pd.DataFrame, items: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.Index]:
    hidden = ev.cold_folds(items.index, 5)[0]
    cold = interactions["item_id"].isin(hidden)
    return interactions[~cold], interactions[cold], hidden
