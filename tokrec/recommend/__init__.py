"""Recommenders: one estimator a file, all with ``fit(interactions, items)`` and ``recommend(...)`` (chapter *recommender*)."""

from tokrec.recommend.audience import AudienceRecommender
from tokrec.recommend.base import Recommender, load_recommender
from tokrec.recommend.blend import BlendRecommender
from tokrec.recommend.bridge import BridgeRecommender
from tokrec.recommend.content import ContentRecommender
from tokrec.recommend.hybrid import HybridRecommender
from tokrec.recommend.new_items import NewItemBlend, NewItemRanker
from tokrec.recommend.popularity import PopularityRecommender
from tokrec.recommend.ranker import RankRecommender
from tokrec.recommend.ridge import KernelRidgeRecommender
from tokrec.recommend.similar import SimilarRecommender

__all__ = [
    "AudienceRecommender",
    "BlendRecommender",
    "BridgeRecommender",
    "ContentRecommender",
    "HybridRecommender",
    "KernelRidgeRecommender",
    "NewItemBlend",
    "NewItemRanker",
    "PopularityRecommender",
    "RankRecommender",
    "Recommender",
    "SimilarRecommender",
    "load_recommender",
]
