"""tokrec: how the tokens of a language model become recommendations.

The package behind the book of the same name. Data flows one way::

    text -> tokens -> features -> scores -> ranking -> evaluation

Everything named here is loaded on first use, so ``import tokrec`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.2.0"

_HOME = {
    "clean": "tokrec.text",
    "guess_language": "tokrec.text",
    "segment": "tokrec.tokens",
    "stop_words": "tokrec.text",
    "words": "tokrec.text",
    "TfidfFeatures": "tokrec.features.tfidf",
    "Encoder": "tokrec.features.encoder",
    "load_encoder": "tokrec.features.encoder",
    "cosine": "tokrec.similarity",
    "jaccard": "tokrec.similarity",
    "top_k": "tokrec.similarity",
    "load_shelf": "tokrec.datasets",
    "load_movielens": "tokrec.datasets",
    "read_items": "tokrec.datasets",
    "PopularityRecommender": "tokrec.recommend",
    "ContentRecommender": "tokrec.recommend",
    "HybridRecommender": "tokrec.recommend",
    "load_recommender": "tokrec.recommend",
    "mine": "tokrec.mining",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'tokrec' has no attribute {name!r}; it has {', '.join(sorted(_HOME))}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
