"""Statistics of interactions and texts: hand-computed values, and real data where it is at hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tokrec
from tokrec.datasets.statistics import (
    gini,
    interaction_statistics,
    largest_overlap,
    lorenz,
    moving_ttr,
)
from tokrec.distill.richness import richness_elsewhere
from tokrec.stored import stored

DATA = Path(__file__).parents[2] / "shared" / "data"


def test_gini_by_hand():
    assert gini([3, 3, 3]) == pytest.approx(0)
    assert gini([0, 0, 0, 8]) == pytest.approx(0.75)
    assert gini([1, 3]) == pytest.approx(0.25)


def test_gini_is_half_the_relative_mean_difference():
    counts = np.random.default_rng(0).integers(0, 50, 40)
    pairs = np.abs(counts[:, None] - counts[None, :]).mean()
    assert gini(counts) == pytest.approx(pairs / (2 * counts.mean()))


@pytest.mark.parametrize("counts", [[], [0, 0], [1, -1]])
def test_gini_refuses(counts):
    with pytest.raises(ValueError, match="none negative"):
        gini(counts)


def test_lorenz_by_hand():
    np.testing.assert_allclose(lorenz([1, 3, 0, 4], points=5), [0, 0.5, 0.875, 1, 1])


def test_interaction_statistics_by_hand():
    table = pd.DataFrame({"user_id": list("aab"), "item_id": ["x", "y", "x"], "rating": [5.0, 3.0, 0.5]})
    found = interaction_statistics(table, n_items=4)
    assert (found["readers"], found["items"], found["interactions"]) == (2, 4, 3)
    assert found["density"] == 3 / 8
    assert found["items_without"] == 0.5
    assert found["median_per_reader"] == found["mean_per_reader"] == 1.5
    assert found["histogram"]["5.0"] == found["histogram"]["0.5"] == 0.333333
    assert found["tail"]["1"] == 1.0 and found["tail"]["2"] == 0.5 and found["tail"]["5"] == 0.0
    assert found["relative_tail"]["0.5"] == 1.0 and found["relative_tail"]["1"] == 0.5 and found["relative_tail"]["2"] == 0.0


def test_moving_ttr_by_hand():
    assert moving_ttr(["a", "b", "a", "a"], window=2) == pytest.approx((2 + 2 + 1) / 3 / 2)
    assert moving_ttr(["a", "b"], window=2) == 1.0
    with pytest.raises(ValueError, match="window"):
        moving_ttr(["a"], window=2)


def test_largest_overlap_by_hand():
    assert largest_overlap(["a b c d", "x a b c", "p q r s"], "word", 3) == (0.5, 0, 1)
    assert largest_overlap(["智能手表", "智能手机", "火锅"], "char", 3) == (0.5, 0, 1)


@pytest.mark.parametrize(("column", "unit", "n"), [("text_en", "word", 3), ("text_zh", "char", 5)])
def test_no_two_descriptions_of_the_shelf_share_half_of_their_ngrams(column, unit, n):
    items = tokrec.load_shelf().items
    share, first, second = largest_overlap(items[column].tolist(), unit, n)
    assert share < 0.5, f"{items.index[first]} and {items.index[second]} are too much alike"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the texts in {DATA}: the stored richness is used as it is")
def test_stored_richness_is_that_of_the_texts(capsys: pytest.CaptureFixture[str]):
    assert stored("richness_elsewhere") == pytest.approx(richness_elsewhere(DATA), abs=0.005)  # another jieba cuts a few words differently


def test_simulated_readers_are_like_real_ones_in_four_numbers():
    ratings, films = tokrec.load_movielens()
    shelf = tokrec.load_shelf()
    real, simulated = interaction_statistics(ratings, len(films)), interaction_statistics(shelf.interactions, len(shelf.items))
    assert (real["readers"], real["items"], real["interactions"]) == (610, 9742, 100836)
    assert real["density"] == pytest.approx(100836 / 610 / 9742, abs=1e-6)
    for key, distance in {"density": 0.005, "gini_items": 0.02, "gini_readers": 0.02, "mean_rating": 0.02}.items():
        assert simulated[key] == pytest.approx(real[key], abs=distance)
