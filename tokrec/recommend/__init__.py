"""Recommenders: one estimator a file, all with ``fit(interactions, items)`` and ``recommend(...)`` (chapter *recommender*)."""

from tokrec.recommend.als import AlsRecommender
from tokrec.recommend.audience import AudienceRecommender
from tokrec.recommend.base import Recommender, load_recommender
from tokrec.recommend.blend import BlendRecommender
from tokrec.recommend.bridge import BridgeRecommender
from tokrec.recommend.content import ContentRecommender
from tokrec.recommend.ease import EaseRecommender
from tokrec.recommend.factors import SvdRecommender
from tokrec.recommend.hybrid import HybridRecommender
from tokrec.recommend.item_tokens import ItemTokensRecommender
from tokrec.recommend.markov import MarkovRecommender
from tokrec.recommend.matching import TwoTowerRecommender
from tokrec.recommend.neighbours import NeighbourRecommender
from tokrec.recommend.new_items import NewItemBlend, NewItemRanker
from tokrec.recommend.popularity import PopularityRecommender
from tokrec.recommend.ranker import RankRecommender
from tokrec.recommend.rated import RatedRecommender
from tokrec.recommend.recent_content import RecentContentRecommender
from tokrec.recommend.recent_popularity import RecentPopularityRecommender
from tokrec.recommend.ridge import KernelRidgeRecommender
from tokrec.recommend.sequence import SequenceRecommender
from tokrec.recommend.similar import SimilarRecommender

__all__ = [
    "AlsRecommender",
    "AudienceRecommender",
    "BlendRecommender",
    "BridgeRecommender",
    "ContentRecommender",
    "EaseRecommender",
    "HybridRecommender",
    "ItemTokensRecommender",
    "KernelRidgeRecommender",
    "MarkovRecommender",
    "NeighbourRecommender",
    "NewItemBlend",
    "NewItemRanker",
    "PopularityRecommender",
    "RankRecommender",
    "RatedRecommender",
    "RecentContentRecommender",
    "RecentPopularityRecommender",
    "Recommender",
    "TwoTowerRecommender",
    "SequenceRecommender",
    "SimilarRecommender",
    "SvdRecommender",
    "load_recommender",
]
