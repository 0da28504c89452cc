"""Methods made of others (chapter *league_table*)."""

from __future__ import annotations

from typing import Any

from tokrec.ladders.league import Method, in_units, rows_of, shelf_splits
from tokrec.ladders.warm import RANKED, STEPS, climbed, ladder_members
from tokrec.recommend import BlendRecommender, RankRecommender
from tokrec.stored import read

LAST = list(STEPS)[-1]


def ladder_blend() -> BlendRecommender:
    """The warm ladder's last blend, with the settings that it chose. Chapter *league_table*."""
    (chosen,) = read("ladder_warm")["value"]["settings"]["warm"]
    return ladder_members(STEPS[LAST], chosen["half_life"], chosen["floor"], chosen["weights"][LAST])


METHODS = [
    Method("blend", "league_table", ladder_blend, ("films, warm",)),
    Method("lambdarank", "league_table", lambda: RankRecommender(ladder_blend()), ("films, warm",)),
]


def rows() -> dict[str, Any]:
    """The rows of this family: ``python -m tokrec.stored league_ensembles``. Chapter *league_table*.

    Only warm films are measured here. The values under other cuts, each with its own settings, are the warm ladder's; the shelf is climbed
    anew.
    """
    found, ladder = rows_of("ensembles"), read("ladder_warm")["value"]["values"]
    (split,) = shelf_splits(True)
    on_shelf, _, _ = climbed("warm", split.train, split.test, split.items)
    places = {"films, warm, liked": ladder["warm, liked"], "films, rolling": ladder["rolling"]}
    places["shelf, labels"] = {step: in_units(values) for step, values in on_shelf.items()}
    for situation, steps in places.items():
        found["values"][situation] = {"blend": steps[LAST], "lambdarank": steps[RANKED]}
    return found
