"""Vectors that need not be computed again: the shelf's come with the package, a reader's own stay in the cache (chapter *recommender*).

Both kinds of file name the encoder, with its version, that made the vectors.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from zipfile import BadZipFile

import numpy as np


def vectors_key(texts: Sequence[str], encoder: str) -> str:
    """Checksum of texts and of the encoder's version: under this name their vectors are stored. Chapter *recommender*."""
    return hashlib.sha256("\x00".join([encoder, *texts]).encode("utf-8", "surrogatepass")).hexdigest()


def cached(texts: Sequence[str], compute: Callable[[Sequence[str]], np.ndarray], encoder: str, folder: Path | None = None) -> np.ndarray:
    """Vectors of `texts`, kept in the user's cache folder. Chapter *recommender*.

    Parameters
    ----------
    texts : sequence of str
    compute : callable
        From texts to an array with as many rows; called when nothing fitting is stored.
    encoder : str
        Version of the encoder: what the vectors depend on besides the texts.
    folder : Path, optional
        Another folder than the user's cache.

    Returns
    -------
    ndarray of float32, shape (n_texts, d)
    """
    from platformdirs import user_cache_path

    path = (folder or user_cache_path("tokrec")) / f"vectors-{vectors_key(texts, encoder)[:32]}.npz"
    if path.exists():
        try:
            with np.load(path, allow_pickle=False) as archive:
                return archive["vectors"]
        except (ValueError, OSError, EOFError, KeyError, TypeError, RuntimeError, BadZipFile):
            pass  # a damaged cache file (the archive holds a checksum) is computed anew
    vectors = compute(texts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.tmp.npz")
        np.savez(unfinished, vectors=vectors, encoder=np.array(encoder))
        unfinished.replace(path)
    except OSError:
        pass  # a read-only home costs time, not the answer
    return vectors


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
