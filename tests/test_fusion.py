"""Fusion by hand, planted parts, and attributes read off texts."""

import numpy as np
import pandas as pd
import pytest

from tokrec.features.attributes import attribute_table, price_of, value_for_money

torch = pytest.importorskip("torch")
from tokrec.recommend.fusion import HOWS, Fusion  # noqa: E402


@pytest.mark.parametrize("how", HOWS)
def test_fusion_by_hand(how):
    torch.manual_seed(0)
    network = Fusion([2, 3], item_size=4, how=how, size=5).double()
    torch.nn.init.normal_(network.weights)
    rng = np.random.default_rng(0)
    parts, items = [rng.normal(size=(6, 2)), rng.normal(size=(6, 3))], rng.normal(size=(7, 4))
    w = {name: value.detach().numpy() for name, value in network.named_parameters()}
    mapped = [part @ w[f"parts.{i}.weight"].T + w[f"parts.{i}.bias"] for i, part in enumerate(parts)]
    asked = items @ w["items.weight"].T + w["items.bias"]
    each = np.stack([vector @ asked.T for vector in mapped])
    both = np.hstack(mapped)

    def softmax(x):
        return np.exp(x) / np.exp(x).sum(axis=0)

    if how == "concatenation":
        expected = (np.maximum(both, 0) @ w["together.weight"].T + w["together.bias"]) @ asked.T
    elif how == "weighted mean":
        expected = np.einsum("k,knm->nm", softmax(w["weights"]), each)
    elif how == "gate":
        expected = np.einsum("kn,knm->nm", softmax((both @ w["together.weight"].T + w["together.bias"]).T), each)
    else:
        expected = (softmax(each / np.sqrt(5)) * each).sum(axis=0)
    found = network([torch.from_numpy(part) for part in parts], torch.from_numpy(items))
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-10)


@pytest.mark.parametrize("how", HOWS)
def test_a_part_that_says_nothing_is_left_aside(how):
    """The first part is the vector of the wanted item, the second noise: after training the noise hardly moves the order."""
    torch.manual_seed(0)
    items = torch.randn(12, 6)
    network = Fusion([6, 6], 6, how, size=8)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(200):
        wanted = torch.randint(12, (64,))
        loss = torch.nn.functional.cross_entropy(network([items[wanted], torch.randn(64, 6)], items), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right = network([items, torch.randn(12, 6)], items).argmax(dim=1)
    assert (right == torch.arange(12)).float().mean() > 0.9


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="how must be one of concatenation, weighted mean, gate, attention, not 'sum'"):
        Fusion([1], 1, "sum")


@pytest.mark.parametrize(
    ("texts", "price"),
    [
        (("屏幕一般，1299元。", ""), 1299),
        (("", "At 1,499 yuan a bargain"), 1499),
        (("12,999 元", "9 yuan"), 12999),
        (("五百块以内", "cheap"), np.nan),
    ],
)
def test_price_by_hand(texts, price):
    np.testing.assert_equal(price_of(*texts), price)


def small_shop():
    return pd.DataFrame(
        {
            "domain": ["devices"] * 4 + ["news"],
            "kind": ["phone"] * 3 + ["watch", "report"],
            "creator": ["a", "a", "a", "b", "c"],
            "year": [2020, 2021, 2022, 2023, 2024],
            "text_zh": ["1000元", "2000元", "4000元", "没有价格", "9元"],
            "text_en": [""] * 5,
        },
        index=pd.Index(["p1", "p2", "p4", "w", "n"], name="item_id"),
    )


def test_attributes_by_hand():
    table = attribute_table(small_shop())
    assert list(table.columns) == ["price", "priced", "year", "kind_phone", "creator_a"]
    assert table["priced"].tolist() == [1, 1, 1, 0, 0]
    np.testing.assert_allclose(table["price"], [-(1.5**0.5), 0, 1.5**0.5, 0, 0], atol=1e-6)
    assert table.loc["n"].tolist()[3:] == [0, 0] and table["year"].mean() == pytest.approx(0, abs=1e-6)


def test_value_for_money_by_hand():
    reviews = pd.DataFrame({"item_id": ["p4"] * 3, "stars": [5, 5, 5]})
    value = value_for_money(small_shop(), reviews)
    assert value.index.tolist() == ["p1", "p2", "p4", "w", "n"] and value[["w"]].isna().all()
    good = np.array([3.5, 3.5, 4.25])
    good, price = ((x - x.mean()) / x.std() for x in (good, np.log([1000, 2000, 4000])))
    np.testing.assert_allclose(value[["p1", "p2", "p4"]], good - price)
