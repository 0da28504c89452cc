"""Methods that count who liked what (chapter *league_table*)."""

from __future__ import annotations

from typing import Any

from tokrec.ladders.league import Method, rows_of
from tokrec.recommend import (
    AlsRecommender,
    EaseRecommender,
    MarkovRecommender,
    NeighbourRecommender,
    RatedRecommender,
    SvdRecommender,
)

METHODS = [
    Method("neighbours, cosine", "collaborative", lambda: NeighbourRecommender("cosine")),
    Method("neighbours, BM25", "collaborative", lambda: NeighbourRecommender("bm25")),
    Method("SVD", "collaborative", SvdRecommender),
    Method("ALS", "collaborative", AlsRecommender),
    Method("EASE", "collaborative", EaseRecommender),
    Method("EASE, recency", "league_table", lambda: EaseRecommender(half_life=2, floor=0.2)),
    Method("EASE, all ratings", "league_table", lambda: RatedRecommender(EaseRecommender())),
    Method("Markov chain", "collaborative", MarkovRecommender),
]


def rows() -> dict[str, Any]:
    """The rows of this family: ``python -m tokrec.stored league_collaborative``. Chapter *league_table*."""
    return rows_of("collaborative")
