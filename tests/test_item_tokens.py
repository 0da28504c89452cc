"""Items as tokens: codes by hand, the trie, the decoder beside brute force, writing, storing."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix

from tokrec.recommend import ItemTokensRecommender, load_recommender
from tokrec.recommend.item_tokens import build_trie, neighbours_kept, own_codes, purity, residual_kmeans, share_alone
from tokrec.recommend.item_tokens.codes import Codebooks
from tokrec.recommend.item_tokens.decoder import FIRST, PAD, START, Decoder, code_tokens, padded
from tokrec.recommend.item_tokens.rqvae import ResidualVAE, train_rqvae
from tokrec.recommend.item_tokens.search import draw, score_items
from tokrec.recommend.item_tokens.training import batches, next_codes, windows
from tokrec.recommend.item_tokens.writer import chance_codes

CODES, LEVELS = 4, 3
ALL = np.array(list(product(range(CODES), repeat=LEVELS)))


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def catalogue() -> np.ndarray:
    return ALL[np.random.default_rng(0).permutation(len(ALL))[:20]]


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    torch.manual_seed(0)
    return Decoder(CODES, LEVELS, length=1 + 4 * LEVELS, pieces=5, width=16, layers=2, heads=2).eval()


@pytest.fixture(scope="module")
def contexts(catalogue: np.ndarray) -> list[np.ndarray]:
    tokens = code_tokens(catalogue, CODES)
    words = FIRST + CODES * LEVELS + np.array([2, 0])
    return [tokens[[3, 4, 5]].ravel(), tokens[[1]].ravel(), np.zeros(0, np.int64), words]


def test_codes_by_hand():
    # Level 0 splits left from right, level 1 takes a step up or down from there.
    books = Codebooks(np.array([[[-10, 0], [10, 0]], [[0, 1], [0, -1]]], np.float32))
    vectors = np.array([[-10, 2], [9, -1], [11, 0.5]], np.float32)
    assert books.encode(vectors).tolist() == [[0, 0], [1, 1], [1, 0]]
    assert books.decode(books.encode(vectors)).tolist() == [[-10, 1], [10, -1], [10, 1]]
    assert books.decode(np.array([[1]])).tolist() == [[10, 0]]


def test_residual_kmeans_finds_planted_codes():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(4, 16)) * 10, rng.normal(size=(4, 16))
    truth = np.array(list(product(range(4), range(4))) * 5)
    vectors = first[truth[:, 0]] + second[truth[:, 1]] + rng.normal(size=(len(truth), 16)) * 0.01
    codes = residual_kmeans(vectors, codes=4, levels=1).encode(vectors.astype(np.float32))
    assert purity(codes[:, 0], truth[:, 0]) == 1
    error = [((vectors - books.decode(books.encode(vectors))) ** 2).sum() for books in (residual_kmeans(vectors, 4, n) for n in (1, 2, 3))]
    assert error[0] > 2 * error[1] > 2 * error[2]  # each level says more


def test_more_codes_than_vectors_stand_for_nothing():
    vectors = np.array([[0, 0], [1, 1], [1, 1]], np.float32)
    books = residual_kmeans(vectors, codes=8, levels=2)
    codes = own_codes(vectors, books)
    assert len(np.unique(codes, axis=0)) == 3
    assert books.decode(books.encode(vectors)) == pytest.approx(vectors)


def test_collisions_go_to_the_nearest_free_code():
    books = Codebooks(np.array([[[0.0], [100.0]], [[0.0], [3.0]]], np.float32))
    vectors = np.array([[0.2], [0.1], [0.3], [0.4]], np.float32)
    # 0.1 fits best and keeps (0, 0); 0.2 goes to (0, 1); then both are full, and the nearest free places are below code 1.
    assert books.encode(vectors).tolist() == [[0, 0]] * 4 and share_alone(books.encode(vectors)) == 0
    assert own_codes(vectors, books).tolist() == [[0, 1], [0, 0], [1, 0], [1, 1]]
    with pytest.raises(ValueError, match="2 levels of 2 codes tell 4 items apart, not 5"):
        own_codes(np.zeros((5, 1)), books)


def test_shares_by_hand():
    assert share_alone(np.array([[0, 1], [0, 1], [1, 1], [0, 0]])) == 0.5
    assert purity(np.array([0, 0, 0, 1]), np.array(["a", "a", "b", "b"])) == 0.75
    line = np.array([[1, 0.0], [1, 0.1], [1, 1], [1, 1.1]])
    assert neighbours_kept(line, line, k=1).tolist() == [1, 1, 1, 1]
    assert neighbours_kept(line, line[[0, 2, 1, 3]], k=1).tolist() == [0, 0, 0, 0]


def test_rqvae_gives_back_better_than_its_start_and_codes_in_range():
    vectors = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    codes, errors = train_rqvae(vectors, codes=8, levels=3, epochs=30)
    assert codes.shape == (60, 3) and 0 <= codes.min() and codes.max() < 8
    assert errors[-1] < 0.9 * errors[0]


def test_gradient_goes_past_the_choice_of_a_code():
    torch.manual_seed(0)
    model = ResidualVAE(4, 3, 2, latent=2, hidden=5)
    with torch.no_grad():
        model.centres.normal_()
    error, _ = model(torch.randn(6, 4))
    error.backward()
    assert all(float(part.weight.grad.abs().sum()) > 0 for part in (model.down[0], model.up[0]))
    assert model.centres.grad is None or not model.centres.grad.any()  # centres move by their own loss alone


def test_trie_by_hand():
    codes = np.array([[1, 0], [0, 1], [1, 1]])
    trie = build_trie(codes, 2)
    assert [children.tolist() for children in trie.children] == [[[0, 1]], [[-1, 1], [0, 2]]]
    assert trie.written(np.array([[1, 1], [0, 0], [0, 1], [-1, 0], [1, 2]])).tolist() == [2, -1, 1, -1, -1]
    some = build_trie(codes, 2, allowed=np.array([True, False, False]))
    assert some.written(codes).tolist() == [0, -1, -1] and some.n_items == 3
    with pytest.raises(ValueError, match="two items have the same codes"):
        build_trie(np.zeros((2, 2), int), 2)
    with pytest.raises(ValueError, match=r"codes must lie in \[0, 2\)"):
        build_trie(codes + 1, 2)
    with pytest.raises(ValueError, match="no item may be written"):
        build_trie(codes, 2, allowed=np.zeros(3, bool))


def test_padding_stands_behind_and_the_oldest_tokens_go():
    ids = padded([np.array([5, 6, 7]), np.array([8])], longest=2)
    assert ids.tolist() == [[START, 6, 7], [START, 8, PAD]]


def brute_force(decoder: Decoder, context: np.ndarray, codes: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Every item behind the context, read as one text from left to right, each code among those that the catalogue leaves open."""
    tokens, result = code_tokens(codes, CODES), []
    for item in range(len(codes)):
        with torch.inference_mode():
            scores = decoder(padded([np.concatenate([context, tokens[item]])], decoder.length - 1))[0, -LEVELS - 1 : -1]
        total = 0.0
        for level in range(LEVELS):
            alike = allowed & (codes[:, :level] == codes[item, :level]).all(axis=1)
            open_ = np.unique(codes[alike, level])
            total += (scores[level, codes[item, level] + level * CODES] - scores[level, open_ + level * CODES].logsumexp(0)).item()
        result.append(total if allowed[item] else -np.inf)
    return np.array(result)


