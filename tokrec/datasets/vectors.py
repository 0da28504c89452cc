"""The shelf's vectors by the bundled encoder, shipped so that the first answer comes at once (chapter *recommender*).

``python -m tokrec.datasets`` computes them anew after a change of texts or weights; a test compares both.
"""

from __future__ import annotations

import numpy as np

from tokrec.datasets.shelf import load_shelf
from tokrec.text import item_texts


def write_vectors() -> None:
    """Encode the shelf in both languages and store the result. Page *shelf*."""
    from tokrec.features.cache import shipped_path, vectors_key
    from tokrec.features.encoder import load_encoder

    encoder = load_encoder()
    stored = {"encoder": np.array(encoder.version)}
    for language in ("en", "zh"):
        texts = item_texts(load_shelf().items, language, labels=True)
        stored[vectors_key(texts, encoder.version)] = encoder.encode(texts, show_progress=True).astype(np.float16)
    np.savez(shipped_path(), **stored)  # type: ignore[arg-type]
