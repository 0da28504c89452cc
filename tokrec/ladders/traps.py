"""Three ways to break a ranker, measured on warm MovieLens (chapter *league_table*).

``python -m tokrec.stored ranker_traps`` makes the table anew; it needs ``pip install 'tokrec[rank]'``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tokrec.datasets.movielens import load_movielens
from tokrec.evaluate import bootstrap_interval, paired_difference, warm_split
from tokrec.ladders.warm import STEPS, Cut, inner_splits, members
from tokrec.recommend.blend import standardise
from tokrec.recommend.ranker import DEPTH, Lists, counted, counted_rows, first_items, order_anew, teach
from tokrec.stored import read

SEEDS = 3
LAST = list(STEPS)[-1]


def ranker_traps() -> pd.DataFrame:
    """NDCG@10 of the ladder's ranker when it is taught well and when it is not. Chapter *league_table*.

    Returns
    -------
    DataFrame
        A row a way: ``way, ndcg, low, high``, and ``difference`` to the blend that is ranked anew, paired, with its interval. ``forced``:
        liked items that the blend left out of the lists are put in their last places. ``seen``: the members were fitted on all training
        data, the labels included. ``all items``: scores are standardised over all items, the rated ones too.
    """
    interactions, items = load_movielens()
    train, test = warm_split(interactions)
    (chosen,) = read("ladder_warm")["value"]["settings"]["warm"]
    weights, made = chosen["weights"][LAST], members(chosen["half_life"], chosen["floor"])
    cuts = [Cut.of(*split, items, "rated") for split in (*inner_splits("warm", train), (train, test))]
    for cut in cuts:
        cut.add(made)
    *inner, outer = cuts
    blended = outer.ndcg(outer.blend(STEPS[LAST], weights))

    def ranked(teachers: list[Cut], asked: Cut = outer, force: bool = False) -> np.ndarray:
        scores = [cut.blend(STEPS[LAST], weights) for cut in (*teachers, asked)]
        lists = [forced(cut, part) if force else cut.lists(part) for cut, part in zip(teachers, scores, strict=False)]
        return asked.ndcg(order_anew(scores[-1], asked.lists(scores[-1]), teach(lists, SEEDS)))

    ways = {"blend": blended, "ranker": ranked(inner), "forced": ranked(inner, force=True)}
    # the members were fitted on the outer cut last: what is wanted at the inner ones lies in their training data
    ways["seen"] = ranked([replace(cut, parts={name: cut.scored(member) for name, member in made.items()}) for cut in inner])
    ways["all items"] = ranked([over_all(cut) for cut in inner], over_all(outer))
    rows = []
    for way, values in ways.items():
        numbers = (values.mean(), *bootstrap_interval(values), *paired_difference(values, blended))
        columns = ("ndcg", "low", "high", "difference", "difference_low", "difference_high")
        rows.append({"way": way} | {name: round(float(number), 5) for name, number in zip(columns, numbers, strict=True)})
    return pd.DataFrame(rows)


def forced(cut: Cut, scores: np.ndarray) -> Lists:
    """Lists into whose last places the liked items are put that the blend left out. Chapter *league_table*."""
    ordered, raised = -np.sort(-scores, axis=1)[:, :DEPTH], scores.copy()
    for row, wanted in enumerate(cut.wanted):
        missed = np.flatnonzero(wanted & (scores[row] < ordered[row, -1]))[: DEPTH // 2]
        raised[row, missed] = ordered[row, -len(missed) - 1] if len(missed) else 0
    features = cut.parts | {"blend": np.where(cut.shown, scores, 0)}
    features |= counted(cut.fitted.seen_, cut.fitted.positive_) | counted_rows(cut.history)
    return first_items(raised, features, cut.wanted)


def over_all(cut: Cut) -> Cut:
    """The same scores, standardised over all items. Chapter *league_table*."""
    everything = np.ones_like(cut.shown)
    return replace(cut, parts={name: standardise(part, everything) for name, part in cut.parts.items()})
