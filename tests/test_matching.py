"""Matching networks: gradients by hand, planted data on which they must work, seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

import tokrec
from tokrec.evaluate import judge_queries
from tokrec.ladders.judged import judged, own_queries
from tokrec.recommend import load_recommender
from tokrec.recommend.matching import DRAWN, TwoTowerRecommender, batch_probability, draw_batch

torch = pytest.importorskip("torch")
from tokrec.recommend.networks import LowRank, PairScorer, TwoTower, softmax_loss, train  # noqa: E402
from tokrec.recommend.query_tower import PARTS, CrossScorer, QueryTower, pooled, states_before_last  # noqa: E402

TEXTS = ["a detective in London", "想要购买一款智能手表", "jazz"]


@pytest.fixture(scope="module")
def encoder():
    return tokrec.load_encoder(device="cpu")


def test_pair_scorer_and_its_gradient_by_hand():
    torch.manual_seed(0)
    network = PairScorer(vocab_size=7, size=3).double()
    queries, items, relevant = np.array([[1, 2, 2], [3, 0, 0]]), np.array([[4, 5], [6, 0]]), np.array([1.0, 0.0])
    table, weights = network.embedding.weight.detach().numpy(), network.dense.weight.detach().numpy()[0]
    means = [np.stack([table[row[row != 0]].mean(axis=0) for row in side]) for side in (queries, items)]
    logits = (means[0] * means[1]) @ weights + network.dense.bias.item()
    slope = (1 / (1 + np.exp(-logits)) - relevant) / 2  # of the mean cross-entropy, by the logit
    of_table = np.zeros_like(table)
    for pair, delta in enumerate(slope):
        for side, other in ((queries, means[1]), (items, means[0])):
            real = side[pair][side[pair] != 0]
            np.add.at(of_table, real, delta * weights * other[pair] / len(real))

    found = network(torch.tensor(queries), torch.tensor(items))
    torch.nn.functional.binary_cross_entropy_with_logits(found, torch.tensor(relevant)).backward()
    np.testing.assert_allclose(found.detach().numpy(), logits)
    np.testing.assert_allclose(network.embedding.weight.grad.numpy(), of_table, atol=1e-12)
    np.testing.assert_allclose(network.dense.weight.grad.numpy()[0], slope @ (means[0] * means[1]))
    np.testing.assert_allclose(network.dense.bias.grad.numpy(), [slope.sum()])


def test_a_text_without_tokens_is_zero_and_not_missing():
    network = PairScorer(5, 2)
    assert network.pool(torch.tensor([[0, 0]])).tolist() == [[0.0, 0.0]]
    assert torch.isfinite(network(torch.tensor([[0, 0]]), torch.tensor([[1, 2]]))).all()


def test_softmax_loss_and_its_gradient_by_hand():
    scores = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, -0.5]])
    wanted = np.array([[3.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    log_q = np.log([0.5, 0.2, 0.1])
    ignored = np.array([[False, False, False], [True, False, False]])
    corrected = np.where(ignored, -np.inf, scores - log_q)
    softmax = np.exp(corrected) / np.exp(corrected).sum(axis=1, keepdims=True)
    shares = wanted / wanted.sum(axis=1, keepdims=True)
    by_hand = -np.sum(shares[~ignored] * np.log(softmax[~ignored])) / 2

    tensor = torch.tensor(scores, requires_grad=True)
    loss = softmax_loss(tensor, torch.tensor(wanted), torch.tensor(log_q), torch.tensor(ignored))
    loss.backward()
    assert loss.item() == pytest.approx(by_hand)
    np.testing.assert_allclose(tensor.grad.numpy(), (softmax - shares) / 2, atol=1e-12)


def test_low_rank_starts_at_the_layer_and_leaves_it_alone():
    torch.manual_seed(0)
    layer = torch.nn.Linear(4, 3)
    before, x = layer.weight.clone(), torch.randn(5, 4)
    update = LowRank(layer, rank=2)
    torch.testing.assert_close(update(x), layer(x))
    optimizer = torch.optim.SGD([p for p in update.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):  # at first only `up` has a gradient
        optimizer.zero_grad()
        update(x).square().sum().backward()
        optimizer.step()
    torch.testing.assert_close(layer.weight, before)
    change = update(x) - layer(x)
    assert torch.linalg.matrix_rank(change - change.mean(0)) <= 2 and change.abs().max() > 1e-3


def test_two_towers_by_hand():
    torch.manual_seed(0)
    texts = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    network = TwoTower(torch.from_numpy(texts), size=2)
    torch.nn.init.normal_(network.own.weight)
    history = np.array([[1, 0, 1, 1], [0, 0, 0, 0]], np.float32)
    vectors = texts @ network.liked.weight.detach().numpy().T + network.own.weight.detach().numpy()
    expected = np.array([[*(vectors[[0, 2, 3]].sum(axis=0) / np.sqrt(3)), 1], [0, 0, 1]])
    np.testing.assert_allclose(network.readers(torch.from_numpy(history)).detach().numpy(), expected, rtol=1e-5)
    hidden = np.maximum(texts @ network.item[0].weight.detach().numpy().T + network.item[0].bias.detach().numpy(), 0)
    items = hidden @ network.item[2].weight.detach().numpy().T + network.item[2].bias.detach().numpy()
    np.testing.assert_allclose(network.items(network.texts).detach().numpy(), items, rtol=1e-4, atol=1e-6)


def planted(n_readers: int = 60, n_items: int = 40, seed: int = 0):
    """Readers who like items of one of two groups, more often the famous ones; fame and group can be read off the vectors."""
    rng = np.random.default_rng(seed)
    group, famous = np.arange(n_items) % 2, rng.random(n_items) < 0.3
    vectors = np.column_stack([group, 1 - group, famous, rng.normal(size=(n_items, 3))]).astype(np.float32)
    rows = [
        (f"u{reader:02d}", f"i{item:02d}", 5.0, reader * 100 + item)
        for reader in range(n_readers)
        for item in np.flatnonzero(group == reader % 2)
        if rng.random() < (0.7 if famous[item] else 0.25)
    ]
    interactions = pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"])
    items = pd.DataFrame(
        {"title": [f"title {i}" for i in range(n_items)]}, index=pd.Index([f"i{i:02d}" for i in range(n_items)], name="item_id")
    )
    return interactions, items, vectors, group, famous


@pytest.fixture
def fitted(monkeypatch):
    interactions, items, vectors, group, famous = planted()
    monkeypatch.setattr(TwoTowerRecommender, "_vectors", lambda self, some: vectors[items.index.get_indexer(some.index)])
    cold = np.arange(len(items)) >= 30
    train = interactions[interactions["item_id"].isin(items.index[~cold])]

    def fit(catalogue=items, **options):
        return TwoTowerRecommender(size=8, steps=150, **options).fit(train, catalogue)

    return fit, cold, group, famous, items


def test_a_cold_item_finds_its_readers_by_its_text(fitted):
    fit, cold, group, *_ = fitted
    scores = fit().score(["u00", "u01"])[:, cold]
    for reader in (0, 1):
        own = group[cold] == reader
        assert scores[reader, own].min() > scores[reader, ~own].max()


def test_the_correction_keeps_fame_and_without_it_fame_is_lost(fitted, monkeypatch):
    monkeypatch.setattr("tokrec.recommend.matching.READERS", 6)  # small batches: where every item is in every batch nothing is lost
    monkeypatch.setattr("tokrec.recommend.matching.DRAWN", 2)
    fit, cold, group, famous, _ = fitted
    gap = {}
    for log_q in (True, False):
        scores = fit(log_q=log_q).score(["u00"])[0]
        own = group == 0
        gap[log_q] = scores[own & famous].mean() - scores[own & ~famous].mean()
    assert gap[True] > gap[False] + 0.3


def test_one_seed_gives_one_network_and_another_seed_another(fitted):
    fit, *_ = fitted
    first, again, other = (fit(random_state=seed).score(["u00"]) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_an_item_that_comes_later_needs_no_training(fitted):
    fit, cold, *_, items = fitted
    later = fit(items[~cold])
    later.add_items(items[cold])
    np.testing.assert_allclose(later.score(["u00"]), fit().score(["u00"]), rtol=1e-5)


def test_it_is_read_back_as_it_was(fitted, tmp_path):
    recommender = fitted[0](log_q=False)
    again = load_recommender(recommender.save(tmp_path / "towers"))
    assert not again.log_q
    np.testing.assert_array_equal(again.score(["u00"]), recommender.score(["u00"]))


def test_nobody_who_likes_two_items(monkeypatch):
    interactions, items, vectors, *_ = planted()
    monkeypatch.setattr(TwoTowerRecommender, "_vectors", lambda self, some: vectors[: len(some)])
    for few in (None, interactions.head(1)):
        recommender = TwoTowerRecommender(steps=3).fit(few, items)
        assert not recommender.score_history(csr_matrix(np.eye(len(items)))).any()


@pytest.mark.parametrize("options", [{"size": 0}, {"steps": 0}])
def test_sizes_that_cannot_be(options):
    interactions, items, *_ = planted()
    with pytest.raises(ValueError, match="at least 1"):
        TwoTowerRecommender(**options).fit(interactions, items)


LIKES = csr_matrix((np.random.default_rng(0).random((300, 50)) < np.linspace(0.05, 0.8, 50)).astype(np.float32))
LIKES = LIKES[np.diff(LIKES.indptr) >= 2]


def test_what_is_to_be_found_is_never_shown():
    rng = np.random.default_rng(0)
    history, items, wanted, liked = draw_batch(LIKES, rng)
    assert not (history[:, items] * wanted).any() and (liked >= wanted).all()
    assert (wanted.sum(axis=1) >= 1).all() and (wanted.sum(axis=1) <= DRAWN).all() and (history.sum(axis=1) >= 1).all()
    assert (wanted.sum(axis=0) >= 1).all() and (np.diff(items) > 0).all()


def test_probability_of_being_in_a_batch_agrees_with_drawing(monkeypatch):
    monkeypatch.setattr("tokrec.recommend.matching.READERS", 10)
    rng, count = np.random.default_rng(0), np.zeros(50)
    for _ in range(400):
        count[draw_batch(LIKES, rng)[1]] += 1
    np.testing.assert_allclose(count / 400, batch_probability(LIKES), atol=0.09)
    assert np.corrcoef(count, batch_probability(LIKES))[0, 1] > 0.98


@pytest.mark.parametrize("part", PARTS)
def test_query_tower_starts_at_the_encoder(encoder, part):
    tower = QueryTower(encoder, part)
    states = states_before_last(encoder, TEXTS)
    np.testing.assert_allclose(tower(states).detach().numpy(), encoder.encode(TEXTS), atol=1e-5)
    np.testing.assert_allclose(tower(states[torch.tensor([2])]).detach().numpy(), encoder.encode(TEXTS[2:]), atol=1e-5)
    learning = {name for name, weights in tower.named_parameters() if weights.requires_grad}
    of_layer = {name for name in learning if name.startswith("layer")}
    expected = {"token weights": {"weigh.weight"}, "projection": {"projection.weight"}, "last layer": {"projection.weight"}}
    if part == "low rank":
        assert all(".down." in name or ".up." in name for name in learning) and len(learning) == 2 * 7
    else:
        assert learning - of_layer == expected[part] and bool(of_layer) == (part == "last layer")


def test_training_a_tower_leaves_the_encoder_alone(encoder):
    before = encoder.encode(TEXTS)
    tower = QueryTower(encoder, "last layer")
    states = states_before_last(encoder, TEXTS)
    tower(states).square().sum(dim=1).sub(tower(states)[:, 0]).sum().backward()
    with torch.no_grad():
        for weights in (learning for learning in tower.parameters() if learning.requires_grad):
            weights -= 0.1 * weights.grad
    assert np.abs(tower(states).detach().numpy() - before).max() > 1e-3
    np.testing.assert_array_equal(encoder.encode(TEXTS), before)


def test_weighted_mean_by_hand():
    states, mask = torch.tensor([[[1.0, 0], [0, 1], [9, 9]]]), torch.tensor([[True, True, False]])
    assert pooled(states, mask).tolist() == [[0.5, 0.5]]
    assert pooled(states, mask, torch.log(torch.tensor([[3.0, 1, 5]])))[0].tolist() == pytest.approx([0.75, 0.25])


def test_an_unknown_part_is_refused(encoder):
    with pytest.raises(ValueError, match="part must be one of token weights, projection, last layer, low rank, not 'all'"):
        QueryTower(encoder, "all")


def test_a_pair_is_read_as_one_text(encoder):
    together = states_before_last(encoder, ["jazz"], ["a detective in London"])
    ids = encoder.tokenizer.encode("jazz", "a detective in London").ids
    assert int(together.mask.sum()) == len(ids)
    alone = states_before_last(encoder, ["jazz"])
    assert (together.states[0, 1] - alone.states[0, 1]).abs().max() > 0.01  # the query has seen the item
    assert CrossScorer(encoder)(together).tolist() == [0.0]


def test_longer_texts_are_cut(encoder):
    states = states_before_last(encoder, ["word " * 100, "word"], longest=12)
    assert states.mask.sum(dim=1).tolist() == [12, 3]


def test_training_ends_with_what_the_judge_liked_best():
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    quality = lambda: {"quality": -abs(network.weight.item() - 0.3), "weight": network.weight.item()}  # noqa: E731
    curve = train(network, lambda: (network.weight - 1).square().sum(), quality, steps=20, rate=0.1, every=1)
    assert [point["step"] for point in curve] == list(range(21)) and curve[0]["weight"] == 0
    assert curve[0]["loss"] == 1 and curve[-1]["weight"] > 0.8  # it went past
    assert network.weight.item() == max(curve, key=lambda point: point["quality"])["weight"] == pytest.approx(0.3, abs=0.06)


def test_training_that_never_helps_ends_where_it_began():
    network = torch.nn.Linear(2, 1)
    before = network.weight.clone()
    train(network, lambda: network(torch.ones(1, 2)).sum(), lambda: {"quality": 0.0}, steps=3, rate=0.1)
    torch.testing.assert_close(network.weight, before)


def test_judged_queries_are_judged_as_everywhere():
    data, rng = judged(), np.random.default_rng(0)
    rows = data.rows("test")
    scores = rng.random((len(rows), len(data.items)))
    names = data.queries.index[rows % len(data.queries)].tolist()
    expected = judge_queries(scores, names, data.items.index.tolist(), data.relevance)
    np.testing.assert_allclose(data.ndcg(scores, rows), expected)


def test_no_query_both_teaches_and_stops_and_none_is_of_the_test_half():
    data = judged()
    for seed in range(3):
        learn, stop = (set(part % len(data.queries)) for part in data.parts(seed))
        assert not learn & stop and len(learn) == 4 * len(stop) == 40
        assert set(data.queries["half"].iloc[sorted(learn | stop)]) == {"dev"}
        assert all(data.texts[row] == data.queries["text_zh"].iloc[row - len(data.queries)] for row in data.parts(seed)[0][40:])


def test_own_queries_are_short_and_know_whose_they_are():
    items = judged().items
    texts, places = own_queries(items)
    assert len(texts) == len(places) == 4 * len(items) and all(texts)
    at = places.tolist().index(3)
    assert texts[at].startswith(items["genre"].iloc[3])
    first = texts[len(items) + 3]
    assert items["text_en"].iloc[3].startswith(first) and len(first) < len(items["text_en"].iloc[3])
