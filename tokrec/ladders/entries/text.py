"""Methods that read (chapter *league_table*)."""

from __future__ import annotations

from typing import Any

from tokrec.ladders.league import EVERYWHERE, Method, rows_of
from tokrec.recommend import ContentRecommender, HybridRecommender

METHODS = [
    Method("TF-IDF", "recommender", lambda: ContentRecommender("tfidf"), EVERYWHERE),
    Method("encoder, raw mean", "recommender", lambda: ContentRecommender("encoder", centred=False), EVERYWHERE),
    Method("encoder", "recommender", lambda: ContentRecommender("encoder"), EVERYWHERE),
    Method("TF-IDF + encoder", "recommender", HybridRecommender, EVERYWHERE),
]


def rows() -> dict[str, Any]:
    """The rows of this family: ``python -m tokrec.stored league_text``. Chapter *league_table*."""
    return rows_of("text")
