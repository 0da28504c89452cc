"""Items as tokens on MovieLens: seen films under two protocols, films that nobody has seen (chapter *item_tokens*).

``python -m tokrec.stored item_tokens_warm``, ``item_tokens_rolling`` and ``item_tokens_cold`` make the tables anew.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tokrec.datasets.movielens import load_movielens
from tokrec.evaluate import cold_folds, per_user, rank_unseen, rolling_splits, warm_split
from tokrec.ladders.item_tokens import BEAM, EXCLUDE, OURS, SEEDS, SMALL, judge, rivals, rows
from tokrec.recommend import ContentRecommender, ItemTokensRecommender, KernelRidgeRecommender, PopularityRecommender
from tokrec.recommend.base import Recommender


def writers() -> dict[str, list[Recommender]]:
    """The decoder with codes from text, several times, and once each from readers and by chance. Chapter *item_tokens*."""
    return {
        OURS: [ItemTokensRecommender(**SMALL, beam=BEAM, random_state=seed) for seed in SEEDS],
        "item tokens, codes from readers": [ItemTokensRecommender("readers", **SMALL, beam=BEAM)],
        "item tokens, codes by chance": [ItemTokensRecommender("chance", **SMALL, beam=BEAM)],
    }


def warm() -> dict[str, Any]:
    """MovieLens, each reader's last fifth: the table, the curves of the trainings, the beam, the temperature. Chapter *item_tokens*."""
    ratings, films = load_movielens()
    train, test = warm_split(ratings)
    methods = rivals() | writers()
    frames = judge(methods, train, test, films)
    table = [row for exclude in EXCLUDE for row in rows(frames[exclude], len(films), exclude=exclude)]
    ours = methods[OURS][0]
    assert isinstance(ours, ItemTokensRecommender)
    readers = frames["rated"][OURS][0].index
    return {
        "table": table,
        "curves": {
            name: np.round(seeds[0].losses_, 4).tolist() for name, seeds in methods.items() if isinstance(seeds[0], ItemTokensRecommender)
        },
        "beam": beams(ours, test[test["user_id"].isin(readers[::6])]),
        "invalid": invalid_share(ours, readers[::60].tolist()),
    }


def beams(
    writer: ItemTokensRecommender, test: pd.DataFrame, widths: Sequence[int | None] = (10, 30, 100, 300, None)
) -> list[dict[str, Any]]:
    """How much of the first ten items a beam finds that scoring all items finds, and what that costs. Chapter *item_tokens*."""
    found, table = {}, []
    for width in widths:
        started, writer.beam = time.perf_counter(), width
        frame = per_user(writer, test)
        found[width] = frame["ranked"]
        table.append(
            {"beam": width or len(writer.items_), "ndcg": round(float(frame["ndcg"].mean()), 4), "seconds": time.perf_counter() - started}
        )
    for row, width in zip(table, widths, strict=True):
        shared = [len(set(a) & set(b)) / 10 for a, b in zip(found[width], found[None], strict=True)]
        row |= {"of the ten": round(float(np.mean(shared)), 4), "seconds": round(row["seconds"], 2)}
    writer.beam = BEAM
    return table


def invalid_share(writer: ItemTokensRecommender, readers: Sequence[Any], count: int = 10_000) -> dict[str, Any]:
    """Part of what is drawn that is no item, with the trie and without it. Chapter *item_tokens*."""
    from tokrec.recommend.item_tokens.search import draw

    contexts, each = writer.contexts(readers), -(-count // len(readers))
    shares = {}
    for name, trie in (("with the trie", writer.trie_), ("without", None)):
        drawn = np.concatenate([draw(writer.decoder_, context, each, trie, random_state=place) for place, context in enumerate(contexts)])
        shares[name] = round(float((writer.trie_.written(drawn[:count]) < 0).mean()), 4)
    return {"count": count} | shares


def rolling() -> dict[str, Any]:
    """MovieLens, everybody cut at one moment, five times. Chapter *item_tokens*."""
    ratings, films = load_movielens()
    methods = rivals() | {OURS: [ItemTokensRecommender(**SMALL, beam=BEAM)]}
    frames: dict[str, dict[str, list[pd.DataFrame]]] = {exclude: {name: [] for name in methods} for exclude in EXCLUDE}
    for train, test in rolling_splits(ratings):
        for exclude, found in judge({name: [clone(each) for each in seeds] for name, seeds in methods.items()}, train, test, films).items():
            for name, parts in found.items():
                frames[exclude][name] += parts
    return {"table": [row for exclude in EXCLUDE for row in rows(frames[exclude], len(films), exclude=exclude)]}


def cold() -> dict[str, Any]:
    """Films hidden from the training, a fifth at a time: ranked among themselves, and how often one is written. Chapter *item_tokens*."""
    ratings, films = load_movielens()
    rated = films.loc[np.sort(ratings["item_id"][ratings["rating"] >= 4].unique())]
    ratings = ratings[ratings["item_id"].isin(rated.index)]
    methods = {"popularity": PopularityRecommender(), "mean profile": ContentRecommender(), "kernel ridge": KernelRidgeRecommender()}
    frames: dict[str, list[pd.DataFrame]] = {name: [] for name in (*methods, OURS)}
    written = []
    for fold in cold_folds(rated.index):
        train, test = ratings[~ratings["item_id"].isin(fold)], ratings[ratings["item_id"].isin(fold)]
        for name, method in methods.items():
            frames[name].append(per_user(clone(method).fit(train, rated), test, candidates=fold))
        writer = ItemTokensRecommender(**SMALL, beam=BEAM).fit(train, rated)
        frames[OURS].append(per_user(writer.only(fold), test, candidates=fold))
        lists = rank_unseen(writer, list(frames[OURS][-1].index), 10)
        written.append(
            {"places": float(np.mean([item in fold for ranked in lists for item in ranked])), "catalogue": len(fold) / len(rated)}
        )
    return {"table": rows(frames, len(rated)), "written": pd.DataFrame(written).mean().round(4).to_dict()}
