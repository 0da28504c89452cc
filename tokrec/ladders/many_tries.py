"""The best of many tries on the test: how much of it is luck (chapter *evaluation*).

``python -m tokrec.stored many_tries`` makes the table anew.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from tqdm import tqdm

from tokrec.evaluate import warm_split
from tokrec.ladders.six_methods import NAMES, Split, as_split, data, ndcg, scores, shown

TRIES = (1, 2, 4, 8, 16, 32)
READERS = (50, 150, 300)
DRAWS = 500
MEMBERS = tuple(name for name in NAMES if name != "random")


def many_tries() -> pd.DataFrame:
    """Random blends of five methods: the figure of the best one on the readers that it was chosen by, and on others. Chapter *evaluation*.

    Returns
    -------
    DataFrame
        ``readers, tries``; ``told``: NDCG@10 of the best of so many on the readers of the choice; ``true``: its NDCG@10 on all others;
        ``inside``: on those others, of the blend that is best inside the training part. Means over random draws of readers and blends.
    """
    weights = np.random.default_rng(0).dirichlet(np.ones(len(MEMBERS)), max(TRIES))
    train, test = warm_split(data()[0])
    outer, inner = (blended(as_split(*parts), weights) for parts in ((train, test), warm_split(train)))
    return pd.DataFrame(drawn(outer.to_numpy(), inner.mean().to_numpy())).round(5)


def blended(split: Split, weights: np.ndarray) -> pd.DataFrame:
    """NDCG@10 of each reader, ``(n_readers, n_blends)``: weighted sums of scores that are standardised over what may be shown.

    Chapter *evaluation*.
    """
    members = [standardised(shown(scores(name, split), split)) for name in tqdm(MEMBERS, desc="members", disable=None)]
    found = []
    for mixture in tqdm(weights, desc="blends", disable=None):
        found.append(ndcg(np.tensordot(mixture.astype(np.float32), members, 1), split))
    return pd.concat(found, axis=1)


def standardised(scored: np.ndarray) -> np.ndarray:
    """Each reader's scores with mean 0 and deviation 1 over what may be shown, and 0 for the rest: float32. Chapter *evaluation*."""
    known = np.isfinite(scored)
    filled, count = np.where(known, scored, 0), known.sum(axis=1, keepdims=True)
    mean = filled.sum(axis=1, keepdims=True) / count
    centred = np.where(known, filled - mean, 0)
    spread = np.sqrt((centred**2).sum(axis=1, keepdims=True) / count)
    return (centred / np.maximum(spread, 1e-12)).astype(np.float32)


def drawn(values: np.ndarray, inside: np.ndarray) -> list[dict[str, float]]:
    """Rows of :func:`many_tries` from NDCG ``(n_readers, n_blends)`` and the blends' figures inside the training part.

    Chapter *evaluation*.
    """
    rng, rows = np.random.default_rng(0), []
    for readers in READERS:
        told, true, chosen_inside = (np.zeros(len(TRIES)) for _ in range(3))
        for _ in range(DRAWS):
            order, blends = rng.permutation(len(values)), rng.permutation(values.shape[1])
            here, there = values[order[:readers]].mean(axis=0), values[order[readers:]].mean(axis=0)
            for place, tries in enumerate(TRIES):
                some = blends[:tries]
                best, safe = some[here[some].argmax()], some[inside[some].argmax()]
                told[place] += here[best] / DRAWS
                true[place] += there[best] / DRAWS
                chosen_inside[place] += there[safe] / DRAWS
        columns = zip(TRIES, told, true, chosen_inside, strict=True)
        rows += [{"readers": readers, "tries": tries, "told": a, "true": b, "inside": c} for tries, a, b, c in columns]
    return rows
