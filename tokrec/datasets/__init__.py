"""Data: the bundled shelf, the simulator of readers, MovieLens, and a reader's own table (chapter *recommender*)."""

from tokrec.datasets.movielens import load_movielens, load_movielens_links, load_movielens_tags, movielens_folder
from tokrec.datasets.own import read_items
from tokrec.datasets.own_interactions import read_interactions
from tokrec.datasets.readers import load_tastes, simulate_readers
from tokrec.datasets.shelf import Shelf, load_shelf

__all__ = [
    "Shelf",
    "load_movielens",
    "load_movielens_links",
    "load_movielens_tags",
    "load_shelf",
    "load_tastes",
    "movielens_folder",
    "read_interactions",
    "read_items",
    "simulate_readers",
]
