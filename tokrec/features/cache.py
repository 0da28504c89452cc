"""Vectors that need not be computed again: the shelf's come with the package, a reader's own stay in the cache (chapter *recommender*).

Both kinds of file name the encoder, with its version, that made the vectors.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cache
from importlib.resources import files
from pathlib import Path
from zlib import crc32

import numpy as np
from tqdm import tqdm

BLOCK = 1024  # texts that are computed and kept at once
_LOCK = threading.Lock()


def vectors_key(texts: Sequence[str], encoder: str) -> str:
    """Checksum of texts and of the encoder's version: under this name their vectors are stored. Chapter *recommender*."""
    digest = hashlib.sha256()
    for part in (encoder, *texts):
        content = part.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "big") + content)  # with its length: ["a", "b"] is not ["a\x00b"]
    return digest.hexdigest()


def cached(texts: Sequence[str], compute: Callable[[Sequence[str]], np.ndarray], encoder: str, folder: Path | None = None) -> np.ndarray:
    """Vectors of `texts`, each kept in the user's cache folder as soon as its block is computed. Chapter *recommender*.

    A text is found again in any other list. What is read is checked; several threads and processes may ask at once, and within a process
    nothing is computed twice.

    Parameters
    ----------
    texts : sequence of str
    compute : callable
        From texts to an array with as many rows; called for those that are not stored.
    encoder : str
        Version of the encoder: what the vectors depend on besides the texts.
    folder : Path, optional
        Another folder than the user's cache.

    Returns
    -------
    ndarray of float32, shape (n_texts, d)
    """
    names = {hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest(): text for text in texts}
    with _LOCK:
        found = _look_up(folder, encoder, list(names))
        missing = sorted((name for name in names if name not in found), key=lambda name: len(names[name]))
        blocks = [missing[start : start + BLOCK] for start in range(0, len(missing), BLOCK)]
        for block in tqdm(blocks, desc="encode", unit="block") if len(blocks) > 1 else blocks:
            vectors = np.asarray(compute([names[name] for name in block]), np.float32)
            found |= dict(zip(block, vectors, strict=True))
            _keep(folder, encoder, block, vectors)
    if not names:
        return np.asarray(compute([]), np.float32)
    return np.stack([found[hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()] for text in texts])


def cache_folder() -> Path:
    """Where vectors, fonts and jieba's dictionary are kept; it may be deleted at any time. Page *setup*."""
    from platformdirs import user_cache_path

    return user_cache_path("tokrec")


def _database(folder: Path | None) -> Path:
    return (folder or cache_folder()) / "vectors.sqlite"


def _open(folder: Path | None) -> sqlite3.Connection:
    path = _database(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=60)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS vectors (encoder TEXT, text BLOB, vector BLOB, checksum INTEGER, PRIMARY KEY (encoder, text))"
    )
    return connection


def _look_up(folder: Path | None, encoder: str, names: list[bytes]) -> dict[bytes, np.ndarray]:
    """The stored vectors that are whole, by the names of their texts."""
    found: dict[bytes, np.ndarray] = {}
    try:
        with closing(_open(folder)) as connection:
            for start in range(0, len(names), 500):
                part = names[start : start + 500]
                asked = f"SELECT text, vector, checksum FROM vectors WHERE encoder = ? AND text IN ({','.join('?' * len(part))})"
                rows = connection.execute(asked, [encoder, *part])
                found |= {name: np.frombuffer(vector, np.float32) for name, vector, checksum in rows if crc32(vector) == checksum}
    except (sqlite3.Error, OSError, ValueError, TypeError) as error:
        _discard_damaged(folder, error)
    return found


def _keep(folder: Path | None, encoder: str, names: list[bytes], vectors: np.ndarray) -> None:
    try:
        with closing(_open(folder)) as connection, connection:
            rows = [(encoder, name, vector.tobytes(), crc32(vector.tobytes())) for name, vector in zip(names, vectors, strict=True)]
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", rows)
    except (sqlite3.Error, OSError, ValueError) as error:
        _discard_damaged(folder, error)  # a read-only home or a full disk costs time, not the answer


def _discard_damaged(folder: Path | None, error: Exception) -> None:
    """Delete a file that is no database or a damaged one; one that is locked or can't be written stays."""
    busy = isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error) and "no such column" not in str(error)
    if not busy and not isinstance(error, OSError):
        _database(folder).unlink(missing_ok=True)


def shipped_path() -> Path:
    """The file with the shelf's vectors. Chapter *recommender*."""
    return Path(str(files("tokrec").joinpath("data", "shelf", "vectors.npz")))


@cache
def _shipped() -> dict[str, np.ndarray]:
    if not shipped_path().exists():
        return {}
    with np.load(shipped_path(), allow_pickle=False) as archive:
        return {name: archive[name].astype(np.float32) for name in archive.files if name != "encoder"}


def shipped_vectors(texts: Sequence[str], encoder: str) -> np.ndarray | None:
    """The shipped float32 vectors ``(n_texts, d)`` if `texts` are the shelf's and of this encoder, else None. Chapter *recommender*."""
    return _shipped().get(vectors_key(texts, encoder))
