"""New items: estimators against loops and scikit-learn, what is planted is found, what is hidden stays hidden."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.kernel_ridge import KernelRidge

from tokrec import evaluate as ev
from tokrec.features.tfidf import TfidfFeatures
from tokrec.recommend import PopularityRecommender, load_recommender
from tokrec.recommend.audience import AudienceRecommender, title_shapes, title_years
from tokrec.recommend.base import Recommender
from tokrec.recommend.blend import BlendRecommender
from tokrec.recommend.bridge import BridgeRecommender
from tokrec.recommend.new_items import NewItemBlend, NewItemRanker, without, year_distances
from tokrec.recommend.release import later_last, years_of
from tokrec.recommend.ridge import KernelRidgeRecommender, held_out, inverted
from tokrec.recommend.similar import SimilarRecommender
from tokrec.text import item_texts

GENRES = ["space", "love", "crime", "war"]


class ByLetters:
    """An encoder whose vectors are counts of letters, of unit length."""

    version = "letters"

    def encode(self, texts, **_):
        counts = np.array([[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], np.float32) + 0.1
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def world(n_items: int = 60, n_users: int = 40, share: float = 0.34, planted: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Readers who like one genre each. The text names the genre, or, if nothing is planted, any genre."""
    rng = np.random.default_rng(0)
    genre = rng.integers(4, size=n_items)
    told = genre if planted else rng.permutation(genre)
    titles = [f"No {i} ({1980 + i % 30})" for i in range(n_items)]
    items = pd.DataFrame({"title": titles, "text": [GENRES[g] for g in told]}, index=[f"i{i:03}" for i in range(n_items)])
    rows = [
        (f"u{u:02}", f"i{i:03}", 5.0 if genre[i] == u % 4 else 2.0, int(rng.integers(1, 10**9)))
        for u in range(n_users)
        for i in rng.choice(n_items, int(n_items * share), replace=False)
    ]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"]), items


def split(interactions: pd.DataFrame, items: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.Index]:
    hidden = ev.cold_folds(items.index, 5)[0]
    cold = interactions["item_id"].isin(hidden)
    return interactions[~cold], interactions[cold], hidden


TEXTS = {
    "similar": lambda **options: SimilarRecommender(**options),
    "ridge": lambda **options: KernelRidgeRecommender(penalty=1.0, rated=0.1, **options),
    "bridge": lambda **options: BridgeRecommender(penalty=1.0, shrinkage=5.0, **options),
    "audience": lambda **options: AudienceRecommender(penalty=1.0, **options),
}


def both(features: str) -> dict:
    return {"features": features} | ({"encoder": ByLetters()} if features == "encoder" else {})


def test_similar_by_loops():
    interactions, items = world(12, 5)
    train, _, _ = split(interactions, items)
    fitted = SimilarRecommender("encoder", power=3.0, encoder=ByLetters()).fit(train, items)
    vectors = ByLetters().encode(item_texts(items))
    for user in fitted.users_:
        liked = train[(train["user_id"] == user) & (train["rating"] >= 4)]["item_id"]
        by_hand = [sum(max(0, vectors[i] @ vectors[items.index.get_loc(j)]) ** 3 for j in liked) for i in range(len(items))]
        np.testing.assert_allclose(fitted.score([user])[0], by_hand, rtol=1e-4)


@pytest.mark.parametrize(("features", "sharpness"), [("encoder", 4.0), ("encoder", 0.0), ("tfidf", 0.0)])
def test_kernel_ridge_is_scikit_learns(features: str, sharpness: float):
    interactions, items = world(30, 8)
    train, _, _ = split(interactions, items)
    fitted = KernelRidgeRecommender(penalty=2.0, sharpness=sharpness, rated=0.25, **both(features)).fit(train, items)
    known = items.loc[items.index.isin(train["item_id"])]
    if features == "tfidf":  # the words of hidden items are unknown
        vectors = TfidfFeatures().fit(item_texts(known)).transform(item_texts(items)).toarray()
    else:
        vectors = ByLetters().encode(item_texts(items))
    kernel = np.exp(sharpness * vectors @ vectors.T) if sharpness else vectors @ vectors.T
    rows = items.index.get_indexer(known.index)
    for user in fitted.users_:
        given = train[train["user_id"] == user].set_index("item_id")["rating"].reindex(known.index)
        target = np.where(given >= 4, 1.0, np.where(given > 0, 0.25, 0.0))
        model = KernelRidge(alpha=2.0, kernel="precomputed").fit(kernel[np.ix_(rows, rows)], target)
        np.testing.assert_allclose(fitted.score([user])[0], model.predict(kernel[:, rows]), atol=2e-5)


