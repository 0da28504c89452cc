"""The warm ladder: its shortcut is what the estimators do, its settings come from the training data, its tables are right by hand."""

import numpy as np
import pandas as pd
import pytest

from tokrec.evaluate import per_user, rolling_splits, warm_split
from tokrec.ladders import warm as module
from tokrec.ladders.warm import Cut, climbed, compared, inner_splits, judged, ladder_members, members, recency, weights_of_steps
from tokrec.recommend import PopularityRecommender, RankRecommender, load_recommender
from tokrec.stored import read


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def few() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Readers who walk through the catalogue from where they start."""
    rng, rows = np.random.default_rng(0), []
    for user in range(80):
        start = rng.integers(60)
        chosen = dict.fromkeys((start + np.cumsum(rng.integers(0, 4, 30))) % 60)
        rows += [(user, int(item), float(rng.choice([2, 4, 5])), 100 * user + time) for time, item in enumerate(chosen)]
    items = pd.DataFrame({"title": [f"film {i} ({1950 + i})" for i in range(60)], "text": ["Drama", "War"] * 30}, index=range(60))
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"]), items


@pytest.mark.parametrize("exclude", ["rated", "liked"])
def test_a_cut_judges_as_per_user_does(few, exclude: str):
    interactions, items = few
    train, test = warm_split(interactions)
    cut = Cut.of(train, test, items, exclude)
    every = members(5, 0.2)
    cut.add({name: every[name] for name in ("ease", "rated markov", "popular", "tfidf")})
    for name, parts in cut.parts.items():
        expected = per_user(members(5, 0.2)[name].fit(train, items), test, exclude=exclude)["ndcg"]
        assert cut.readers.tolist() == expected.index.tolist()
        assert cut.ndcg(parts) == pytest.approx(expected.to_numpy(), abs=1e-6), name


@pytest.mark.parametrize("protocol", ["warm", "rolling"])
def test_the_ladder_is_what_the_estimators_do(few, protocol: str, tmp_path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("lightgbm")
    monkeypatch.setattr(module, "HALF_LIVES", (5.0,))
    monkeypatch.setattr(module, "SEEDS", 2)
    interactions, items = few
    if protocol == "rolling":
        interactions = interactions.assign(timestamp=interactions["timestamp"] % 100)
    train, test = list(module.splits(protocol, interactions))[0]
    values, chosen, cut = climbed(protocol, train, test, items)
    step = list(module.STEPS)[-1]
    blend = ladder_members(module.STEPS[step], chosen["half_life"], chosen["floor"], chosen["weights"][step])
    assert values[step] == pytest.approx(per_user(blend.fit(train, items), test)["ndcg"].to_numpy(), abs=1e-6)
    ranker = RankRecommender(blend, cut="time" if protocol == "rolling" else "reader", seeds=2).fit(train, items)
    assert values[module.RANKED] == pytest.approx(per_user(ranker, test)["ndcg"].to_numpy(), abs=1e-6)
    assert values["popularity"] == pytest.approx(per_user(PopularityRecommender().fit(train, items), test)["ndcg"].to_numpy())
    again = load_recommender(blend.save(tmp_path / "blend"))  # members of all kinds come back
    assert again.score(cut.readers[:3]) == pytest.approx(blend.score(cut.readers[:3]), abs=1e-6)


@pytest.mark.parametrize("protocol", ["warm", "rolling"])
def test_settings_know_nothing_of_the_test(few, protocol: str):
    interactions, _ = few
    train, test = list(module.splits(protocol, interactions))[-1]
    rows = set(map(tuple, train.to_numpy()))
    assert not rows & set(map(tuple, test.to_numpy()))
    cuts = inner_splits(protocol, train)
    assert len(cuts) == 2
    for before, after in cuts:
        assert {*map(tuple, before.to_numpy()), *map(tuple, after.to_numpy())} <= rows and len(after)
    assert protocol != "rolling" or len(list(rolling_splits(interactions))) == 5


def test_recency_and_weights_find_what_was_planted(few):
    """Readers walk on from where they are: the last items say it, the old ones do not."""
    interactions, items = few
    cuts = [Cut.of(*split, items, "rated") for split in inner_splits("warm", interactions)]
    half_life, floor = recency(cuts)
    assert half_life <= 5 and floor < 0.5
    for cut in cuts:
        cut.add(members(half_life, floor))
    weights = weights_of_steps(cuts)
    assert set(weights) == set(module.STEPS) and all(len(weights[step]) == len(names) for step, names in module.STEPS.items())
    quality = [np.mean([cut.ndcg(cut.blend(module.STEPS[step], weights[step])).mean() for cut in cuts]) for step in module.STEPS]
    assert quality[-1] >= quality[2] >= quality[1] - 1e-3  # each step starts from the one before


def test_tables_by_hand():
    ones, halves = np.ones(4), np.full(4, 0.5)
    first, second, third = judged({"popularity": halves * 0, "EASE": halves, "more": ones})
    assert (first["ndcg"], second["ndcg"], third["ndcg"]) == (0, 0.5, 1) and third["n"] == 4
    assert (second["gain"], second["gain_low"], third["gain"], third["over_popularity"], third["over_ease"]) == (0.5, 0.5, 0.5, 1, 0.5)
    values = {"equal weights": halves, "best member": ones, list(module.STEPS)[-1]: ones, module.RANKED: ones, "one seed": halves}
    assert [row["difference"] for row in compared(values)] == [-0.5, 0, 0.5, 0.5]


def test_stored_ladder_holds_what_it_says():
    stored = read("ladder_warm")["value"]
    table = pd.DataFrame(stored["table"])
    steps = ["popularity", *module.STEPS, module.RANKED]
    assert table.groupby("protocol", sort=False)["step"].agg(list).to_dict() == {name: steps for name in module.PROTOCOLS}
    for (protocol, step), row in table.set_index(["protocol", "step"]).iterrows():
        values = np.array(stored["values"][protocol][step]) / 10_000
        assert len(values) == row["n"] == len(stored["values"][protocol]["readers"])
        assert values.mean() == pytest.approx(row["ndcg"], abs=1e-4)
    assert (table["low"] <= table["ndcg"]).all() and (table["ndcg"] <= table["high"]).all()
