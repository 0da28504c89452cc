"""Rating regressors: by hand, by NumPy, scikit-learn and Surprise."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.gaussian_process import GaussianProcessRegressor as ByScikitLearn
from sklearn.gaussian_process.kernels import PairwiseKernel
from sklearn.linear_model import LinearRegression

from tokrec.datasets import load_movielens
from tokrec.evaluate import random_split, rank_unseen, temporal_split
from tokrec.evaluate.errors import rmse_interval
from tokrec.ladders.rating_settings import descend, inner_splits
from tokrec.recommend import ContentRecommender
from tokrec.recommend.ratings import (
    BiasRegressor,
    BoostedRegressor,
    FactorRegressor,
    GaussianProcessRegressor,
    TextRegression,
    rmse,
)
from tokrec.recommend.ratings.factors import apart
from tokrec.recommend.ratings.features import audience_features, choice_features, genre_features, text_features, year_features
from tokrec.recommend.ratings.gaussian import WEIGHTS
from tokrec.recommend.ratings.ranking import RankByRating

KINDS = [TextRegression("linear", "tfidf"), BiasRegressor(), FactorRegressor(4, 5), GaussianProcessRegressor()]


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def items() -> pd.DataFrame:
    titles = [
        f"{word} story ({1950 + 4 * number})" for number, word in enumerate("Red Blue Green Moon Sun Star Sea Hill Road Night".split())
    ]
    genres = ["Comedy", "Drama", "Comedy Drama", "Horror", "Horror Drama"] * 2
    return pd.DataFrame({"title": titles, "text": genres}, index=pd.Index(list("abcdefghij"), name="item_id"))


@pytest.fixture(scope="module")
def ratings(items: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        (f"u{user}", item, rng.integers(1, 11) / 2, rng.integers(1000)) for user in range(12) for item in items.index if rng.random() < 0.6
    ]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"])


def test_text_regression_is_least_squares_on_the_vectors(ratings: pd.DataFrame, items: pd.DataFrame):
    vectors = ContentRecommender("tfidf").fit(None, items).raw_[:, :3].toarray()  # few columns: one solution
    places, stars = items.index.get_indexer(ratings["item_id"]), ratings["rating"].to_numpy()
    x = np.column_stack([vectors[places], np.ones(len(places))])
    by_hand = np.column_stack([vectors, np.ones(len(items))]) @ np.linalg.lstsq(x, stars, rcond=None)[0]
    np.testing.assert_allclose(LinearRegression().fit(vectors[places], stars).predict(vectors), by_hand, atol=1e-5)

    model = TextRegression("linear", "tfidf").fit(ratings, items)
    whole = ContentRecommender("tfidf").fit(None, items).raw_.toarray()
    x = whole[places] - whole[places].mean(axis=0)
    slope = np.linalg.lstsq(x, stars - stars.mean(), rcond=None)[0]
    expected = stars.mean() + (whole - whole[places].mean(axis=0)) @ slope
    found = model.predict_all(["u0", "u1"])
    np.testing.assert_allclose(found[0], expected, atol=1e-4)
    assert (found[0] == found[1]).all()  # no reader in it


def test_sgd_reads_standardised_vectors(ratings: pd.DataFrame, items: pd.DataFrame):
    model = TextRegression("sgd", "tfidf").fit(ratings, items)
    vectors = ContentRecommender("tfidf").fit(None, items).raw_.toarray()
    spread = vectors[items.index.get_indexer(ratings["item_id"])].std(axis=0)
    regression = model.model_[-1]
    by_hand = vectors / np.where(spread > 0, spread, 1) @ regression.coef_ + regression.intercept_
    np.testing.assert_allclose(model.predict_all(["u0"])[0], by_hand, rtol=1e-2)


def test_biases_by_hand():
    rows = pd.DataFrame([("u", "a", 5.0, 1), ("u", "b", 3.0, 2), ("v", "a", 4.0, 3)], columns=["user_id", "item_id", "rating", "timestamp"])
    items = pd.DataFrame({"title": list("abc")}, index=list("abc"))
    # Without damping the three ratings are met exactly: mean 4, and differences of u - v = 1 and a - b = 2.
    free = BiasRegressor(0, 0).fit(rows, items)
    np.testing.assert_allclose(free.predict(rows), [5, 3, 4], atol=0.01)
    # So much damping for items that they count nothing: u's ratings lie 1 and -1 off the mean 4, v's at it.
    readers = BiasRegressor(2, 1e12).fit(rows.assign(rating=[5.0, 4.0, 3.0]), items)  # mean 4; u: (1 + 0) / (2 + 2); v: -1 / (1 + 2)
    asked = pd.DataFrame([("u", "c"), ("v", "c"), ("stranger", "c")], columns=["user_id", "item_id"])
    np.testing.assert_allclose(readers.predict(asked), [4 + 1 / 4, 4 - 1 / 3, 4])


def test_one_step_of_the_factors_by_hand():
    rows = pd.DataFrame([("u", "a", 5.0, 1), ("v", "b", 3.0, 2)], columns=["user_id", "item_id", "rating", "timestamp"])
    items = pd.DataFrame({"title": list("ab")}, index=list("ab"))
    model = FactorRegressor(factors=2, epochs=0).fit(rows, items)
    p, q = model.user_factors_[0].copy(), model.item_factors_[0].copy()
    model.epochs = 1
    model.fit(rows, items)
    error = 5 - 4 - p @ q  # the mean is 4, biases start at 0
    np.testing.assert_allclose(model.user_bias_[0], 0.01 * error)
    np.testing.assert_allclose(model.user_factors_[0], p + 0.01 * (error * q - 0.1 * p))
    np.testing.assert_allclose(model.item_factors_[0], q + 0.01 * (error * p - 0.1 * q))


def test_steps_together_are_steps_one_by_one(ratings: pd.DataFrame, items: pd.DataFrame):
    together = FactorRegressor(factors=3, epochs=3).fit(ratings, items)
    users, places = together._places(ratings)
    groups = apart(users, places)
    assert sorted(np.concatenate(groups)) == list(range(len(ratings))) and len(groups) < len(ratings)
    for group in groups:
        assert len(set(users[group])) == len(set(places[group])) == len(group)
    alone = FactorRegressor(factors=3, epochs=0).fit(ratings, items)
    rng = np.random.default_rng(0)
    rng.normal(size=(len(alone.users_), 3)), rng.normal(size=(len(items), 3))  # the vectors are drawn before the order
    order = rng.permutation(len(ratings))
    stars = ratings["rating"].to_numpy()
    for _ in range(3):
        for row in order:
            alone._step(users[[row]], places[[row]], stars[[row]])
    np.testing.assert_allclose(together.user_factors_, alone.user_factors_)
    np.testing.assert_allclose(together.item_bias_, alone.item_bias_)


def test_steps_are_those_of_surprise(ratings: pd.DataFrame, items: pd.DataFrame):
    surprise = pytest.importorskip("surprise")
    ordered = ratings.sort_values("user_id", kind="stable", ignore_index=True)  # Surprise goes through them by reader
    reader = surprise.Reader(rating_scale=(0.5, 5))
    data = surprise.Dataset.load_from_df(ordered[["user_id", "item_id", "rating"]], reader).build_full_trainset()
    theirs = surprise.SVD(n_factors=3, n_epochs=7, lr_all=0.02, reg_all=0.1, random_state=0).fit(data)
    ours = FactorRegressor(factors=3, epochs=0, rate=0.02).fit(ordered, items)
    drawn = np.random.RandomState(0)  # as Surprise draws its first vectors: readers, then items as they come
    ours.user_factors_[:-1] = drawn.normal(0, 0.1, (len(ours.users_), 3))[[data.to_inner_uid(user) for user in ours.users_]]
    ours.item_factors_ = drawn.normal(0, 0.1, (len(items), 3))[[data.to_inner_iid(item) for item in items.index]]
    users, places = ours._places(ordered)
    for _ in range(7):
        for rows in apart(users, places):
            ours._step(users[rows], places[rows], ordered["rating"].to_numpy()[rows])
    expected = [theirs.predict(row.user_id, row.item_id).est for row in ordered.itertuples()]
    np.testing.assert_allclose(ours.predict(ordered), expected, atol=1e-8)


def test_gaussian_process_is_that_of_scikit_learn(ratings: pd.DataFrame, items: pd.DataFrame):
    model = GaussianProcessRegressor(noise=0.5, tolerance=1e-9).fit(ratings, items)
    pairs = pd.MultiIndex.from_product([[*model.users_, "stranger"], items.index], names=["user_id", "item_id"]).to_frame(index=False)
    users, places = model._places(pairs)
    known = ratings["user_id"].map(model.users_.get_loc).to_numpy(), items.index.get_indexer(ratings["item_id"])
    chooses = choice_features(*known, len(model.users_), len(items))[0]
    alike = np.pad(chooses @ chooses.T, ((0, 1), (0, 1)))  # a stranger is like nobody
    at = np.where(users < 0, len(model.users_), users)
    kernel = np.zeros((len(pairs), len(pairs)))
    blocks = {
        "level": np.ones((len(items), 1)),
        "text": text_features(items),
        "genre": genre_features(items),
        "year": year_features(items),
        "audience": audience_features(np.bincount(known[1], minlength=len(items))),
        "choices": choice_features(*known, len(model.users_), len(items))[1],
    }
    blocks["item"] = np.eye(len(items))
    for name, block in blocks.items():
        everybody, reader, like = WEIGHTS[name]
        of_users = everybody + reader * (at[:, None] == at[None]) + like * alike[np.ix_(at, at)]
        kernel += of_users * (block @ block.T)[np.ix_(places, places)]
    rows = _rows(pairs, ratings)
    theirs = ByScikitLearn(PairwiseKernel(metric=lambda a, b, gamma: kernel[int(a[0]), int(b[0])]), alpha=0.5, optimizer=None)
    stars = ratings["rating"].to_numpy()
    theirs.fit(rows[:, None], stars - stars.mean())
    expected = stars.mean() + theirs.predict(np.arange(len(pairs))[:, None])
    np.testing.assert_allclose(model._predict(users, places, None), expected, atol=1e-4)


def _rows(pairs: pd.DataFrame, ratings: pd.DataFrame) -> np.ndarray:
    place = {pair: number for number, pair in enumerate(pairs.itertuples(index=False, name=None))}
    return np.array([place[pair] for pair in ratings[["user_id", "item_id"]].itertuples(index=False, name=None)])


def test_damped_means_are_a_gaussian_process(ratings: pd.DataFrame, items: pd.DataFrame):
    # A constant of variance .2 for each reader and noise .6 is a mean with .6 / .2 = 3 ratings added.
    process = GaussianProcessRegressor({"level": (0, 0.2, 0)}, noise=0.6, tolerance=1e-9).fit(ratings, items)
    left = ratings["rating"] - ratings["rating"].mean()
    expected = left.groupby(ratings["user_id"]).sum() / (ratings.groupby("user_id").size() + 3)
    found = process.predict(ratings) - process.mean_
    np.testing.assert_allclose(found, expected[ratings["user_id"]], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_all_are_regressors(kind, ratings: pd.DataFrame, items: pd.DataFrame):
    train, test = random_split(ratings, random_state=1)
    model = clone(kind)
    with pytest.raises(NotFittedError):
        model.predict(test)
    model.fit(train, items)
    told = model.predict(test)
    assert told.shape == (len(test),) and np.isfinite(told).all() and told.min() >= 0.5 and told.max() <= 5
    assert rmse(model, test) == pytest.approx(np.sqrt(np.mean((told - test["rating"]) ** 2)))
    assert model.score(test) == pytest.approx(
        1 - np.sum((told - test["rating"]) ** 2) / np.sum((test["rating"] - test["rating"].mean()) ** 2)
    )
    stranger = model.predict(test.assign(user_id="nobody"))
    same_item = pd.Series(stranger).groupby(test["item_id"].to_numpy()).nunique()
    assert (same_item == 1).all()  # strangers differ in nothing
    shuffled = train.sample(frac=1, random_state=3)
    if not isinstance(model, FactorRegressor):  # whose steps follow the order of the rows
        np.testing.assert_allclose(clone(kind).fit(shuffled, items).predict(test), told, atol=2e-2)
    listed = model.predict_all(test["user_id"].tolist())
    picked = listed[np.arange(len(test)), items.index.get_indexer(test["item_id"])]
    np.testing.assert_allclose(np.clip(picked, *model.scale_), told, atol=1e-6)


def test_bad_input_is_named(ratings: pd.DataFrame, items: pd.DataFrame):
    with pytest.raises(ValueError, match="no rating to learn from"):
        BiasRegressor().fit(ratings.iloc[:0], items)
    with pytest.raises(ValueError, match="unknown item_id 'z'"):
        BiasRegressor().fit(ratings, items).predict(pd.DataFrame({"user_id": ["u0"], "item_id": ["z"]}))
    with pytest.raises(ValueError, match="weights has 'colour'"):
        GaussianProcessRegressor({"colour": (0, 0, 0)}).fit(ratings, items)
    with pytest.raises(ValueError, match="noise must be"):
        GaussianProcessRegressor(noise=0).fit(ratings, items)
    with pytest.raises(ValueError, match="regression must be"):
        TextRegression("forest").fit(ratings, items)
    with pytest.raises(ValueError, match="user_damping must be"):
        BiasRegressor(-1).fit(ratings, items)


def test_trees_learn_from_what_was_held_out(items: pd.DataFrame):
    pytest.importorskip("lightgbm")
    rng = np.random.default_rng(0)
    users, places = np.nonzero(rng.random((300, len(items))) < 0.7)
    # A step that no kernel is made for: readers of many items rate the first half of them two stars higher.
    many = np.bincount(users, minlength=300)[users] > 6
    stars = 2 + 2.0 * (many & (places < 5)) + rng.normal(0, 0.3, len(users)).clip(-0.9, 0.9)
    table = pd.DataFrame({"user_id": users, "item_id": items.index[places], "rating": stars, "timestamp": np.arange(len(users))})
    train, test = random_split(table)
    members = {"gaussian": {"weights": {"level": (0, 0.1, 0), "item": (0.1, 0, 0)}}, "factors": {"factors": 1, "epochs": 1}}
    model = BoostedRegressor(**members, folds=3).fit(train, items)
    alone = GaussianProcessRegressor(**members["gaussian"]).fit(train, items)
    assert rmse(model, test) < rmse(alone, test) - 0.1
    # Without having seen them: further off than the fitted process on the same ratings.
    held, seen = (np.sqrt(np.mean((told - train["rating"]) ** 2)) for told in (model.held_out_, alone.predict(train)))
    assert held > seen


def test_moments_are_known_only_to_those_who_ask(items: pd.DataFrame):
    pytest.importorskip("lightgbm")
    rng = np.random.default_rng(0)
    users, places = np.nonzero(rng.random((300, len(items))) < 0.7)
    times = rng.integers(0, 5, len(users)) * 10_000_000
    mood = rng.normal(0, 0.8, (300, 5))[users, times // 10_000_000]  # each reader has five moods, months apart
    table = pd.DataFrame({"user_id": users, "item_id": items.index[places], "rating": 3 + mood.clip(-2, 2), "timestamp": times})
    train, test = random_split(table)
    members = {"gaussian": {"weights": {"level": (0, 0.2, 0)}}, "factors": {"factors": 1, "epochs": 1}, "folds": 3}
    blind, knowing = (BoostedRegressor(**members, moment=moment).fit(train, items) for moment in (False, True))
    np.testing.assert_array_equal(blind.with_moment().predict(test), knowing.predict(test))
    assert rmse(knowing, test) < rmse(blind, test) - 0.1
    np.testing.assert_array_equal(blind.predict(test), blind.predict(test.assign(timestamp=0.0)))
    with pytest.raises(ValueError, match="from its own moment"):
        knowing.predict_all([0])


def test_error_intervals_by_hand_and_by_drawing_rows():
    errors, readers = [1.0, -1.0, 3.0], ["u", "u", "v"]
    value, low, high = rmse_interval(errors, readers)
    assert value == pytest.approx(np.sqrt(11 / 3))
    # Both readers once, u twice or v twice: these are all the draws there are.
    assert (low, high) == (1.0, 3.0)
    rng = np.random.default_rng(1)
    readers, errors = rng.integers(0, 30, 400), rng.normal(0, 1, 400) * (1 + rng.integers(0, 30, 400) / 30)
    better = errors / 2
    value, low, high = rmse_interval(better, readers, errors)
    assert value == pytest.approx(np.sqrt(np.mean(better**2)) - np.sqrt(np.mean(errors**2)))
    drawn = []
    for _ in range(2000):
        rows = np.concatenate([np.flatnonzero(readers == reader) for reader in rng.choice(np.unique(readers), 30)])
        drawn.append(np.sqrt(np.mean(better[rows] ** 2)) - np.sqrt(np.mean(errors[rows] ** 2)))
    np.testing.assert_allclose((low, high), np.quantile(drawn, [0.025, 0.975]), atol=0.01)
    with pytest.raises(ValueError, match="one number a rating"):
        rmse_interval([1.0], ["u", "v"])
    with pytest.raises(ValueError, match="at least one rating"):
        rmse_interval([], [])


def test_lists_by_rating_are_those_of_the_predictions(ratings: pd.DataFrame, items: pd.DataFrame):
    ranker = RankByRating(BiasRegressor()).fit(ratings, items)
    shown = rank_unseen(ranker, ["u0"], 3)[0]
    unseen = [item for item in items.index if item not in set(ratings["item_id"][ratings["user_id"] == "u0"])]
    told = BiasRegressor().fit(ratings, items).item_bias_[items.index.get_indexer(unseen)]  # the reader's own bias moves all alike
    assert shown == [unseen[place] for place in np.argsort(-told, kind="stable")[:3]]


def test_settings_are_halved_and_doubled():
    tried = descend({"a": 1.0, "b": 8.0}, lambda found: abs(np.log2(found["a"]) - 2) + abs(np.log2(found["b"]) - 2), "ab")
    assert [row[:2] for row in tried[1:]] == [("a", 0.5), ("a", 2), ("a", 4), ("a", 8), ("b", 4), ("b", 2), ("b", 8)]
    assert [row[3] for row in tried[1:]] == [False, True, True, False, True, False, False]


def test_settings_see_no_test_rating():
    interactions, _ = load_movielens()
    outside = set(random_split(interactions)[1].index) | set(temporal_split(interactions)[1].index)
    for train, held in inner_splits(interactions):
        assert not outside & {*train.index, *held.index} and not set(train.index) & set(held.index)


def test_random_split_by_hand():
    rows = pd.DataFrame({"user_id": list("uvw") * 5, "item_id": range(15)})
    train, test = random_split(rows, 0.2, random_state=3)
    assert len(test) == 3 and sorted([*train["item_id"], *test["item_id"]]) == list(range(15))
    assert random_split(rows, 0.2, random_state=3)[1].equals(test) and not random_split(rows, 0.2, random_state=4)[1].equals(test)
    with pytest.raises(ValueError, match="test_share"):
        random_split(rows, 1.0)
