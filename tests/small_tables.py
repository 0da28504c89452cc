"""Three items and four interactions, small enough to count by hand, for the tests of tables and of rankings."""

import pandas as pd

from tokrec.recommend import PopularityRecommender

ITEMS = pd.DataFrame({"title": ["Smart watch", "Red apple", "Trip to Yunnan"]}, index=pd.Index(["w", "a", "t"], name="item_id"))
SEEN = pd.DataFrame(
    {"user_id": ["u", "u", "v", "v"], "item_id": ["w", "a", "a", "t"], "rating": [5.0, 2.0, 4.0, 3.0], "timestamp": [4, 3, 2, 1]}
)


def change(**columns: object) -> pd.DataFrame:
    return SEEN.assign(**columns)


def liked(seen: pd.DataFrame, items: pd.DataFrame = ITEMS, **options: float) -> dict:
    """How many readers liked each item, as the recommender counts."""
    fitted = PopularityRecommender(**options).fit(seen, items)
    return dict(zip(fitted.items_.index, fitted.counts_, strict=True))
