"""The ladder of new films: what each step adds for films that nobody has rated, with its paired gain (chapter *cold_start*).

``python -m tokrec.stored ladder_cold`` climbs it with words alone and with the bundled encoder, ``ladder_cold_teacher`` with
all-MiniLM-L6-v2, ``ladder_cold_shelf`` on the shelf.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from tokrec.datasets.movielens import load_movielens
from tokrec.datasets.shelf import load_shelf
from tokrec.features.cache import cached
from tokrec.features.encoder import Encoder, bundled_version, default_encoder
from tokrec.ladders.hidden_items import ENDS, Fold, Remembered, item_folds, judged, summed
from tokrec.recommend import (
    AudienceRecommender,
    BridgeRecommender,
    ContentRecommender,
    KernelRidgeRecommender,
    NewItemBlend,
    NewItemRanker,
    Recommender,
    SimilarRecommender,
)
from tokrec.recommend.content import Features
from tokrec.spine import columns_of
from tokrec.stored import to_json
from tokrec.text import item_texts

SAMPLE = 3000  # items of the training part on which settings are chosen
START = {"sharpness": 4.0, "penalty": 100.0, "words": 0.0, "labels": 0.0, "years": 0.0, "rated": 0.0, "shrinkage": 0.0, "audience": 0.0}
# What is tried beside the start, one setting after the other in the order of the ladder; what is better stays.
TRIED = {
    "sharpness": (3.0, 5.0),
    "penalty": (30.0, 300.0),
    "years": (0.3, 0.5),
    "labels": (0.5, 1.0),
    "words": (0.5, 1.0),
    "rated": (0.33,),
    "shrinkage": (30.0, 100.0),
    "audience": (0.25, 0.5),
}
RIVAL, BRIDGE, AUDIENCE = "kernel ridge", "+ bridge to the ratings", "+ expected audience"
RIDGE = ("sharpness", "penalty", "words", "labels", "years", "rated")

GAIN = ("gain", *(f"gain_{end}" for end in ENDS))
NOWHERE: Mapping[str, str] = {}

Text = tuple[Features, Encoder | None]


def recommenders(text: Text, chosen: Mapping[str, float]) -> dict[str, Recommender]:
    """The steps of the ladder, unfitted, in order. Chapter *cold_start*.

    Words alone have no centred profile, and no words to be added.
    """
    read: dict[str, Any] = {"features": text[0], "encoder": text[1]}
    plain: dict[str, Any] = {name: chosen[name] for name in ("sharpness", "penalty")}
    shaped = plain | {name: chosen[name] for name in ("labels", "years")}
    full: dict[str, Any] = {name: chosen[name] for name in RIDGE}
    bridge = BridgeRecommender(**read, **full, shrinkage=chosen["shrinkage"])
    members, weights = [bridge, AudienceRecommender(**read, **plain)], [1.0, chosen["audience"]]
    aside = [SimilarRecommender(**read), SimilarRecommender("tfidf", power=1.0)]  # features of the ranker only
    steps = {
        "mean profile": ContentRecommender(**read, centred=False),
        "centred profile": ContentRecommender(**read),
        "neighbours": SimilarRecommender(**read),
        RIVAL: KernelRidgeRecommender(**read, **plain),
        "+ year and genres": KernelRidgeRecommender(**read, **shaped),
        "+ words": KernelRidgeRecommender(**read, **shaped, words=chosen["words"]),
        "+ rated, not liked": KernelRidgeRecommender(**read, **full),
        BRIDGE: bridge,
        AUDIENCE: NewItemBlend(members, weights),
        "+ lambdarank": NewItemRanker(NewItemBlend([*members, *aside], [*weights, 0.0, 0.0]), seeds=1),
    }
    return {step: made for step, made in steps.items() if text[0] == "encoder" or step not in ("centred profile", "+ words")}


def choose(fold: Fold, text: Text) -> dict[str, float]:
    """Settings from inside the training part: a fifth of a sample of its items is hidden once more. Chapter *cold_start*."""
    known = fold.items[fold.items.index.isin(fold.train["item_id"])]
    known = known.sample(min(SAMPLE, len(known)), random_state=0).sort_index()
    inner = next(item_folds(fold.train[fold.train["item_id"].isin(known.index)], known))

    def quality(settings: Mapping[str, float], step: str) -> float:
        return float(judged(recommenders(text, settings)[step].fit(inner.train, inner.items), inner)[False].mean())

    chosen, best = dict(START), quality(START, RIVAL)
    for name, values in TRIED.items():
        if name == "words" and text[0] == "tfidf":
            continue
        step = {"shrinkage": BRIDGE, "audience": AUDIENCE}.get(name, "+ rated, not liked")
        for value in values:
            found = quality(chosen | {name: value}, step)
            if found > best:
                chosen, best = chosen | {name: value}, found
    return chosen


def fold_values(fold: Fold, text: Text, last: str = "") -> tuple[dict[str, float], pd.DataFrame]:
    """The chosen settings of one fold, and NDCG@10 of each reader in columns ``(step, masked)``. Chapter *cold_start*.

    `last` names the step after which to stop; by default all are gone.
    """
    chosen = choose(fold, text)
    values: dict[tuple[str, bool], pd.Series] = {}
    for step, made in recommenders(text, chosen).items():
        values |= {(step, mask): found for mask, found in judged(made.fit(fold.train, fold.items), fold).items()}
        if step == last:
            break
    return chosen, pd.DataFrame(values)


def table(values: Mapping[str, list[pd.DataFrame]], rival: str) -> pd.DataFrame:
    """A row for each text, step and mask: NDCG@10, the gain over the step before, and over kernel ridge regression on `rival`'s text.

    Chapter *cold_start*.

    Each with the intervals of :func:`tokrec.ladders.hidden_items.summed`; ``fold_0`` to ``fold_4`` are the folds' means. Chapter
    *cold_start*.
    """
    rows = []
    for name, folds in values.items():
        before: dict[bool, np.ndarray] = {}
        pairs: list[tuple[str, bool]] = list(folds[0].columns)  # type: ignore[arg-type]
        for step, mask in pairs:
            cube = np.array([fold[(step, mask)] for fold in folds])
            other = np.array([fold[(RIVAL, mask)] for fold in values[rival]])
            row = {"text": name, "step": step, "mask": mask} | summed(cube, "ndcg")
            row |= (
                summed(cube - before[mask], "gain") if mask in before else dict.fromkeys(["gain", *(f"gain_{end}" for end in ENDS)], np.nan)
            )
            row |= summed(cube - other, "over")
            rows.append(row | {f"fold_{number}": float(np.nanmean(fold)) for number, fold in enumerate(cube)})
            before[mask] = cube
    return pd.DataFrame(rows).round(5)


def climbed(folds: list[Fold], texts: Mapping[str, Text], rival: str, stops: Mapping[str, str] = NOWHERE) -> dict[str, Any]:
    """The table of a ladder, and the settings that each fold chose. Chapter *cold_start*.

    `stops` names, for some of the texts, the last step.
    """
    found: dict[str, list[tuple[dict[str, float], pd.DataFrame]]] = {name: [] for name in texts}
    for name, fold in tqdm([(name, fold) for name in texts for fold in folds], desc="folds", unit="fold", disable=None):
        found[name].append(fold_values(fold, texts[name], stops.get(name, "")))
    return assembled(found, rival)


def assembled(found: Mapping[str, list[tuple[dict[str, float], pd.DataFrame]]], rival: str) -> dict[str, Any]:
    """What is stored of a ladder: columns and rows of :func:`table`, and the settings. Chapter *cold_start*."""
    rows = table({name: [values for _, values in folds] for name, folds in found.items()}, rival)
    settings = {name: [chosen for chosen, _ in folds] for name, folds in found.items()}
    return to_json(rows) | {"settings": settings}


def film_texts(teacher: bool = False) -> dict[str, Text]:
    """What reads the films: words alone, and the bundled encoder or all-MiniLM-L6-v2. Chapter *cold_start*."""
    texts = item_texts(load_movielens()[1])
    if teacher:
        from tokrec.distill.teacher import teacher_vectors

        encoder = Remembered(lambda texts: teacher_vectors(texts, max_length=256), texts)
        return {"all-MiniLM-L6-v2": ("encoder", encoder), "TF-IDF": ("tfidf", None)}
    bundled = Remembered(lambda texts: cached(texts, default_encoder().encode, bundled_version()), texts)
    return {"TF-IDF": ("tfidf", None), "tokrec-mini": ("encoder", bundled)}


def ladder_cold() -> dict[str, Any]:
    """New films of MovieLens, read as words and by the bundled encoder. Chapter *cold_start*."""
    return climbed(list(item_folds(*load_movielens())), film_texts(), "TF-IDF", {"TF-IDF": AUDIENCE})


def ladder_cold_teacher() -> dict[str, Any]:
    """The same with all-MiniLM-L6-v2. Chapter *cold_start*."""
    return climbed(list(item_folds(*load_movielens())), film_texts(teacher=True), "TF-IDF", {"TF-IDF": RIVAL})


def ladder_cold_shelf() -> dict[str, Any]:
    """New items of the shelf, with labels in the text and without. Chapter *cold_start*."""
    shelf, found = load_shelf(), {}
    texts: dict[str, Text] = {"TF-IDF": ("tfidf", None), "tokrec-mini": ("encoder", None)}
    for text, labels in (("prose alone", False), ("with labels", True)):
        folds = list(item_folds(shelf.interactions, shelf.items[[*columns_of(("en", "zh"), labels)]]))
        found[text] = climbed(folds, texts, "TF-IDF", dict.fromkeys(texts, AUDIENCE))
    return found
