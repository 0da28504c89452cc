"""Methods made for items that nobody has rated (chapter *cold_start*)."""

from __future__ import annotations

from typing import Any

from tokrec.ladders.league import COLD, Method, rows_of
from tokrec.recommend import AudienceRecommender, KernelRidgeRecommender

WHERE = ("films, warm", COLD, "shelf, labels", "shelf, prose")
METHODS = [
    Method("kernel ridge, words", "cold_start", lambda: KernelRidgeRecommender("tfidf"), WHERE),
    Method("kernel ridge, encoder", "cold_start", lambda: KernelRidgeRecommender("encoder"), WHERE),
    Method("audience by text", "cold_start", AudienceRecommender, (COLD,)),
]


def rows() -> dict[str, Any]:
    """The rows of this family: ``python -m tokrec.stored league_new_items``. Chapter *league_table*."""
    return rows_of("new_items")
