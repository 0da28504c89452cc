"""Data: the bundled shelf, the simulator of readers, MovieLens, and a reader's own CSV (chapter *recommender*)."""

from tokrec.datasets.movielens import load_movielens
from tokrec.datasets.own import read_items
from tokrec.datasets.readers import load_tastes, simulate_readers
from tokrec.datasets.shelf import Shelf, load_shelf

__all__ = ["Shelf", "load_movielens", "load_shelf", "load_tastes", "read_items", "simulate_readers"]
