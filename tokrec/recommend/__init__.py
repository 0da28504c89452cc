"""Recommenders: one estimator a file, all with ``fit(interactions, items)`` and ``recommend(...)`` (chapter *recommender*)."""

from tokrec.recommend.base import Recommender, load_recommender
from tokrec.recommend.blend import BlendRecommender
from tokrec.recommend.content import ContentRecommender
from tokrec.recommend.hybrid import HybridRecommender
from tokrec.recommend.item_tokens import ItemTokensRecommender
from tokrec.recommend.popularity import PopularityRecommender
from tokrec.recommend.ranker import RankRecommender

__all__ = [
    "BlendRecommender",
    "ContentRecommender",
    "HybridRecommender",
    "ItemTokensRecommender",
    "PopularityRecommender",
    "RankRecommender",
    "Recommender",
    "load_recommender",
]
