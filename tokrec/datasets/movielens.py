"""MovieLens ml-latest-small, shipped under GroupLens' own conditions (page *movielens*)."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pandas as pd

SHA256 = {
    "ratings.csv": "80da8b3393dae325bbba5a31f291a6ba55d8d4f4396de3c456f2c1635b1b70e8",
    "movies.csv": "c47b783f23eb304413307e1bb05335e427737da20ec8d3c0e96335567dd5f3dc",
    "tags.csv": "68eec00a0820c2faa8863a6df7032f13d5899a4462bce9a97213905297ff3d34",
    "links.csv": "028a4a1d17751ca9276e0e0718cfc22356350f224a996e1ec348c23274b9209d",
}
NAMES = {"userId": "user_id", "movieId": "item_id", "imdbId": "imdb_id", "tmdbId": "tmdb_id"}


def load_movielens(folder: str | Path | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """MovieLens ml-latest-small (Harper & Konstan 2015): ratings of real people, checked by SHA-256. Page *movielens*.

    For research and teaching only, not for commercial use; GroupLens and the University of Minnesota endorse nothing made with it; cite
    Harper and Konstan (2015). The conditions, ``README.txt``, lie beside the data in :func:`movielens_folder`.

    Parameters
    ----------
    folder : str or Path, optional
        Where ``ratings.csv`` and ``movies.csv`` lie; by default the copy inside the package.

    Returns
    -------
    interactions : DataFrame
        100,836 rows: ``user_id, item_id, rating`` (0.5 to 5), ``timestamp`` (seconds since 1970).
    items : DataFrame
        9,742 rows, indexed by ``item_id``: ``title`` and ``text`` (the genres).

    Raises
    ------
    FileNotFoundError
        If a file is missing; the message says where to get it.
    ValueError
        If a file is not the published one.
    """
    movies = _read("movies.csv", folder).set_index("item_id")
    items = pd.DataFrame({"title": movies["title"], "text": movies["genres"].str.replace("|", " ", regex=False)})
    return _read("ratings.csv", folder)[["user_id", "item_id", "rating", "timestamp"]], items


def load_movielens_tags(folder: str | Path | None = None) -> pd.DataFrame:
    """What people wrote on films: 3,683 rows ``user_id, item_id, tag, timestamp``; as :func:`load_movielens`. Page *movielens*."""
    return _read("tags.csv", folder)


def load_movielens_links(folder: str | Path | None = None) -> pd.DataFrame:
    """The films' numbers elsewhere, indexed by ``item_id``: ``imdb_id`` (str, with its zeros), ``tmdb_id`` (missing for eight).

    As :func:`load_movielens`. Page *movielens*.
    """
    return _read("links.csv", folder).set_index("item_id")


def movielens_folder() -> Path:
    """Where the bundled copy and its conditions lie; deleting this folder takes the data out of the package. Page *movielens*."""
    return Path(str(files("tokrec").joinpath("data", "ml-latest-small")))


def _read(name: str, folder: str | Path | None) -> pd.DataFrame:
    content = _bundled(name) if folder is None else _own(Path(folder) / name)
    types = {"imdbId": "str", "tmdbId": "Int64"} if name == "links.csv" else {}
    return pd.read_csv(BytesIO(content), dtype=types).rename(columns=NAMES)


def _bundled(name: str) -> bytes:
    archive = movielens_folder() / "ml-latest-small.zip"
    if not archive.is_file():
        raise FileNotFoundError(f"MovieLens has been taken out of this installation ({archive} is missing): reinstall tokrec, or {_ADVICE}")
    with ZipFile(archive) as opened:
        return _checked(opened.read(f"ml-latest-small/{name}"), archive / name)


def _own(path: Path) -> bytes:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {_ADVICE}")
    return _checked(path.read_bytes(), path)


def _checked(content: bytes, path: Path) -> bytes:
    if hashlib.sha256(content).hexdigest() != SHA256[path.name]:
        raise ValueError(f"{path} is not the published ml-latest-small file (SHA-256 differs): {_ADVICE}")
    return content


_ADVICE = "download ml-latest-small.zip from https://grouplens.org/datasets/movielens/, unpack it and give that folder"
