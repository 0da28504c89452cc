"""A world in which items are codes: what readers choose next depends on the codes of what they chose before (chapter *item_tokens*)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from tokrec.recommend.base import Recommender, same_time
from tokrec.recommend.item_tokens import ItemTokensRecommender

BRANCHES, TWINS = 16, 2  # three levels of 16 codes, two items on each leaf
KEPT = 0.8  # how often a code follows its rule; otherwise it comes by chance


def planted_world(readers: int, visits: int = 15, random_state: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Choices of `readers` among 8,192 items. Chapter *item_tokens*.

    Of the next item, the first code follows from the first code of the item before, and the third from the third; the second is the
    reader's own. Each does so with a chance of 0.8 and comes by chance otherwise. Which of the two items of a leaf it is, is chance.

    Returns
    -------
    interactions : DataFrame
        `visits` rows a reader.
    items : DataFrame
        ``title``; ``vector``, 24 numbers, the sum of three steps and a little noise; ``leaf``, the three codes.
    """
    rng = np.random.default_rng(random_state)
    steps = rng.normal(size=(3, BRANCHES, 24)) * np.array([1, 0.6, 0.36])[:, None, None]
    leaf = np.indices((BRANCHES, BRANCHES, BRANCHES, TWINS)).reshape(4, -1).T[:, :3]
    vectors = sum(steps[level, leaf[:, level]] for level in range(3)) + rng.normal(size=(len(leaf), 24)) * 0.05
    items = pd.DataFrame({"title": [f"item {number}" for number in range(len(leaf))], "vector": vectors.tolist(), "leaf": leaf.tolist()})
    rng = np.random.default_rng([random_state, 1])
    taste, chosen = rng.integers(BRANCHES, size=readers), np.zeros((readers, visits), np.int64)
    first, third = rng.integers(BRANCHES, size=(2, readers))
    for visit in range(visits):
        wanted = np.stack([follow(first), taste, follow(third)])
        by_chance = rng.random(wanted.shape) >= KEPT
        first, second, third = np.where(by_chance, rng.integers(BRANCHES, size=wanted.shape), wanted)
        chosen[:, visit] = ((first * BRANCHES + second) * BRANCHES + third) * TWINS + rng.integers(TWINS, size=readers)
    rows = {"user_id": np.repeat(np.arange(readers), visits), "item_id": chosen.ravel(), "rating": 5.0}
    return pd.DataFrame(rows | {"timestamp": np.tile(np.arange(visits, dtype=float), readers)}), items.rename_axis("item_id")


def follow(codes: np.ndarray) -> np.ndarray:
    """The code that follows each code: the fifth one on, around the circle. Chapter *item_tokens*."""
    return (codes + 5) % BRANCHES


class FromVectors(ItemTokensRecommender):
    """Codes from vectors that the items bring along. Chapter *item_tokens*."""

    def _text_vectors(self) -> np.ndarray:
        return np.array(self.items_["vector"].tolist(), np.float32)


class Oracle(Recommender):
    """Knows the rules of the planted world, and the taste of each reader as far as it shows in the history. Chapter *item_tokens*."""

    def _fit(self) -> None:
        self.leaf_ = np.array(self.items_["leaf"].tolist())

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return self._score_events(history, same_time(history))

    def _score_events(self, history: csr_matrix, times: csr_matrix) -> np.ndarray:
        rule = np.full((BRANCHES, BRANCHES), (1 - KEPT) / BRANCHES)  # from a code to the next
        rule[np.arange(BRANCHES), follow(np.arange(BRANCHES))] += KEPT
        scores = []
        for start, end in zip(history.indptr, history.indptr[1:], strict=False):
            last = self.leaf_[history.indices[start + np.argmax(times.data[start:end])]]
            seen = np.bincount(self.leaf_[history.indices[start:end], 1], minlength=BRANCHES)
            odds = (1 + KEPT * BRANCHES / (1 - KEPT)) ** seen  # how much likelier each taste has become
            second = (1 - KEPT) / BRANCHES + KEPT * odds / odds.sum()
            scores.append(np.log(rule[last[0]][self.leaf_[:, 0]] * second[self.leaf_[:, 1]] * rule[last[2]][self.leaf_[:, 2]]))
        return np.array(scores)