@pytest.mark.parametrize("some", [False, True])
def test_scores_are_those_of_brute_force(decoder: Decoder, catalogue: np.ndarray, contexts: list[np.ndarray], some: bool):
    allowed = np.arange(len(catalogue)) % 3 > 0 if some else np.ones(len(catalogue), bool)
    found = score_items(decoder, contexts, build_trie(catalogue, CODES, allowed))
    for row, context in zip(found, contexts, strict=True):
        assert row == pytest.approx(brute_force(decoder, context, catalogue, allowed), abs=1e-4)
        assert np.exp(row).sum() == pytest.approx(1, abs=1e-5)  # one of the items is written for certain


def test_a_wide_beam_finds_what_scoring_all_finds(decoder: Decoder, catalogue: np.ndarray, contexts: list[np.ndarray]):
    trie = build_trie(catalogue, CODES)
    everything = score_items(decoder, contexts, trie)
    assert score_items(decoder, contexts, trie, beam=len(catalogue)) == pytest.approx(everything)
    narrow = score_items(decoder, contexts, trie, beam=2)
    written = np.isfinite(narrow)
    assert written.sum(axis=1).tolist() == [2] * len(contexts)
    assert narrow[written] == pytest.approx(everything[written], abs=1e-5)


def test_a_context_is_read_alike_alone_and_in_a_batch(decoder: Decoder, catalogue: np.ndarray, contexts: list[np.ndarray]):
    trie = build_trie(catalogue, CODES)
    alone = np.concatenate([score_items(decoder, [context], trie) for context in contexts])
    assert score_items(decoder, contexts, trie) == pytest.approx(alone, abs=1e-5)


