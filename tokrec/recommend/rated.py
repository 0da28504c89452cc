"""What was rated, whatever the rating: whoever rates a film has chosen to see it (chapter *league_table*)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import clone

from tokrec.recommend.base import Recommender
from tokrec.recommend.blend import described, from_described


class RatedRecommender(Recommender):
    """Another recommender that takes every rating for a like. Chapter *league_table*.

    Parameters
    ----------
    member : Recommender
        Unfitted; ``fit`` makes a fitted copy, ``member_``.
    positive : float, optional
        From which rating on an interaction counts as liked, for those who judge; the member takes all.
    """

    def __init__(self, member: Recommender, positive: float | None = None) -> None:
        self.member = member
        self.positive = positive

    def _fit(self) -> None:
        lowest = float(self.seen_.data.min()) if self.seen_.nnz else self.positive_
        self.member_ = clone(self.member)._learn(self.items_, self.users_, self.seen_, self.times_, lowest)

    def _score_events(self, history: csr_matrix, times: csr_matrix) -> np.ndarray:
        return self.member_._score_events(history, times)

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return self.member_._score_history(history)

    def _stored_parameters(self) -> dict[str, Any]:
        return self.get_params(deep=False) | {"member": described(self.member)}

    @classmethod
    def _from_stored(cls, parameters: dict[str, Any]) -> Self:
        return cls(**parameters | {"member": from_described(parameters["member"])})