def test_bridge_is_the_shrunk_singular_vectors():
    interactions, items = world(30, 8)
    train, _, _ = split(interactions, items)
    ridge = KernelRidgeRecommender(penalty=2.0, encoder=ByLetters()).fit(train, items)
    bridge = BridgeRecommender(penalty=2.0, shrinkage=3.0, encoder=ByLetters()).fit(train, items)
    places = (bridge.seen_.toarray().T >= 4).astype(float)[bridge.known_]
    _, values, readers = np.linalg.svd(places, full_matrices=False)
    item_places = ridge.score(ridge.users_).T @ readers.T  # the ridge is linear: this predicts an item's place among the readers
    by_hand = item_places @ np.diag(values**2 / (values**2 + 3.0)) @ readers
    np.testing.assert_allclose(bridge.score(bridge.users_), by_hand.T, atol=2e-5)
    whole = BridgeRecommender(penalty=2.0, shrinkage=0.0, encoder=ByLetters()).fit(train, items)
    np.testing.assert_allclose(whole.score(whole.users_), ridge.score(ridge.users_), atol=1e-3)


def test_held_out_is_a_new_fit():
    rng = np.random.default_rng(0)
    points, targets = rng.normal(size=(40, 5)), rng.normal(size=(40, 3))
    kernel = np.exp(-((points[:, None] - points[None]) ** 2).sum(axis=2))
    left, kept = np.arange(3, 40, 4), np.setdiff1d(np.arange(40), np.arange(3, 40, 4))
    model = KernelRidge(alpha=0.7, kernel="precomputed").fit(kernel[np.ix_(kept, kept)], targets[kept])
    predicted = held_out(inverted(kernel.copy(), 0.7), targets, left)
    np.testing.assert_allclose(predicted, model.predict(kernel[np.ix_(left, kept)]), atol=1e-9)


