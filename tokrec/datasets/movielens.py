"""MovieLens ml-latest-small, read from the reader's own copy (page *readers*)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

SHA256 = {
    "ratings.csv": "80da8b3393dae325bbba5a31f291a6ba55d8d4f4396de3c456f2c1635b1b70e8",
    "movies.csv": "c47b783f23eb304413307e1bb05335e427737da20ec8d3c0e96335567dd5f3dc",
}


def load_movielens(folder: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read MovieLens ml-latest-small (Harper & Konstan 2015), checked by SHA-256. Page *readers*.

    Parameters
    ----------
    folder : str or Path
        Where ``ratings.csv`` and ``movies.csv`` lie; the data may not be shipped with the book.

    Returns
    -------
    interactions : DataFrame
        100,836 rows: ``user_id, item_id, rating, timestamp``.
    items : DataFrame
        9,742 rows, indexed by ``item_id``: ``title`` and ``text`` (the genres).

    Raises
    ------
    FileNotFoundError
        If a file is missing; the message says where to get it.
    ValueError
        If a file is not the published one.
    """
    folder = Path(folder)
    for name, expected in SHA256.items():
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder / name} is missing: download ml-latest-small.zip from https://grouplens.org/datasets/movielens/ and unpack it"
            )
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise ValueError(f"{folder / name} is not the published ml-latest-small file (SHA-256 differs): download it again")
    ratings = pd.read_csv(folder / "ratings.csv").rename(columns={"userId": "user_id", "movieId": "item_id"})
    movies = pd.read_csv(folder / "movies.csv", index_col="movieId").rename_axis("item_id")
    items = pd.DataFrame({"title": movies["title"], "text": movies["genres"].str.replace("|", " ", regex=False)})
    return ratings[["user_id", "item_id", "rating", "timestamp"]], items
