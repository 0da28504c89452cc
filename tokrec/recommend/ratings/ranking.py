"""Lists by predicted rating: what a rating regressor recommends (chapter *ratings*)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from tokrec.recommend.popularity import PopularityRecommender
from tokrec.recommend.ratings.base import RatingRegressor


class RankByRating:
    """Ranks items by the stars that a reader is predicted to give: for ``tokrec.evaluate.per_user``. Chapter *ratings*.

    Parameters
    ----------
    regressor : RatingRegressor
        Fitted by ``fit``.
    """

    def __init__(self, regressor: RatingRegressor) -> None:
        self.regressor = regressor

    def fit(self, interactions: pd.DataFrame | None, items: pd.DataFrame) -> Self:
        """Fit the regressor, and keep what each reader has had."""
        had = PopularityRecommender().fit(interactions, items)
        self.items_, self.users_, self.seen_, self.positive_ = had.items_, had.users_, had.seen_, had.positive_
        self.regressor.fit(interactions, items)  # type: ignore[arg-type]
        return self

    def score(self, users: Sequence[Any]) -> np.ndarray:
        """Predicted ratings ``(n_users, n_items)``, not cut to the scale, so that few are equal."""
        return self.regressor.predict_all(users)