def test_no_invented_item_in_ten_thousand(decoder: Decoder, catalogue: np.ndarray, contexts: list[np.ndarray]):
    trie = build_trie(catalogue, CODES)
    drawn = trie.written(draw(decoder, contexts[0], 10_000, trie))
    assert (drawn >= 0).all()
    chance = np.exp(score_items(decoder, contexts[:1], trie)[0])
    assert np.bincount(drawn, minlength=20) / 10_000 == pytest.approx(chance, abs=0.02)  # drawn as often as the score says
    assert (trie.written(draw(decoder, contexts[0], 10_000)) < 0).mean() > 0.5  # without the trie an untrained decoder writes at random
    cold = trie.written(draw(decoder, contexts[0], 1000, trie, temperature=0.01))
    assert np.bincount(cold).argmax() in np.argsort(-chance)[:3]


def test_what_is_learned_is_the_next_code():
    decoder = Decoder(CODES, LEVELS, length=13, pieces=2, width=8, layers=1, heads=1)
    word = FIRST + CODES * LEVELS
    ids = torch.tensor([[START, word, FIRST, FIRST + 5, FIRST + 11, PAD]])
    assert next_codes(decoder, ids).tolist() == [[-100, 0, 5, 11, -100, -100]]


def test_windows_hold_every_item_once_and_batches_every_row():
    rng = np.random.default_rng(0)
    cut = windows([np.arange(10), np.arange(3)], 4, rng)
    assert sorted(np.concatenate(cut).tolist()) == sorted([*range(10), *range(3)]) and max(map(len, cut)) <= 4
    rows = [np.full(rng.integers(1, 9), number) for number in range(300)]
    seen = [int(row[0]) for batch in batches(rows, rng) for row in batch]
    assert sorted(seen) == list(range(300))


def test_codes_by_chance_differ():
    codes = chance_codes(60, 4, 3)
    assert len(np.unique(codes, axis=0)) == 60 and codes.max() < 4
    with pytest.raises(ValueError, match="not 65"):
        chance_codes(65, 4, 3)


TITLES = ["Smart watch", "Running watch", "Red apple", "Green apple", "Trip to Yunnan", "1984"]
SETTINGS = {"codes": 4, "levels": 3, "length": 4, "width": 16, "layers": 1, "epochs": 120}


@pytest.fixture(scope="module")
def items() -> pd.DataFrame:
    return pd.DataFrame(
        {"title_en": TITLES, "title_zh": ["智能手表", "跑步手表", "红苹果", "青苹果", "云南旅行", "一九八四"]}, index=list("abcdef")
    )


@pytest.fixture(scope="module")
def interactions() -> pd.DataFrame:
    """Whoever liked a goes on to b, whoever liked c goes on to d."""
    rows = [(f"u{n}", item, 5.0, 10 + place) for n in range(16) for place, item in enumerate("ab" if n % 2 else "cd")]
    return pd.DataFrame([*rows, ("nobody", "e", 1.0, 3)], columns=["user_id", "item_id", "rating", "timestamp"])


@pytest.fixture(scope="module")
def fitted(interactions: pd.DataFrame, items: pd.DataFrame) -> ItemTokensRecommender:
    return ItemTokensRecommender(**SETTINGS | {"epochs": 200}, wishes=True).fit(interactions, items)


def test_what_follows_is_written(fitted: ItemTokensRecommender):
    assert fitted.losses_[-1] < 0.5 * fitted.losses_[0]
    assert fitted.recommend(history=["a"], k=1)["item_id"].tolist() == ["b"]
    assert fitted.recommend(history=["c"], k=1)["item_id"].tolist() == ["d"]
    assert set(fitted.recommend("nobody", k=2)["item_id"]) <= set("abcd")  # liked nothing: what people begin with


def test_a_wish_is_read(fitted: ItemTokensRecommender):
    for text, item in (("Trip to Yunnan", "e"), ("云南旅行", "e"), ("1984", "f")):
        assert fitted.recommend(text=text, k=1)["item_id"].tolist() == [item]
    assert fitted.score_text(["zzzz", "watch"]).shape == (2, 6)


