"""Sequence networks: steps by hand, what a place may see, planted order, seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from tokrec.recommend import SequenceRecommender, load_recommender
from tokrec.recommend.sequence import LENGTH, ordered, padded_behind, windows_of

torch = pytest.importorskip("torch")
from tokrec.recommend.sequence_networks import Attentive, Block, ItemTable, NextItem, Recurrent, leading  # noqa: E402


def test_order_by_hand():
    history = csr_matrix(np.array([[5.0, 3.0, 4.0, 5.0], [0, 0, 0, 0]]))
    times = csr_matrix((np.array([30.0, 10.0, 20.0, 20.0]), history.indices, history.indptr), shape=history.shape)
    assert [row.tolist() for row in ordered(history, times, 4.0)] == [[3, 4, 1], []]  # places plus 1; the one of 3 stars is left out


def test_windows_hold_everything_once_and_the_end_is_whole():
    assert padded_behind(np.array([4, 7]), 4).tolist() == [4, 7, 0, 0]
    history = np.arange(1, 2 * LENGTH + 8)
    windows = windows_of(history)
    assert [int((window > 0).sum()) for window in windows] == [LENGTH, LENGTH, 7] and windows[0][-1] == history[-1]
    assert sorted(np.concatenate(windows)[np.concatenate(windows) > 0]) == list(history)
    assert windows_of(history[:0]) == []


def test_a_block_of_attention_by_hand():
    torch.manual_seed(0)
    block = Block(size=4, heads=2).double().eval()
    states = torch.randn(1, 3, 4, dtype=torch.float64)
    weights = {name: value.detach().numpy() for name, value in block.named_parameters()}

    def normed(x, name):
        scaled = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def dense(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    x = states[0].numpy()
    query, key, value = np.split(dense(normed(x, "before"), "together"), 3, axis=1)
    mixed = []
    for part in (slice(0, 2), slice(2, 4)):
        scores = query[:, part] @ key[:, part].T / np.sqrt(2)
        share = np.exp(np.where(np.tri(3, dtype=bool), scores, -np.inf))
        mixed.append(share / share.sum(axis=1, keepdims=True) @ value[:, part])
    x = x + dense(np.hstack(mixed), "out")
    x = x + dense(np.maximum(dense(normed(x, "between"), "inner.0"), 0), "inner.2")
    np.testing.assert_allclose(block(states)[0].detach().numpy(), x, atol=1e-10)


@pytest.mark.parametrize("network", [Attentive, Recurrent])
def test_no_place_sees_what_comes_after(network):
    torch.manual_seed(0)
    model = NextItem(ItemTable(9, 4, "ids"), network(4, 6), 4).eval()
    items = model.table()
    long, short = torch.tensor([[3, 1, 4, 2]]), torch.tensor([[3, 1, 0, 0]])  # padding stands behind
    torch.testing.assert_close(model(long, items)[0, :3], model(short, items)[0, :3])
    assert (model(long, items)[0, 4] - model(short, items)[0, 2]).abs().max() > 1e-3
    assert (model(long, items)[..., -1] == 1).all()


def test_leading_components_keep_the_geometry():
    texts = torch.randn(20, 3, generator=torch.Generator().manual_seed(0)) @ torch.diag(torch.tensor([3.0, 2.0, 1.0]))
    found, centred = leading(texts, 3), texts - texts.mean(dim=0)
    torch.testing.assert_close(
        torch.corrcoef(torch.stack([(found @ found.T).ravel(), (centred @ centred.T).ravel()]))[0, 1], torch.tensor(1.0)
    )
    assert leading(texts, 5).shape == (20, 5) and not leading(texts, 5)[:, 3:].any()


def walks(n_readers: int = 80, n_items: int = 12, steps: int = 8):
    """Readers who go round a circle of items, each from a start of its own: only the order says what comes next."""
    rng = np.random.default_rng(0)
    rows = [
        (f"u{reader:02d}", f"i{(start + step) % n_items:02d}", 5.0, step)
        for reader, start in enumerate(rng.integers(n_items, size=n_readers))
        for step in range(steps)
    ]
    names = pd.Index([f"i{item:02d}" for item in range(n_items)], name="item_id")
    items = pd.DataFrame({"title": "title " + names.to_series()}, index=names)
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"]), items


@pytest.mark.parametrize("network", ["attention", "recurrent"])
def test_planted_order_is_learnt(network):
    interactions, items = walks()
    recommender = SequenceRecommender(network, size=16, epochs=100).fit(interactions, items)
    assert recommender.losses_[-1] < recommender.losses_[0] / 2
    for history in (["i03", "i04", "i05"], ["i09", "i10", "i11"]):
        (found,) = recommender.recommend(history=history, k=1)["item_id"]
        assert found == f"i{(int(history[-1][1:]) + 1) % 12:02d}"
    there, back = (recommender.recommend(history=history, k=12, exclude_seen=False) for history in (["i04", "i05"], ["i05", "i04"]))
    assert not np.allclose(there["score"], back["score"], atol=0.01)  # order is read, not the set alone


def test_what_nobody_rated_comes_last_or_finds_its_place_by_text():
    interactions, items = walks(n_readers=20)
    more = pd.concat([items, pd.DataFrame({"title": ["a new one"]}, index=pd.Index(["new"], name="item_id"))])
    options = {"size": 4, "epochs": 1}
    ids = SequenceRecommender(start="ids", **options).fit(interactions, more).score(["u00"])[0]
    assert ids.argmin() == len(items)
    text = SequenceRecommender(start="text", **options).fit(interactions, more).score(["u00"])[0]
    assert np.isfinite(text).all() and len(text) == len(more)


def test_seeds_and_storage(tmp_path):
    interactions, items = walks(n_readers=20)
    fit = lambda seed: SequenceRecommender(size=4, epochs=2, random_state=seed).fit(interactions, items)  # noqa: E731
    first = fit(0)
    np.testing.assert_array_equal(first.score(["u00"]), fit(0).score(["u00"]))
    assert np.abs(first.score(["u00"]) - fit(1).score(["u00"])).max() > 1e-4
    again = load_recommender(first.save(tmp_path / "kept"))
    np.testing.assert_array_equal(again.score(["u00"]), first.score(["u00"]))


def test_a_new_reader_and_no_readers_at_all():
    interactions, items = walks(n_readers=20)
    recommender = SequenceRecommender(size=4, epochs=1).fit(interactions, items)
    assert len(recommender.recommend(history=[], k=3)) == 3
    assert not SequenceRecommender(size=4, epochs=1).fit(None, items).score_history(csr_matrix((2, len(items)))).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "lstm"}, "network must be 'attention' or 'recurrent', not 'lstm'"),
        ({"start": "words"}, "start must be 'ids', 'text start' or 'text', not 'words'"),
        ({"size": 3}, "size must be even, got 3"),
        ({"epochs": 0}, "at least 1"),
    ],
)
def test_settings_that_cannot_be(options, message):
    interactions, items = walks(n_readers=3)
    with pytest.raises(ValueError, match=message):
        SequenceRecommender(**options).fit(interactions, items)
