"""The shelf's vectors by the bundled encoder, shipped so that the first answer comes at once (chapter *recommender*).

``python -m tokrec.datasets`` computes them anew after a change of texts or weights; a test compares both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from tokrec.datasets.shelf import load_shelf, shelf_folder


def _path() -> Path:
    return shelf_folder() / "vectors.npz"


def _digest(texts: Sequence[str]) -> str:
    from tokrec.encoder import bundled_folder

    weights = (bundled_folder() / "sha256.json").read_text(encoding="utf-8")
    return hashlib.sha256("\x00".join([weights, *texts]).encode("utf-8", "surrogatepass")).hexdigest()


@cache
def _stored() -> dict[str, np.ndarray]:
    if not _path().exists():
        return {}
    with np.load(_path(), allow_pickle=False) as archive:
        return {name: archive[name].astype(np.float32) for name in archive.files}


def bundled_vectors(texts: Sequence[str]) -> np.ndarray | None:
    """The shipped float32 vectors ``(n_texts, d)`` if `texts` are the shelf's, else None. Chapter *recommender*."""
    return _stored().get(_digest(texts))


def write_vectors() -> None:
    """Encode the shelf in both languages and store the result. Page *shelf*."""
    from tokrec.encoder import load_encoder
    from tokrec.recommend.base import item_texts

    encoder, stored = load_encoder(), {}
    for language in ("en", "zh"):
        texts = item_texts(load_shelf().items, language, labels=True)
        stored[_digest(texts)] = encoder.encode(texts, show_progress=True).astype(np.float16)
    np.savez(_path(), **stored)  # type: ignore[arg-type]
