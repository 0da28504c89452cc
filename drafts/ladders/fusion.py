"""A wish, a history and attributes, alone and fused, for the shelf's readers (chapter *sequences*).

``python -m tokrec.stored fusion`` makes the result anew. The wish is simulated: one label of what the reader liked next, in either
language, as if somebody had typed one word. It knows something about the answer, in every row of the table alike.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from tokrec.datasets.shelf import load_shelf
from tokrec.evaluate import bootstrap_interval, paired_difference, warm_split
from tokrec.features.attributes import attribute_table
from tokrec.features.encoder import default_encoder
from tokrec.recommend import ContentRecommender
from tokrec.recommend.fusion import HOWS, Fusion, How

SEEDS = range(3)
EPOCHS, BATCH, RATE = 8, 256, 2e-3
HALF_LIFE, FEWEST = 5, 3  # of a like, in later likes; likes before the first example
PARTS = ("sequence", "wish", "attributes")


@dataclass(frozen=True)
class Examples:
    """Moments at which a reader liked something: what came before, what was wished, what it was. Chapter *sequences*.

    Attributes
    ----------
    parts : dict of str to Tensor
        For each of ``PARTS`` a row a moment.
    wanted : Tensor of int
        Place of the item.
    had : list of ndarray
        Places of all that the reader had rated before, which cannot be the answer.
    readers : list of str
    """

    parts: dict[str, Tensor]
    wanted: Tensor
    had: list[np.ndarray]
    readers: list[str]


def vectors_of_items(items: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Text vectors and attributes. Chapter *sequences*."""
    return np.asarray(ContentRecommender("encoder").fit(None, items).vectors_, np.float32), attribute_table(items).to_numpy()


def wishes(items: pd.DataFrame, places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The encoder's vector of one label of each item, in a language that is drawn too. Chapter *sequences*."""
    columns = [items[column].to_list() for column in ("tags", "tags_zh")]
    drawn = [str(rng.choice(columns[rng.integers(2)][place])) for place in places]
    different = sorted(set(drawn))
    vectors = default_encoder().encode(different)
    return vectors[np.searchsorted(different, drawn)]


def examples(before: pd.DataFrame, now: pd.DataFrame, items: pd.DataFrame, seed: int) -> Examples:
    """Each liked item of `now`, with what its reader had liked earlier, in `before` and `now`. Chapter *sequences*."""
    text, attributes = vectors_of_items(items)
    rows: list[tuple[np.ndarray, np.ndarray, int, np.ndarray, str]] = []
    together = pd.concat([before.assign(now=False), now.assign(now=True)]).drop_duplicates(["user_id", "item_id", "timestamp"], keep="last")
    for reader, own in together.sort_values("timestamp", kind="stable").groupby("user_id"):
        places = items.index.get_indexer(pd.Index(own["item_id"]))
        liked = (own["rating"] >= 4).to_numpy()
        for at in np.flatnonzero(liked & own["now"].to_numpy()):
            earlier = places[:at][liked[:at]]
            if len(earlier) >= FEWEST:
                weights = 0.5 ** (np.arange(len(earlier))[::-1] / HALF_LIFE)
                weights = weights / weights.sum()
                rows.append((weights @ text[earlier], attributes[earlier].mean(axis=0), places[at], places[:at], str(reader)))
    sequence, own_attributes, wanted, had, readers = zip(*rows, strict=True)
    wish = wishes(items, np.array(wanted), np.random.default_rng(seed))
    parts = {"sequence": np.stack(sequence), "wish": wish, "attributes": np.stack(own_attributes)}
    tensors = {name: torch.from_numpy(part.astype(np.float32)) for name, part in parts.items()}
    return Examples(tensors, torch.tensor(wanted), list(had), list(readers))


def fitted(learn: Examples, names: tuple[str, ...], how: How, items: Tensor, seed: int) -> Fusion:
    """Train one fusion with the softmax over all items. Chapter *sequences*."""
    torch.manual_seed(seed)
    network = Fusion([learn.parts[name].shape[1] for name in names], items.shape[1], how)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.01)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(learn.wanted)).split(BATCH):
            scores = network([learn.parts[name][rows] for name in names], items)
            loss = torch.nn.functional.cross_entropy(scores, learn.wanted[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network


def quality(scores: np.ndarray, test: Examples) -> pd.Series:
    """NDCG@10 of the one wanted item among all that the reader had not rated, the mean of each reader. Chapter *sequences*."""
    scores = scores.copy()
    for row, had in zip(scores, test.had, strict=True):
        row[had] = -np.inf
    own = scores[np.arange(len(scores)), test.wanted.numpy()][:, None]
    rank = 1 + (scores > own).sum(axis=1)
    return pd.Series(np.where(rank <= 10, 1 / np.log2(rank + 1), 0.0)).groupby(test.readers).mean()


def fusion() -> pd.DataFrame:
    """Parts alone and together, four ways of fusion, and the sum of two untrained cosines. Chapter *sequences*.

    Returns
    -------
    DataFrame
        ``parts, how, readers, ndcg, low, high``, and the paired difference from the sum of cosines: ``difference, below, above``.
    """
    shelf = load_shelf()
    train, test_rows = warm_split(shelf.interactions)
    learn = examples(train.iloc[:0], train, shelf.items, seed=1)
    test = examples(train, test_rows, shelf.items, seed=2)
    text, attributes = vectors_of_items(shelf.items)
    items = torch.from_numpy(np.hstack([text, attributes]))
    wish, history = test.parts["wish"].numpy(), test.parts["sequence"].numpy()
    found: dict[tuple[str, str], pd.Series] = {
        ("wish", "cosine"): quality(wish @ text.T, test),
        ("sequence", "cosine"): quality(history @ text.T, test),
        ("sequence + wish", "sum of cosines"): quality((wish + history) @ text.T, test),
    }
    trials: list[tuple[tuple[str, ...], How]] = [(names, "concatenation") for size in (1, 2) for names in combinations(PARTS, size)]
    for names, how in tqdm([*trials, *((PARTS, how) for how in HOWS)], desc="fusion", file=sys.stderr):
        runs = []
        for seed in SEEDS:
            network = fitted(learn, names, how, items, seed)
            with torch.no_grad():
                runs.append(quality(network([test.parts[name] for name in names], items).numpy(), test))
        found[" + ".join(names), how] = sum(runs[1:], runs[0]) / len(runs)
    rival = found["sequence + wish", "sum of cosines"]
    rows = [
        (*key, len(values), values.mean(), *bootstrap_interval(values), *paired_difference(values, rival)) for key, values in found.items()
    ]
    columns = ["parts", "how", "readers", "ndcg", "low", "high", "difference", "below", "above"]
    return pd.DataFrame(rows, columns=columns).round(4)