def test_order_counts(fitted: ItemTokensRecommender):
    history, times = csr_matrix([[5.0, 0, 5.0, 0, 0, 0]]), csr_matrix([[2.0, 0, 1.0, 0, 0, 0]])
    later = csr_matrix([[1.0, 0, 2.0, 0, 0, 0]])
    assert fitted.score_history(history, times)[0] == pytest.approx(fitted._score_contexts([fitted._item_tokens()[[2, 0]].ravel()])[0])
    assert fitted.score_history(history, times)[0] != pytest.approx(fitted.score_history(history, later)[0], abs=1e-3)


def test_only_some_items_are_written(fitted: ItemTokensRecommender):
    stock = fitted.only(pd.Index(["d", "e"]))
    assert stock.recommend(history=["a"], k=6)["item_id"].sort_values().tolist() == ["d", "e"]
    assert len(fitted.recommend(history=["a"], k=6)) == 5


def test_a_beam_shows_no_more_than_it_found(interactions: pd.DataFrame, items: pd.DataFrame):
    narrow = ItemTokensRecommender(**SETTINGS | {"epochs": 1}, beam=2).fit(interactions, items)
    assert len(narrow.recommend(history=["e"], k=6, exclude_seen=False)) == 2


def test_saved_weights_come_back_without_training(fitted: ItemTokensRecommender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = fitted.save(tmp_path / "saved")
    monkeypatch.setattr(ItemTokensRecommender, "_train", lambda self: pytest.fail("trained again"))
    again = load_recommender(folder)
    pd.testing.assert_frame_equal(again.recommend(history=["a"]), fitted.recommend(history=["a"]))
    pd.testing.assert_frame_equal(again.recommend(text="watch"), fitted.recommend(text="watch"))
    assert again.losses_.tolist() == fitted.losses_.tolist() and [path.name for path in folder.iterdir()] == ["recommender.json"]


def test_loaded_weights_are_forgotten_by_the_next_fit(
    fitted: ItemTokensRecommender, interactions: pd.DataFrame, items: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    again = load_recommender(fitted.save(tmp_path / "saved"))
    trained = []
    monkeypatch.setattr(ItemTokensRecommender, "_train", lambda self: trained.append(self))
    again.fit(interactions, items)
    assert trained == [again]


def test_damaged_weights_are_refused(fitted: ItemTokensRecommender, tmp_path: Path):
    path = fitted.save(tmp_path / "saved") / "recommender.json"
    whole = path.read_text(encoding="utf-8")
    sha256 = fitted._stored_parameters()["kept"]["sha256"]
    path.write_text(whole.replace(sha256, "0" * 64), encoding="utf-8")
    with pytest.raises(ValueError, match="the weights are not those that were saved"):
        load_recommender(path.parent)
    described = json.loads(whole)
    described["parameters"]["width"] = 8  # another network than the weights belong to
    path.write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(ValueError, match="is damaged"):
        load_recommender(path.parent)


def test_codes_from_readers_tell_who_liked_what(interactions: pd.DataFrame, items: pd.DataFrame):
    found = ItemTokensRecommender("readers", **SETTINGS | {"epochs": 1}).fit(interactions, items)
    a, b, c, d, *_ = found.codes_.tolist()
    assert a[:2] == b[:2] and c[:2] == d[:2] and a[0] != c[0]  # liked by the same readers: the last code alone tells them apart
    assert len(np.unique(found.codes_, axis=0)) == 6
    with pytest.raises(ValueError, match="has not learned to read"):
        found.recommend(text="watch")


def test_a_decoder_learns_codes_by_chance_by_heart(interactions: pd.DataFrame, items: pd.DataFrame):
    found = ItemTokensRecommender("chance", **SETTINGS).fit(interactions, items)
    assert found.recommend(history=["a"], k=1)["item_id"].tolist() == ["b"]


def test_without_readers(items: pd.DataFrame):
    alone = ItemTokensRecommender(**SETTINGS | {"epochs": 1}).fit(None, items)
    assert len(alone.recommend(history=["a"], k=3)) == 3
    with pytest.raises(ValueError, match="codes from readers need"):
        ItemTokensRecommender("readers", **SETTINGS).fit(None, items)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"origin": "stars"}, "origin must be"),
        ({"codes": 0}, "codes must be"),
        ({"length": 1}, "length must be"),
        ({"beam": 0}, "k must be"),
    ],
)
def test_wrong_parameters(interactions: pd.DataFrame, items: pd.DataFrame, wrong: dict, message: str):
    with pytest.raises(ValueError, match=message):
        ItemTokensRecommender(**SETTINGS | wrong).fit(interactions, items)
