"""Items as tokens: codes from what an item says, and a decoder that writes them (chapter *item_tokens*)."""

from tokrec.recommend.item_tokens.codes import Codebooks, neighbours_kept, own_codes, purity, residual_kmeans, share_alone
from tokrec.recommend.item_tokens.trie import Trie, build_trie
from tokrec.recommend.item_tokens.writer import ItemTokensRecommender

__all__ = [
    "Codebooks",
    "ItemTokensRecommender",
    "Trie",
    "build_trie",
    "neighbours_kept",
    "own_codes",
    "purity",
    "residual_kmeans",
    "share_alone",
]
