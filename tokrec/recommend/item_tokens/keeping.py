"""Weights in a saved recommender: what took minutes to learn is not learned again when it is loaded (chapter *item_tokens*)."""

from __future__ import annotations

import base64
import hashlib

import numpy as np


def packed(arrays: dict[str, np.ndarray]) -> dict[str, str]:
    """Arrays by name, in the format of safetensors, as text with its checksum. Chapter *item_tokens*."""
    from safetensors.numpy import save

    content = save({name: np.ascontiguousarray(value) for name, value in arrays.items()})
    return {"weights": base64.b64encode(content).decode(), "sha256": hashlib.sha256(content).hexdigest()}


def unpacked(kept: dict[str, str]) -> dict[str, np.ndarray]:
    """What :func:`packed` was given. Chapter *item_tokens*.

    Raises
    ------
    ValueError
        If the checksum differs.
    """
    from safetensors.numpy import load

    content = base64.b64decode(kept["weights"])
    if hashlib.sha256(content).hexdigest() != kept["sha256"]:
        raise ValueError("the weights are not those that were saved (SHA-256 differs)")
    return load(content)
