"""Vectors kept in the user's cache folder, so that a reader's own items are encoded only once (chapter *recommender*)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np


def cached(texts: Sequence[str], compute: Callable[[Sequence[str]], np.ndarray], key: str, folder: Path | None = None) -> np.ndarray:
    """Vectors of `texts`, kept in the user's cache folder. Chapter *recommender*.

    Parameters
    ----------
    texts : sequence of str
    compute : callable
        From texts to an array with as many rows; called when nothing fitting is stored.
    key : str
        What the vectors depend on besides the texts, such as the model's checksum.
    folder : Path, optional
        Another folder than the user's cache.

    Returns
    -------
    ndarray of float32, shape (n_texts, d)
    """
    from platformdirs import user_cache_path

    digest = hashlib.sha256("\x00".join([key, *texts]).encode("utf-8", "surrogatepass")).hexdigest()
    path = (folder or user_cache_path("tokrec")) / f"vectors-{digest[:32]}.npz"
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
        np.savez(unfinished, vectors=vectors)
        unfinished.replace(path)
    except OSError:
        pass  # a read-only home costs time, not the answer
    return vectors
