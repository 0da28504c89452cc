"""Items as tokens in a world that is made of codes (chapter *item_tokens*): ``python -m tokrec.stored item_tokens_planted``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tokrec.ladders.item_tokens import BEAM, OURS, SMALL, judge, rivals, rows
from tokrec.ladders.planted import FromVectors, Oracle, planted_world
from tokrec.recommend import ItemTokensRecommender
from tokrec.recommend.base import Recommender


def planted(sizes: Iterable[int] = (250, 1000, 4000)) -> dict[str, Any]:
    """A world made of codes, with few and with many readers: what the decoder finds there, and what nobody could beat.

    Chapter *item_tokens*.
    """
    table, curves = [], {}
    for size in sizes:
        interactions, items = planted_world(size)
        last = interactions.groupby("user_id")["timestamp"].transform("max") == interactions["timestamp"]
        settings = SMALL | {"codes": 16, "beam": BEAM}
        methods: dict[str, list[Recommender]] = rivals() | {
            OURS: [FromVectors(**settings, random_state=0)],
            "item tokens, codes by chance": [ItemTokensRecommender("chance", **settings)],
            "the world's own chances": [Oracle()],
        }
        frames = judge(methods, interactions[~last], interactions[last], items)["rated"]
        table += rows(frames, len(items), n=size)
        curves[str(size)] = np.round(methods[OURS][0].losses_, 4).tolist()  # type: ignore[attr-defined]
    return {"table": table, "curves": curves}
