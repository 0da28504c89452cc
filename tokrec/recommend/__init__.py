"""Recommenders: one estimator a file, all with ``fit(interactions, items)`` and ``recommend(...)`` (chapter *recommender*)."""

from tokrec.recommend.als import AlsRecommender
from tokrec.recommend.base import Recommender, load_recommender
from tokrec.recommend.blend import BlendRecommender
from tokrec.recommend.content import ContentRecommender
from tokrec.recommend.ease import EaseRecommender
from tokrec.recommend.factors import SvdRecommender
from tokrec.recommend.hybrid import HybridRecommender
from tokrec.recommend.item_tokens import ItemTokensRecommender
from tokrec.recommend.markov import MarkovRecommender
from tokrec.recommend.neighbours import NeighbourRecommender
from tokrec.recommend.popularity import PopularityRecommender
from tokrec.recommend.ranker import RankRecommender
from tokrec.recommend.recent import RecentPopularityRecommender

__all__ = [
    "AlsRecommender",
    "BlendRecommender",
    "ContentRecommender",
    "EaseRecommender",
    "HybridRecommender",
    "ItemTokensRecommender",
    "MarkovRecommender",
    "NeighbourRecommender",
    "PopularityRecommender",
    "RankRecommender",
    "RecentPopularityRecommender",
    "Recommender",
    "SvdRecommender",
    "load_recommender",
]
