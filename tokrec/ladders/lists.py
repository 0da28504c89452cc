"""What lists are like beyond accuracy, and what the cut does to them, on MovieLens (chapter *evaluation*).

``python -m tokrec.stored lists`` and ``python -m tokrec.stored cuts`` make the tables anew.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.preprocessing import MultiLabelBinarizer
from tqdm import tqdm

from tokrec.evaluate import (
    beyond_accuracy,
    bootstrap_interval,
    coverage,
    new_hits,
    paired_difference,
    rolling_splits,
    warm_split,
)
from tokrec.evaluate.splits import POSITIVE
from tokrec.ladders.six_methods import NAMES, Split, as_split, data, ndcg, scores, shown
from tokrec.recommend import PopularityRecommender
from tokrec.similarity import best_first

SECOND = "popularity, places 11 to 20"  # new by construction: what any list finds that is not the baseline's own


def lists() -> pd.DataFrame:
    """Accuracy, coverage, novelty, diversity, miscalibration, and hits that popularity's list lacks. Chapter *evaluation*.

    Returns
    -------
    DataFrame
        ``method``; means over readers of ``ndcg, novelty, diversity, miscalibration`` (both by genres),
        ``hits, new_hits, lost_hits`` (per reader), each with its interval ``…_low, …_high``; ``coverage``; and ``net``, new less lost hits
        with its interval.
    """
    films, split = data()[1], as_split(*warm_split(data()[0]))
    genres = MultiLabelBinarizer(sparse_output=True).fit_transform(
        films["text"].where(films["text"] != "(no genres listed)", "").str.split()
    )
    popular = PopularityRecommender().fit(split.train, films)
    judged = np.asarray(split.wanted.any(axis=1))
    users, wanted = split.users[judged], [set(films.index[row]) for row in split.wanted[judged]]
    ranked = {name: ranking(scores(name, split), split, judged) for name in tqdm(NAMES, desc="methods", disable=None)}
    ranked[SECOND] = ranking(scores("popularity", split), split, judged, first=10)
    rows = []
    for name, found in ranked.items():
        values = beyond_accuracy(popular, pd.Series(found, users), genres, genres)
        if name in NAMES:
            values["ndcg"] = ndcg(scores(name, split), split)
        pairs = list(zip(found, ranked["popularity"], wanted, strict=True))
        values["hits"] = [len(want & set(own)) for own, _, want in pairs]
        values["new_hits"] = [new_hits(own, base, want) for own, base, want in pairs]
        values["lost_hits"] = [new_hits(base, own, want) for own, base, want in pairs]
        rows.append({"method": name, **summed(values), "coverage": coverage(found, len(films))})
        rows[-1] |= dict(zip(("net", "net_low", "net_high"), paired_difference(values["new_hits"], values["lost_hits"]), strict=True))
    return pd.DataFrame(rows).round(5)


def ranking(scored: np.ndarray, split: Split, judged: np.ndarray, first: int = 0) -> list[list]:
    """Ten film ids of each judged reader, from place `first` on. Chapter *evaluation*."""
    films = data()[1].index
    return [list(films[row]) for row in best_first(shown(scored, split)[judged], first + 10)[:, first:]]


def summed(values: pd.DataFrame) -> dict[str, float]:
    """Mean and interval of each column, over readers for whom it says something. Chapter *evaluation*."""
    row: dict[str, float] = {}
    for name, column in values.items():
        known = column.dropna()
        row |= dict(zip((str(name), f"{name}_low", f"{name}_high"), (known.mean(), *bootstrap_interval(known)), strict=True))
    return row


def cuts() -> pd.DataFrame:
    """NDCG@10 when each reader has a cut of their own, and when all are cut at one moment, five times. Chapter *evaluation*.

    Returns
    -------
    DataFrame
        ``cut`` (own, one for all), ``left_out`` (rated, liked), ``method, n`` (readers, once for each cut), ``ndcg, low, high``, and the
        paired ``difference`` from popularity with ``difference_low, difference_high``.
    """
    parts = {"own": [as_split(*warm_split(data()[0]))], "one for all": [as_split(*both) for both in rolling_splits(data()[0])]}
    rows = []
    for cut, splits in parts.items():
        scored = {name: [scores(name, split) for split in splits] for name in tqdm(NAMES, desc=cut, disable=None)}
        for left_out, least in (("rated", 0.5), ("liked", POSITIVE)):
            values = {
                name: pd.concat([ndcg(*pair, least=least) for pair in zip(found, splits, strict=True)]) for name, found in scored.items()
            }
            for name, column in values.items():
                figures = (column.mean(), *bootstrap_interval(column), *paired_difference(column, values["popularity"]))
                rows.append([cut, left_out, name, len(column), *figures])
    names = ["cut", "left_out", "method", "n", "ndcg", "low", "high", "difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows, columns=names).round(5)
