"""Recommenders: one estimator a file, all with ``fit(interactions, items)`` and ``recommend(...)`` (chapter *recommender*)."""

from tokrec.recommend.base import Recommender, load_recommender
from tokrec.recommend.content import ContentRecommender
from tokrec.recommend.hybrid import HybridRecommender
from tokrec.recommend.popularity import PopularityRecommender

__all__ = ["ContentRecommender", "HybridRecommender", "PopularityRecommender", "Recommender", "load_recommender"]
