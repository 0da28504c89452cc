"""Items as tokens beside the other methods: on MovieLens, on the shelf, and in a world that is made for them (chapter *item_tokens*).

Each function makes one stored result: ``python -m tokrec.stored item_tokens_warm``, and so on. Trainings are small, a minute or so each.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import clone

from tokrec.datasets.movielens import load_movielens
from tokrec.datasets.shelf import load_shelf
from tokrec.evaluate import (
    bootstrap_interval,
    cold_folds,
    coverage,
    judge_queries,
    paired_difference,
    per_user,
    rank_unseen,
    rolling_splits,
    warm_split,
)
from tokrec.ladders.planted import FromVectors, Oracle, planted_world
from tokrec.recommend import (
    ContentRecommender,
    EaseRecommender,
    HybridRecommender,
    ItemTokensRecommender,
    KernelRidgeRecommender,
    MarkovRecommender,
    PopularityRecommender,
)
from tokrec.recommend.base import Recommender
from tokrec.recommend.item_tokens import neighbours_kept, own_codes, purity, residual_kmeans, share_alone

EXCLUDE: tuple[Literal["rated", "liked"], ...] = ("rated", "liked")
SEEDS = (0, 1, 2)
OURS = "item tokens, codes from text"
SMALL: dict[str, Any] = {"codes": 64, "width": 32, "layers": 1, "epochs": 20}
BEAM = 100


def writers() -> dict[str, list[Recommender]]:
    """The decoder with codes from text, several times, and once each from readers and by chance. Chapter *item_tokens*."""
    return {
        OURS: [ItemTokensRecommender(**SMALL, beam=BEAM, random_state=seed) for seed in SEEDS],
        "item tokens, codes from readers": [ItemTokensRecommender("readers", **SMALL, beam=BEAM)],
        "item tokens, codes by chance": [ItemTokensRecommender("chance", **SMALL, beam=BEAM)],
    }


def rivals() -> dict[str, list[Recommender]]:
    """What a table of logged choices is compared with. Chapter *item_tokens*."""
    return {"popularity": [PopularityRecommender()], "Markov chain": [MarkovRecommender()], "EASE": [EaseRecommender()]}


def judge(
    methods: Mapping[str, Sequence[Recommender]], train: pd.DataFrame, test: pd.DataFrame, items: pd.DataFrame
) -> dict[str, dict[str, list[pd.DataFrame]]]:
    """Fit and judge: for each exclusion and method the readers' values, a frame a seed. Fitted recommenders stay fitted.

    Chapter *item_tokens*.
    """
    frames: dict[str, dict[str, list[pd.DataFrame]]] = {exclude: {name: [] for name in methods} for exclude in EXCLUDE}
    for name, seeds in methods.items():
        for recommender in seeds:
            started = time.perf_counter()
            recommender.fit(train, items)
            for exclude in EXCLUDE:
                frame = per_user(recommender, test, exclude=exclude)
                frames[exclude][name].append(frame)
            frames["rated"][name][-1].attrs["seconds"] = time.perf_counter() - started
    return frames


def rows(frames: Mapping[str, Sequence[pd.DataFrame]], n_items: int, ours: str = OURS, **columns: Any) -> list[dict[str, Any]]:
    """A row for each method: NDCG@10 with its interval, and how far `ours` is ahead, paired by readers. Chapter *item_tokens*.

    Parameters
    ----------
    frames : mapping of str to list of DataFrame
        What :func:`tokrec.evaluate.per_user` gives, one frame a seed, or one a cut or fold: a reader's value is the mean over them.
    n_items : int
    ours : str
        The method that the others are compared with.
    **columns
        More columns, the same in each row.
    """
    means = {name: pd.concat([frame["ndcg"] for frame in parts]).groupby(level=0).mean() for name, parts in frames.items()}
    table = []
    for name, values in means.items():
        low, high = bootstrap_interval(values)
        apart = paired_difference(means[ours], values.reindex(means[ours].index))
        recall = np.mean([frame["recall"].mean() for frame in frames[name]])
        shown = np.mean([coverage(list(frame["ranked"]), n_items) for frame in frames[name]])
        numbers = {"ndcg": values.mean(), "low": low, "high": high, "ahead": apart[0], "ahead_low": apart[1], "ahead_high": apart[2]}
        each = [round(frame["ndcg"].mean(), 4) for frame in frames[name]]
        numbers |= {"recall": recall, "coverage": shown, "seconds": np.mean([frame.attrs.get("seconds", 0) for frame in frames[name]])}
        table.append(
            columns
            | {"method": name, "readers": len(values)}
            | {key: round(float(value), 4) for key, value in numbers.items()}
            | {"each": each}
        )
    return table


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


def shelf() -> dict[str, Any]:
    """The shelf: later choices of readers, and wishes in words that a decoder reads which learned from the items' texts alone.

    Chapter *item_tokens*.
    """
    data = load_shelf()
    train, test = warm_split(data.interactions)
    reading = ItemTokensRecommender(**SMALL | {"codes": 32, "epochs": 30}, wishes=True)
    methods = rivals() | {"encoder, mean profile": [ContentRecommender()], OURS: [reading]}
    frames = judge(methods, train, test, data.items)
    table = [row for exclude in EXCLUDE for row in rows(frames[exclude], len(data.items), exclude=exclude)]
    asked = data.queries[data.queries["half"] == "test"]
    answers = {"TF-IDF": ContentRecommender("tfidf"), "encoder": ContentRecommender(), "words and meaning": HybridRecommender()}
    wishes = []
    for language in ("en", "zh"):
        texts, values = asked[f"text_{language}"].tolist(), {}
        for name, method in (answers | {OURS: reading}).items():
            scores = (method if name == OURS else method.fit(None, data.items)).score_text(texts)
            values[name] = judge_queries(scores, asked.index.tolist(), data.items.index.tolist(), data.relevance)
        for name, found in values.items():
            low, high = bootstrap_interval(found)
            apart = paired_difference(values[OURS], found)
            numbers = {"ndcg": found.mean(), "low": low, "high": high, "ahead": apart[0], "ahead_low": apart[1], "ahead_high": apart[2]}
            wishes.append({"language": language, "method": name} | {key: round(float(value), 4) for key, value in numbers.items()})
    return {"table": table, "wishes": wishes, "curve": np.round(reading.losses_, 4).tolist()}


def planted(sizes: Iterable[int] = (250, 1000, 4000)) -> dict[str, Any]:
    """A world made of codes, with few and with many readers: what the decoder finds there, and what nobody could beat.

    Chapter *item_tokens*.
    """
    table, curves = [], {}
    for size in sizes:
        interactions, items = planted_world(size)
        last = interactions.groupby("user_id")["timestamp"].transform("max") == interactions["timestamp"]
        settings: dict[str, Any] = SMALL | {"codes": 16, "beam": BEAM}
        methods: dict[str, list[Recommender]] = rivals() | {
            OURS: [FromVectors(**settings, random_state=seed) for seed in SEEDS[:1]],
            "item tokens, codes by chance": [ItemTokensRecommender("chance", **settings)],
            "the world's own chances": [Oracle()],
        }
        frames = judge(methods, interactions[~last], interactions[last], items)["rated"]
        table += rows(frames, len(items), n=size)
        curves[str(size)] = np.round(methods[OURS][0].losses_, 4).tolist()
    return {"table": table, "curves": curves}


def codes() -> pd.DataFrame:
    """Codes of the shelf and of MovieLens: how many items have theirs alone, what the first code means, which neighbours stay.

    Chapter *item_tokens*.
    """
    from tokrec.recommend.item_tokens.rqvae import train_rqvae

    table = []
    for data, items, size in (("shelf", load_shelf().items, 32), ("MovieLens", load_movielens()[1], 64)):
        vectors = ContentRecommender().fit(None, items).vectors_
        books = residual_kmeans(vectors, size)
        learned = train_rqvae(vectors, size)[0]
        genres = items["genre"] if data == "shelf" else items["text"].str.split().str[0]
        labels = {"domain": items["domain"].to_numpy() if data == "shelf" else None, "genre": genres.to_numpy()}
        for name, found in (("residual k-means", books.encode(vectors)), ("RQ-VAE", learned)):
            alone = {f"alone, {level} levels": round(share_alone(found[:, :level]), 4) for level in (1, 2, 3, 4)}
            pure = {f"purity, {label}": None if of is None else round(purity(found[:, 0], of), 4) for label, of in labels.items()}
            row: dict[str, Any] = {"data": data, "codes": name} | alone
            table.append(row | pure)
        kept = {
            level: round(float(neighbours_kept(vectors, books.decode(own_codes(vectors, books)[:, :level])).mean()), 4)
            for level in (1, 2, 3, 4)
        }
        table[-2] |= {f"neighbours, {level} levels": share for level, share in kept.items()}
    return pd.DataFrame(table)
