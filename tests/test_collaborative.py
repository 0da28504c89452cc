"""Collaborative recommenders: by hand, by brute force, against scikit-learn, implicit and Cornac."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, random_array
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestNeighbors

from tokrec.recommend import (
    AlsRecommender,
    EaseRecommender,
    MarkovRecommender,
    NeighbourRecommender,
    PopularityRecommender,
    RecentPopularityRecommender,
    SvdRecommender,
    load_recommender,
)
from tokrec.recommend.als import objective, solve
from tokrec.recommend.ease import inverse_gram
from tokrec.recommend.liked import later, profiles
from tokrec.recommend.markov import follow
from tokrec.recommend.neighbours import K1, B, bm25, nearest

KINDS = {
    "cosine": lambda: NeighbourRecommender(neighbours=5),
    "bm25": lambda: NeighbourRecommender("bm25", neighbours=5, half_life=3.0),
    "ease": lambda: EaseRecommender(penalty=2.0),
    "ease, recent": lambda: EaseRecommender(penalty=2.0, half_life=2.0),
    "als": lambda: AlsRecommender(factors=4, alpha=5.0, penalty=0.5, rounds=3),
    "svd": lambda: SvdRecommender(factors=4),
    "markov": lambda: MarkovRecommender(window=3),
}
N_USERS, N_ITEMS = 40, 15


@pytest.fixture(scope="module")
def items() -> pd.DataFrame:
    return pd.DataFrame({"title": [f"film {number}" for number in range(N_ITEMS)]}, index=[f"i{number:02}" for number in range(N_ITEMS)])


@pytest.fixture(scope="module")
def interactions(items: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(0)  # the last item is liked by nobody
    pairs = [(user, item) for user in range(N_USERS) for item in rng.permutation(N_ITEMS)[: rng.integers(6, 13)]]
    rows = []
    for time, (user, item) in enumerate(pairs):
        rows.append((f"u{user:02}", f"i{item:02}", rng.integers(2, 6) if item < N_ITEMS - 1 else 2, time))
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"])


@pytest.fixture(scope="module")
def liked(interactions: pd.DataFrame, items: pd.DataFrame) -> np.ndarray:
    table = interactions.assign(liked=interactions["rating"] >= 4).pivot_table(index="user_id", columns="item_id", values="liked")
    return table.reindex(columns=items.index).fillna(0).to_numpy(float)


@pytest.fixture(scope="module")
def fitted(interactions: pd.DataFrame, items: pd.DataFrame) -> dict:
    return {name: make().fit(interactions, items) for name, make in KINDS.items()}


@pytest.mark.parametrize("name", KINDS)
def test_stored_cloned_and_scored_in_blocks(fitted: dict, name: str, tmp_path):
    recommender = fitted[name]
    users = list(recommender.users_)
    scores = recommender.score(users)
    assert scores.shape == (N_USERS, N_ITEMS) and np.isfinite(scores).all()
    assert recommender.score(users[7:9]) == pytest.approx(scores[7:9], abs=1e-5)
    assert clone(recommender).get_params() == recommender.get_params()
    loaded = load_recommender(recommender.save(tmp_path))
    assert loaded.get_params() == recommender.get_params() and np.array_equal(loaded.score(users), scores)


@pytest.mark.parametrize("name", KINDS)
def test_who_liked_nothing_gets_the_popular(fitted: dict, name: str, liked: np.ndarray):
    recommender = fitted[name]
    nothing = csr_matrix(np.where(np.arange(N_ITEMS) == 3, 2.0, 0.0)[None, :])  # a film rated with two stars
    assert recommender.score_history(nothing)[0].tolist() == liked.sum(axis=0).tolist() == recommender.counts_.tolist()


@pytest.mark.parametrize("name", KINDS)
def test_learns_nothing_from_nobody(name: str, items: pd.DataFrame):
    for none in (None, pd.DataFrame({"user_id": ["u"], "item_id": ["i01"], "rating": [4.0], "timestamp": [1]})):
        fitted = KINDS[name]().fit(none, items)
        assert len(fitted.recommend(history=["i01"])) == 10


@pytest.mark.parametrize("name", KINDS)
def test_new_likes_count_as_those_of_a_known_reader(fitted: dict, name: str, interactions: pd.DataFrame):
    recommender = fitted[name]
    mine = interactions[(interactions["user_id"] == "u05") & (interactions["rating"] >= 4)].sort_values("timestamp")["item_id"].tolist()
    known = recommender.recommend("u05", k=N_ITEMS, exclude_seen=False)
    new = recommender.recommend(history=mine, k=N_ITEMS, exclude_seen=False)
    assert new["score"].to_numpy() == pytest.approx(known["score"].to_numpy(), abs=1e-5)
    assert len(mine) > 1 and new["item_id"].tolist() == known["item_id"].tolist()


def test_popular_lately_by_hand(items: pd.DataFrame):
    rows = [("u", "i00", 5, 1), ("v", "i00", 5, 2), ("u", "i01", 5, 3), ("w", "i02", 2, 9), ("v", "i02", 4, 4)]
    seen = pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"])
    assert PopularityRecommender().fit(seen, items).counts_[:3].tolist() == [2, 1, 1]
    assert RecentPopularityRecommender(newest=2).fit(seen, items).counts_[:3].tolist() == [0, 1, 1]
    assert RecentPopularityRecommender(newest=3).fit(seen, items).counts_[:3].tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="k must be"):
        RecentPopularityRecommender(newest=0).fit(seen, items)


def test_profiles_by_hand():
    history = csr_matrix(np.array([[5, 4, 2, 5, 0], [0, 0, 1, 0, 0], [4, 0, 0, 0, 4]], float))
    times = csr_matrix((np.array([7.0, 9, 10, 9, 1, 3, 3]), history.indices, history.indptr), shape=history.shape)
    assert profiles(history, times, 4).toarray().tolist() == [[1, 1, 0, 1, 0], [0] * 5, [1, 0, 0, 0, 1]]
    # The first reader liked two items at 9, and one at 7, before both: half after two. The two stars at 10 count for nothing.
    assert profiles(history, times, 4, half_life=2).toarray().tolist() == [[0.5, 1, 0, 1, 0], [0] * 5, [1, 0, 0, 0, 1]]
    assert profiles(history, times, 4, half_life=2).nnz == 5


def test_later_by_brute_force():
    rng = np.random.default_rng(1)
    rows, times = np.sort(rng.integers(0, 6, 80)), rng.integers(0, 9, 80)
    assert later(rows, times).tolist() == [int(((rows == row) & (times > time)).sum()) for row, time in zip(rows, times, strict=True)]
    assert len(later(rows[:0], times[:0])) == 0


def test_neighbours_are_those_of_scikit_learn(fitted: dict, liked: np.ndarray):
    similar = fitted["cosine"].similar_.toarray()
    found = NearestNeighbors(n_neighbors=6, metric="cosine").fit(liked.T[:-1])
    distance, place = found.kneighbors(liked.T[:-1])
    for item in range(N_ITEMS - 1):
        others = [(1 - far, other) for far, other in zip(distance[item], place[item], strict=True) if other != item][:5]
        assert np.sort(similar[item])[::-1][:5] == pytest.approx([value for value, _ in others], abs=1e-6)
        assert all(similar[item, other] == pytest.approx(value, abs=1e-6) or similar[item, other] == 0 for value, other in others)
    assert (np.count_nonzero(similar, axis=1) <= 5).all() and not similar[-1].any() and not similar.diagonal().any()
    assert fitted["cosine"].score(["u05"])[0] == pytest.approx(liked[5] @ similar, abs=1e-6)


def test_nearest_by_hand():
    table = csr_matrix(np.array([[0, 3, 1, 3], [2, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0]], float))
    assert nearest(table, 2).toarray().tolist() == [[0, 3, 0, 3], [2, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]]


def test_bm25_by_hand():
    liked = csr_matrix(np.array([[1, 1, 1, 0], [1, 0, 0, 0]], np.float32))
    weights = bm25(liked).toarray()  # the first item was liked twice, the mean is once
    assert weights[0, 0] == pytest.approx(np.log(4 / 4) * (K1 + 1) / (K1 * (1 - B + 2 * B) + 1))
    assert weights[1, 0] == pytest.approx(np.log(4 / 2) * (K1 + 1) / (K1 * (1 - B + 2 * B) + 1))


def test_weights_and_neighbours_of_implicit(liked: np.ndarray):
    library = pytest.importorskip("implicit.nearest_neighbours")
    ours = bm25(csr_matrix(liked, dtype=np.float32)).toarray()
    assert ours == pytest.approx(library.bm25_weight(csr_matrix(liked.T), K1, B).toarray().T, abs=1e-6)
    for model, weighting in ((library.CosineRecommender(K=N_ITEMS), "cosine"), (library.BM25Recommender(N_ITEMS, K1, B), "bm25")):
        model.fit(csr_matrix(liked), show_progress=False)
        theirs = model.similarity.toarray() * (1 - np.eye(N_ITEMS))
        own = NeighbourRecommender(weighting, neighbours=N_ITEMS).fit(*_tables(liked))
        np.testing.assert_allclose(own.similar_.toarray(), theirs, rtol=1e-5, atol=1e-6)


def _tables(liked: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    users, items = np.nonzero(liked)
    seen = pd.DataFrame({"user_id": users, "item_id": items, "rating": 5.0, "timestamp": np.arange(len(users))})
    return seen, pd.DataFrame({"title": [f"film {number}" for number in range(liked.shape[1])]}, index=range(liked.shape[1]))


def test_ease_is_a_regression_of_every_item_on_the_others(fitted: dict, liked: np.ndarray):
    # The constraint of a zero diagonal falls apart into one ridge regression an item, on all others.
    ease = fitted["ease"]
    assert ease.known_.tolist() == list(range(N_ITEMS - 1))
    for item in range(N_ITEMS - 1):
        others = [other for other in range(N_ITEMS - 1) if other != item]
        ridge = Ridge(alpha=2.0, fit_intercept=False).fit(liked[:, others], liked[:, item])
        assert ease.weights_[others, item] == pytest.approx(ridge.coef_, abs=1e-5)
    assert not ease.weights_.diagonal().any()
    known = liked[:, :-1] @ ease.weights_.astype(float)
    assert ease.score(["u05"])[0] == pytest.approx(np.append(known[5], 0), abs=1e-5)
    first = ease.neighbours("i03")
    assert first.is_monotonic_decreasing and first["i00"] == ease.weights_[0, 3] and "i03" not in first
    with pytest.raises(KeyError, match="nobody liked an item 'i14'"):
        ease.neighbours("i14")


def test_ease_takes_the_smaller_side():
    for shape in ((2500, 60), (60, 2500), (7, 7), (0, 3), (3, 0)):
        liked = np.random.default_rng(2).integers(0, 2, shape).astype(float)
        wanted = np.linalg.inv(liked.T @ liked + 20 * np.eye(shape[1]))
        np.testing.assert_allclose(
            inverse_gram(csr_matrix(liked, dtype=np.float32), 20.0), wanted, atol=1e-4 * np.abs(wanted).max(initial=0)
        )
    many = random_array((2400, 2300), density=0.002, rng=3, format="csr", dtype=np.float32)  # several blocks are mirrored
    inverse = inverse_gram(many, 50.0)
    assert np.array_equal(inverse, inverse.T)


def test_ease_of_cornac(liked: np.ndarray):
    cornac = pytest.importorskip("cornac")
    users, items = np.nonzero(liked)
    data = cornac.data.Dataset.from_uir([(int(u), int(i), 1.0) for u, i in zip(users, items, strict=True)])
    theirs = cornac.models.EASE(lamb=2.0, posB=False, verbose=False).fit(data)
    order = [theirs.iid_map[item] for item in range(N_ITEMS - 1)]
    ours = EaseRecommender(penalty=2.0).fit(*_tables(liked)).weights_
    assert ours == pytest.approx(np.asarray(theirs.B)[np.ix_(order, order)], abs=1e-5)


def test_ease_weighs_the_input_by_age(interactions: pd.DataFrame, items: pd.DataFrame, fitted: dict):
    recent = EaseRecommender(penalty=2.0, half_life=1.0).fit(interactions, items)
    assert np.array_equal(recent.weights_, fitted["ease"].weights_)
    mine = ["i04", "i09", "i02"]
    weights = dict(zip(mine, (0.25, 0.5, 1.0), strict=True))
    wanted = sum(weight * recent.weights_[items.index.get_loc(item)] for item, weight in weights.items())
    found = recent.recommend(history=mine, k=N_ITEMS, exclude_seen=False).set_index("item_id")["score"]
    assert found.loc[items.index[:-1]].to_numpy() == pytest.approx(wanted, abs=1e-5)


def test_als_solves_each_half_exactly(fitted: dict, liked: np.ndarray):
    als, rng = fitted["als"], np.random.default_rng(4)
    sparse, factors = csr_matrix(liked, dtype=np.float32), rng.normal(size=(N_ITEMS, 4)).astype(np.float32)
    solved = solve(sparse, factors, 5.0, 0.5)
    for row in range(N_USERS):  # weighted ridge regression on the items' factors
        ridge = Ridge(alpha=0.5, fit_intercept=False).fit(factors, liked[row], sample_weight=1 + 5 * liked[row])
        assert solved[row] == pytest.approx(ridge.coef_, abs=1e-4)
    values = []
    for rounds in (1, 2, 4, 8):
        fit = clone(als).set_params(rounds=rounds)._learn_beside(als)
        values.append(objective(sparse, solve(sparse, fit.item_factors_, 5.0, 0.5), fit.item_factors_, 5.0, 0.5))
    assert values == sorted(values, reverse=True) and values[-1] < values[0]


def test_objective_by_brute_force(liked: np.ndarray):
    rng = np.random.default_rng(5)
    readers, items = rng.normal(size=(N_USERS, 3)), rng.normal(size=(N_ITEMS, 3))
    errors = ((1 + 7 * liked) * (liked - readers @ items.T) ** 2).sum()
    wanted = errors + 0.3 * ((readers**2).sum() + (items**2).sum())
    assert objective(csr_matrix(liked), readers, items, 7.0, 0.3) == pytest.approx(wanted)


def test_als_of_implicit(liked: np.ndarray):
    library = pytest.importorskip("implicit.cpu.als")
    sparse = csr_matrix(liked, dtype=np.float32)
    # There 1 is the confidence of what was not liked, and alpha that of what was: 1 + alpha here.
    options = {"factors": 4, "regularization": 0.5, "alpha": 6.0, "iterations": 60, "use_cg": False, "random_state": 0}
    theirs = library.AlternatingLeastSquares(**options)
    theirs.fit(sparse, show_progress=False)
    ours = AlsRecommender(factors=4, alpha=5.0, penalty=0.5, rounds=60).fit(*_tables(liked))
    readers = solve(sparse, ours.item_factors_, 5.0, 0.5)
    reached = objective(sparse, readers, ours.item_factors_, 5.0, 0.5)
    assert reached == pytest.approx(objective(sparse, theirs.user_factors, theirs.item_factors, 5.0, 0.5), rel=0.02)
    folded = theirs.recalculate_user(np.arange(N_USERS), sparse)
    assert solve(sparse, theirs.item_factors, 5.0, 0.5) == pytest.approx(folded, abs=1e-4)


def test_svd_is_the_best_of_its_rank(fitted: dict, liked: np.ndarray):
    _, _, vectors = np.linalg.svd(liked)
    projected = liked @ vectors[:4].T @ vectors[:4]
    some = liked.any(axis=1)
    assert fitted["svd"].score(list(fitted["svd"].users_))[some] == pytest.approx(projected[some], abs=1e-3)
    whole = SvdRecommender(factors=100).fit(*_tables(liked))  # all directions: every reader as they are
    assert whole.score(list(whole.users_)) == pytest.approx(liked, abs=1e-3)


def test_transitions_by_hand(items: pd.DataFrame):
    rows = [("u", "i00", 5, 1), ("u", "i01", 5, 2), ("u", "i02", 5, 3), ("u", "i03", 1, 4), ("v", "i01", 5, 2), ("v", "i02", 5, 7)]
    seen = pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"])
    chain = MarkovRecommender(window=2, decay=0.5, shrink=1.0, half_life=1.0).fit(seen, items)
    # u: 0, 1, 2. v: 1, 2. After 0 came 1 at once and 2 a step later; after 1 twice 2; what u disliked is left out.
    wanted = np.zeros((4, 4))
    wanted[0, 1], wanted[0, 2], wanted[1, 2] = 1 / 2.5, 0.5 / 2.5, 2 / 3
    assert chain.transitions_.toarray()[:4, :4] == pytest.approx(wanted)
    assert chain.score(["v"])[0][:4] == pytest.approx(0.5 * wanted[1] + wanted[2])
    order = chain.recommend(history=["i01", "i00"], k=2)["item_id"].tolist()
    assert order == ["i02", "i03"] and chain.recommend(history=["i01", "i00"])["score"][0] == pytest.approx(0.5 * 2 / 3 + 0.5 / 2.5)


def test_follow_by_brute_force():
    rng = np.random.default_rng(6)
    readers, items = np.sort(rng.integers(0, 5, 60)), rng.integers(0, 7, 60)
    wanted = np.zeros((7, 7))
    for first in range(60):
        for second in range(first + 1, min(first + 5, 60)):
            if readers[first] == readers[second]:
                wanted[items[first], items[second]] += 0.7 ** (second - first - 1)
    assert follow(readers, items, 7, 4, 0.7).toarray() == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("recommender", "message"),
    [
        (EaseRecommender(penalty=0), "penalty must be above 0"),
        (EaseRecommender(penalty="much"), "penalty must be a number of 0 or more"),
        (EaseRecommender(half_life=0), "half_life must be a number of liked items above 0, or None, got 0"),
        (NeighbourRecommender("jaccard"), "weighting must be 'cosine' or 'bm25', not 'jaccard'"),
        (NeighbourRecommender(neighbours=0), "k must be"),
        (AlsRecommender(penalty=0), "penalty must be above 0"),
        (AlsRecommender(alpha=-1), "alpha must be a number of 0 or more"),
        (MarkovRecommender(decay=1.5), r"decay must lie in \(0, 1\], got 1.5"),
        (SvdRecommender(factors=0), "k must be"),
    ],
)
def test_bad_parameters_are_named(recommender, message, interactions, items):
    with pytest.raises(ValueError, match=message):
        recommender.fit(interactions, items)