@pytest.mark.parametrize("features", ["encoder", "tfidf"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_later_item_gets_the_score_of_one_that_was_there(name: str, features: str):
    interactions, items = world()
    train, _, hidden = split(interactions, items)
    order = [*items.index[~items.index.isin(hidden)], *hidden]
    there = TEXTS[name](**both(features)).fit(train, items.loc[order])
    later = TEXTS[name](**both(features)).fit(train, items.loc[order[: -len(hidden)]])
    later.add_items(items.loc[hidden])
    np.testing.assert_allclose(later.score(later.users_), there.score(there.users_), atol=1e-5)
    assert set(later.recommend("u01", k=60)["item_id"]) & set(hidden)
    with pytest.raises(ValueError, match="is there already"):
        later.add_items(items.loc[hidden[:1]])


@pytest.mark.parametrize("name", ["similar", "ridge", "bridge"])
def test_what_the_text_says_is_found_and_what_it_does_not_say_is_not(name: str):
    found = {}
    for planted in (True, False):
        interactions, items = world(120, 60, share=0.9, planted=planted)
        train, test, hidden = split(interactions, items)
        fitted = TEXTS[name](features="tfidf").fit(train, items)
        found[planted] = ev.per_user(fitted, test, candidates=hidden)["ndcg"].mean()
        chance = ev.per_user(ByChance().fit(train, items), test, candidates=hidden)["ndcg"].mean()
    assert found[True] > 0.6 and abs(found[False] - chance) < 0.1


class ByChance(Recommender):
    def _fit(self):
        pass

    def _score_history(self, history):
        return np.random.default_rng(0).random(history.shape)


def test_new_readers_by_likes_and_readers_of_fit_agree():
    interactions, items = world(30, 8)
    for name in TEXTS:
        fitted = TEXTS[name](features="tfidf").fit(interactions, items)
        np.testing.assert_allclose(fitted.score_history(fitted.seen_[[2]]), fitted.score([fitted.users_[2]]), atol=1e-6)


def test_audience_is_read_off_the_text_and_off_the_year():
    rng = np.random.default_rng(0)
    loved, years = rng.random(300) < 0.5, rng.integers(1950, 2010, 300)
    items = pd.DataFrame(
        {"title": [f"Film ({year})" for year in years], "text": np.where(loved, "space", "war")}, index=[f"i{i:03}" for i in range(300)]
    )
    wide = 1 + 20 * loved + 20 * (years > 1990)
    rows = [(f"u{u:02}", f"i{i:03}", 5.0, 1) for i in range(300) for u in rng.choice(60, wide[i], replace=False)]
    interactions = pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"])
    train, _, hidden = split(interactions, items)
    expected = AudienceRecommender("tfidf", penalty=1.0).fit(train, items).expected(items.loc[hidden])
    likes = np.log1p(interactions.groupby("item_id").size().loc[hidden])
    assert np.corrcoef(expected, likes)[0, 1] > 0.9
    shuffled = items.assign(**{name: rng.permutation(items[name]) for name in ("title", "text")})
    by_chance = AudienceRecommender("tfidf", penalty=1.0).fit(train, shuffled).expected(shuffled.loc[hidden])
    assert abs(np.corrcoef(by_chance, likes)[0, 1]) < 0.4


def test_titles_by_hand():
    titles = ["Heat (1995)", "Babylon 5", "Fawlty Towers (1975-1979)", "2001 (a.k.a. X) (1968) ", "Alien³: Part II, Die (2006–2007)"]
    items = pd.DataFrame({"title": titles})
    np.testing.assert_array_equal(title_years(items), [1995, np.nan, 1975, 1968, 2006])
    assert title_shapes(items)[4, 1:].tolist() == [20, 4, 0, 1, 1, 1, 1]
    assert title_shapes(items)[3, 1:].tolist() == [15, 3, 1, 0, 0, 0, 0]


def test_films_from_after_the_last_rating_stand_last():
    items = pd.DataFrame({"title": ["a (1995)", "b (2005)", "c", "d (1996)"]})
    times = csr_matrix(np.array([[828_000_000, 0, 0, 0.0], [0, 0, 0, 0]]))  # March 1996; and nothing
    np.testing.assert_array_equal(years_of(times), [1996, np.nan])
    scores = np.array([[1.0, 9.0, 3.0, 2.0], [1.0, 9.0, 3.0, 2.0]])
    moved = later_last(scores, items, times)
    assert np.argsort(-moved[0]).tolist() == [2, 3, 0, 1] and moved[1].tolist() == scores[1].tolist()


def test_blend_standardises_over_new_items_alone():
    interactions, items = world(30, 40)
    train, _, hidden = split(interactions, items)
    members = [SimilarRecommender(encoder=ByLetters()), KernelRidgeRecommender(penalty=1.0, encoder=ByLetters())]
    blend = NewItemBlend(members, [1.0, 0.5]).fit(train, items)
    cold = items.index.isin(hidden)
    by_hand = 0
    for member, weight in zip(members, [1.0, 0.5], strict=True):
        scores = member.fit(train, items).score(blend.users_)[:, cold]
        spread = scores.std(axis=1, keepdims=True)  # 0 for a reader without likes
        by_hand += weight * (scores - scores.mean(axis=1, keepdims=True)) / np.where(spread > 1e-9, spread, np.inf)
    np.testing.assert_allclose(blend.score(blend.users_)[:, cold], by_hand, atol=1e-3)
    full, usual = (kind(members).fit(interactions, items) for kind in (NewItemBlend, BlendRecommender))
    np.testing.assert_allclose(full.score(full.users_), usual.score(usual.users_), atol=1e-5)


class Watched(PopularityRecommender):
    """Keeps what it was fitted on."""

    fitted: list = []

    def _fit(self):
        super()._fit()
        Watched.fitted.append(set(np.unique(self.seen_.indices)))


def test_ranker_is_taught_on_items_that_the_blend_did_not_see():
    pytest.importorskip("lightgbm")
    interactions, items = world(120, 60)
    train, test, hidden = split(interactions, items)
    Watched.fitted = []
    ranker = NewItemRanker(NewItemBlend([KernelRidgeRecommender("tfidf", penalty=1.0), Watched()], [1.0, 0.0]), folds=4, depth=20, seeds=1)
    ranker.fit(train, items)
    known = set(items.index.get_indexer(train["item_id"].unique()))
    *parts, whole = Watched.fitted
    assert whole == known and len(parts) == 4 and set.union(*parts) == known
    assert sorted(place for part in parts for place in known - part) == sorted(known)  # each hidden once
    by_ridge = KernelRidgeRecommender("tfidf", penalty=1.0).fit(train, items)
    ordered = ev.per_user(ranker, test, candidates=hidden)["ndcg"].mean()
    assert ordered > ev.per_user(by_ridge, test, candidates=hidden)["ndcg"].mean() - 0.05


def test_hidden_columns_go_with_their_zeros():
    matrix = csr_matrix((np.array([0.0, 1, 2, 3]), np.array([0, 2, 1, 2]), np.array([0, 2, 2, 4])), shape=(3, 3))
    kept = without(matrix, np.array([False, True, False]))
    assert kept.indices.tolist() == [0, 2, 2] and kept.data.tolist() == [0, 1, 3] and kept.indptr.tolist() == [0, 2, 2, 3]


def test_year_distances_by_hand():
    liked = csr_matrix(np.array([[1.0, 1, 1, 0], [0, 0, 1, 0]]))
    found = year_distances(liked, np.array([1990.0, 2000, np.nan, 2010]))
    np.testing.assert_array_equal(found["mean year"], [[1995], [np.nan]])
    np.testing.assert_array_equal(found["years away"][0], [-5, 5, np.nan, 15])


@pytest.mark.parametrize("name", TEXTS)
def test_saved_and_read_back(name: str, tmp_path):
    interactions, items = world(30, 8)
    fitted = TEXTS[name](features="tfidf").fit(interactions, items)
    read = load_recommender(fitted.save(tmp_path / name))
    assert type(read) is type(fitted)
    np.testing.assert_allclose(read.score(read.users_), fitted.score(fitted.users_), atol=1e-6)
    own = TEXTS[name](encoder=ByLetters()).fit(interactions, items)
    with pytest.raises(ValueError, match="its own encoder cannot be stored"):
        own.save(tmp_path / "own")


def test_ranker_saved_and_read_back(tmp_path):
    pytest.importorskip("lightgbm")
    interactions, items = world(60, 30)
    ranker = NewItemRanker(NewItemBlend([SimilarRecommender("tfidf")]), depth=10, seeds=1).fit(interactions, items)
    read = load_recommender(ranker.save(tmp_path / "ranker"))
    np.testing.assert_allclose(read.score(read.users_), ranker.score(ranker.users_), atol=1e-6)


@pytest.mark.parametrize(
    ("recommender", "message"),
    [
        (SimilarRecommender(power=0), "power must be above 0"),
        (KernelRidgeRecommender(penalty=0), "penalty must be above 0"),
        (KernelRidgeRecommender(sharpness=-1), "sharpness must be a number of 0 or more"),
        (KernelRidgeRecommender(rated=-1), "rated must be a number of 0 or more"),
        (BridgeRecommender(shrinkage=-1), "shrinkage must be a number of 0 or more"),
        (AudienceRecommender(penalty=0), "penalty must be above 0"),
        (KernelRidgeRecommender(features="words"), "features must be 'tfidf' or 'encoder'"),
        (NewItemRanker(NewItemBlend([SimilarRecommender("tfidf")]), folds=1), "folds must be at least 2"),
    ],
)
def test_bad_settings(recommender: Recommender, message: str):
    interactions, items = world(30, 8)
    with pytest.raises(ValueError, match=message):
        recommender.fit(interactions, items)
