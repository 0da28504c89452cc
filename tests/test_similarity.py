"""Similarity: hand-computed angles and sets, exact search against brute force, thresholds against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.spatial.distance import cosine as scipy_cosine
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from tokrec.similarity import best_first, calibrate_threshold, centre, cosine, dense, jaccard, top_k

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("a", "b", "wanted"),
    [
        ([3, 4], [4, 3], 24 / 25),  # 3·4 + 4·3 = 24, lengths 5 and 5
        ([1, 0], [0, 1], 0),
        ([1, 2, 2], [2, 4, 4], 1),
        ([1, 1], [-1, -1], -1),
        ([1, 0, 1], [1, 1, 0], 1 / 2),  # 1 / (√2 · √2)
        ([0, 0], [1, 2], 0),
        ([1e200, 1e200], [1e200, 0], 2**-0.5),  # squares would overflow
        ([1e-200, 1e-200], [1e-200, 0], 2**-0.5),  # or vanish
    ],
)
def test_cosine_by_hand(a: list[float], b: list[float], wanted: float):
    assert cosine(a, b) == pytest.approx(wanted)


@settings(deadline=None)
@given(st.integers(1, 8).flatmap(lambda n: st.tuples(*[st.lists(NUMBERS, min_size=n, max_size=n)] * 2)))
def test_cosine_properties(pair: tuple[list[float], list[float]]):
    a, b = pair
    assert -1 <= cosine(a, b) <= 1 and cosine(a, b) == pytest.approx(cosine(b, a))
    if all(1e-3 < np.abs(vector).max() for vector in pair):
        assert cosine(a, b) == pytest.approx(1 - scipy_cosine(a, b), abs=1e-9)
        assert cosine(a, [3 * number for number in a]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [([1, 2], [1], "one length"), ([[1]], [[1]], "two vectors"), ([1, np.nan], [1, 2], "finite"), ([np.inf], [1], "finite")],
)
def test_cosine_refuses(a, b, message: str):
    with pytest.raises(ValueError, match=message):
        cosine(a, b)


def test_jaccard_by_hand():
    assert jaccard(["a", "b", "b"], ["b", "c"]) == pytest.approx(1 / 3)  # {b} of {a, b, c}
    assert jaccard("喜欢电影", "喜欢音乐") == pytest.approx(2 / 6)
    assert jaccard([], []) == 0 and jaccard(["a"], []) == 0 and jaccard(["a"], ["a"]) == 1


def test_centre_by_hand():
    # Mean (1, 1): rows become (1, 0), (-1, 0), (0, 0), the third of no direction.
    centred = centre(np.array([[2.0, 1.0], [0.0, 1.0], [1.0, 1.0]]))
    assert centred.tolist() == [[1, 0], [-1, 0], [0, 0]] and centred.dtype == np.float32
    assert centre(np.array([[4.0, 5.0]]), mean=np.array([1.0, 1.0]))[0] == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize("make_queries", [np.asarray, csr_matrix])
@pytest.mark.parametrize("make_items", [np.asarray, csr_matrix])
@pytest.mark.parametrize("block", [1, 3, 1024])
def test_top_k_is_brute_force(make_queries, make_items, block: int):
    rng = np.random.default_rng(0)
    queries, items = rng.normal(size=(7, 5)), rng.normal(size=(40, 5))
    queries[2], items[4] = 0, 0  # zero vectors have cosine 0 with all
    similar = np.array([[cosine(query, item) for item in items] for query in queries])
    indices, scores = top_k(make_queries(queries), make_items(items), k=6, block=block)
    for row in range(7):
        wanted = sorted(range(40), key=lambda item: (-round(similar[row, item], 9), item))[:6]
        assert indices[row].tolist() == wanted
        assert scores[row] == pytest.approx(similar[row, wanted], abs=1e-6)
    assert indices.dtype == np.int64 and scores.dtype == np.float32


def test_top_k_ties_stand_in_the_items_order():
    indices, scores = top_k(np.array([[1.0, 0.0]]), np.array([[0, 1], [2, 0], [1, 0], [3, 0]], float), k=3)
    assert indices.tolist() == [[1, 2, 3]] and scores.tolist() == [[1, 1, 1]]


def test_top_k_edges():
    items = np.eye(3)
    assert top_k(items, items, k=99)[0].shape == (3, 3)
    assert [array.shape for array in top_k(np.zeros((0, 3)), items, k=2)] == [(0, 2), (0, 2)]
    with pytest.raises(ValueError, match="queries have 2 columns and items 3"):
        top_k(np.zeros((1, 2)), items)
    with pytest.raises(ValueError, match="k must be a whole number"):
        top_k(items, items, k=0)


def test_best_first_by_hand():
    assert best_first(np.array([[0.1, 0.9, 0.9, -1.0]]), 3).tolist() == [[1, 2, 0]]
    assert best_first(np.array([[1.0, 2.0]]), 5).tolist() == [[1, 0]]
    assert best_first(np.arange(900)[None, :] % 3 * 1.0, 300).tolist() == [list(range(2, 900, 3))]  # many ties


def test_dense():
    assert dense(csr_matrix([[0, 1]])).tolist() == dense(np.array([[0, 1]])).tolist() == [[0, 1]]


def test_threshold_by_hand():
    # From 0.7 on: the positives 0.9, 0.8, 0.7 and the negative 0.75: precision 3/4, recall 3/3, F1 = 2 · 0.75 / 1.75 = 6/7.
    # Other cuts: 0.8 gives precision 1, recall 2/3, F1 0.8; 0.1 gives 3/6, 1, F1 2/3.
    # ROC: of the 9 pairs (positive, negative) 8 stand in the right order (0.7 < 0.75 does not).
    scores, labels = [0.9, 0.8, 0.75, 0.7, 0.2, 0.1], [1, 1, 0, 1, 0, 0]
    found = calibrate_threshold(scores, labels)
    assert found.value == pytest.approx(0.7)
    assert (found.precision, found.recall, found.f1) == pytest.approx((3 / 4, 1, 6 / 7))
    assert found.auc == pytest.approx(8 / 9)
    chances = found.probability(scores)
    assert ((chances > 0) & (chances < 1)).all() and (np.diff(chances) < 0).all()


def test_threshold_is_the_best_of_all_cuts():
    rng = np.random.default_rng(1)
    labels = rng.random(300) < 0.3
    scores = np.where(labels, 0.5, 0.3) + rng.normal(0, 0.15, 300)
    found = calibrate_threshold(scores, labels)
    assert found.f1 == pytest.approx(max(f1_score(labels, scores >= cut) for cut in scores))
    said = scores >= found.value
    assert (found.precision, found.recall) == pytest.approx((precision_score(labels, said), recall_score(labels, said)))
    assert found.auc == pytest.approx(roc_auc_score(labels, scores))
    # A logistic fit with an intercept has the labels' mean (up to its weak regularisation), on any scale of the scores.
    assert found.probability(scores).mean() == pytest.approx(labels.mean(), abs=1e-3)
    scaled = calibrate_threshold(scores * 100 + 7, labels)
    np.testing.assert_allclose(scaled.probability(scores * 100 + 7), found.probability(scores), atol=1e-6)


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([0.1, 0.2], [1], "one length"),
        ([0.1, 0.2], [1, 1], "both related and unrelated"),
        ([0.1], [0], "both"),
        ([], [], "both"),
        ([[0.1]], [[1]], "two vectors"),
    ],
)
def test_threshold_refuses(scores, labels, message: str):
    with pytest.raises(ValueError, match=message):
        calibrate_threshold(scores, labels)
