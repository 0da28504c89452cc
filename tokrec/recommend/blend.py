"""Several recommenders as one: a weighted sum of scores that were made comparable (chapter *league_table*)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import clone

from tokrec.checks import check_list, check_number
from tokrec.recommend.base import Recommender, kind_named


def standardise(scores: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Scores of each reader with mean 0 and variance 1 over the items that may be shown. Chapter *league_table*.

    What has been rated is left out of mean and spread: several methods give it scores far above all others, as they learnt from it.

    Parameters
    ----------
    scores : ndarray of float, shape (n, n_items)
    shown : ndarray of bool, shape (n, n_items)
        What may be shown. Where nothing may, or all scores are alike, the row becomes 0.

    Returns
    -------
    ndarray of float32, shape (n, n_items)
        Of all items, by the mean and spread of those that may be shown.
    """
    count = np.maximum(shown.sum(axis=1, keepdims=True), 1)
    centred = scores - (scores * shown).sum(axis=1, keepdims=True) / count
    spread = np.sqrt((np.square(centred) * shown).sum(axis=1, keepdims=True) / count)
    return np.where(spread > 1e-9, centred / np.maximum(spread, 1e-9), 0).astype(np.float32)


def climb(
    quality: Callable[[np.ndarray], float], start: Sequence[float], factors: Sequence[float] = (0.0, 0.5, 0.8, 1.25, 2.0), rounds: int = 3
) -> np.ndarray:
    """Weights for a blend, one changed at a time as long as the quality rises. Chapter *league_table*.

    Parameters
    ----------
    quality : callable
        From weights to a number, larger is better; to be measured inside the training data.
    start : sequence of float
        The first one stays as it is: only the ratios of weights count.
    factors : sequence of float
        What a weight is multiplied by in a trial.
    rounds : int
        How often all weights are gone through at most.
    """
    weights, best = np.array(start, dtype=float), quality(np.array(start, dtype=float))
    for _ in range(rounds):
        before = best
        for place in range(1, len(weights)):
            trials = [np.where(np.arange(len(weights)) == place, weights * factor, weights) for factor in factors]
            found = [quality(trial) for trial in trials]
            if max(found) > best:
                best, weights = max(found), trials[int(np.argmax(found))]
        if best == before:
            break
    return weights


class BlendRecommender(Recommender):
    """A weighted sum of recommenders, each standardised over the items that a reader has not rated. Chapter *league_table*.

    Parameters
    ----------
    members : sequence of Recommender
        Unfitted; ``fit`` makes fitted copies.
    weights : sequence of float, optional
        One a member, 0 or more; by default all are 1. To be chosen inside the training data: :func:`climb`.
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.

    Attributes
    ----------
    members_ : list of Recommender
        Fitted.
    """

    def __init__(self, members: Sequence[Recommender], weights: Sequence[float] | None = None, positive: float | None = None) -> None:
        self.members = members
        self.weights = weights
        self.positive = positive

    def _fit(self) -> None:
        members = check_list(self.members, "members")
        if not members or not all(isinstance(member, Recommender) for member in members):
            raise ValueError("members must be recommenders, at least one, for example [PopularityRecommender(), ContentRecommender()]")
        self.weights_ = [check_number(weight, "each of weights", least=0) for weight in self.weights or [1.0] * len(members)]
        if len(self.weights_) != len(members):
            raise ValueError(f"weights must hold one number for each of the {len(members)} members, got {len(self.weights_)}")
        self.members_ = [clone(member)._learn_beside(self) for member in members]

    def parts(self, history: csr_matrix, times: csr_matrix) -> list[np.ndarray]:
        """Standardised scores ``(n, n_items)`` of each member, as float32, in the members' order."""
        shown = history.toarray() == 0
        return [standardise(member._score_events(history, times), shown) for member in self.members_]

    def mix(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """The weighted sum of what :meth:`parts` returns."""
        return sum((weight * part for weight, part in zip(self.weights_, parts, strict=True) if weight), np.zeros_like(parts[0]))

    def _score_events(self, history: csr_matrix, times: csr_matrix) -> np.ndarray:
        return self.mix(self.parts(history, times))

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return self.score_history(history)

    def _score_text(self, texts: Sequence[str]) -> np.ndarray:
        shown = np.ones((len(texts), len(self.items_)), bool)
        return self.mix([standardise(member._score_text(texts), shown) for member in self.members_])

    def _stored_parameters(self) -> dict[str, Any]:
        members = [{"kind": type(member).__name__, "parameters": member._stored_parameters()} for member in self.members]
        return self.get_params(deep=False) | {"members": members, "weights": None if self.weights is None else list(self.weights)}

    @classmethod
    def _from_stored(cls, parameters: dict[str, Any]) -> Self:
        members = [kind_named(member["kind"])._from_stored(member["parameters"]) for member in parameters["members"]]
        return cls(**parameters | {"members": members})
