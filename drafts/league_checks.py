"""The league table: judged as by hand, quick rows made anew, rows of one situation about the same readers, a new method in one line."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from tokrec.evaluate import bootstrap_interval, cold_folds, ndcg_at_k, paired_difference, per_user, warm_split
from tokrec.ladders import league as module
from tokrec.ladders import traps, tuning, warm
from tokrec.ladders.league import (
    FAMILIES,
    QUERIES,
    SITUATIONS,
    Method,
    Split,
    entries,
    from_units,
    in_units,
    judge,
    methods_of,
    peak,
    standings,
)
from tokrec.recommend import EaseRecommender, PopularityRecommender
from tokrec.stored import read

ROWS, VALUES = entries()
QUICK = ROWS[ROWS["seconds"] < 5]


@pytest.mark.parametrize("row", QUICK.to_dict("records"), ids=lambda row: f"{row['method']}: {row['situation']}")
def test_quick_rows_are_made_anew(row: dict):
    make = next(method.make for method in methods_of(row["family"]) if method.name == row["method"])
    assert judge(make, row["situation"]) == pytest.approx(VALUES[row["situation"]][row["method"]], abs=2e-3, nan_ok=True)


def test_every_method_stands_in_the_table_once_in_each_of_its_situations():
    expected = [(family, method.name, place) for family in FAMILIES for method in methods_of(family) for place in method.where]
    assert list(ROWS[["family", "method", "situation"]].itertuples(index=False, name=None)) == expected
    assert len({method.name for family in FAMILIES for method in methods_of(family)}) == ROWS["method"].nunique()
    assert set(ROWS["situation"]) == {*SITUATIONS, QUERIES} == set(VALUES)


def test_rows_of_a_situation_are_about_the_same_readers():
    for situation, columns in VALUES.items():
        assert len({len(column) for column in columns.values()}) == 1, situation
        assert len({np.isnan(column).sum() for column in columns.values()}) == 1
        assert all(np.nanmin(column) >= 0 and np.nanmax(column) <= 1 for column in columns.values())
    ladder = read("ladder_warm")["value"]["values"]
    for situation, protocol in {"films, warm": "warm", "films, warm, liked": "warm, liked", "films, rolling": "rolling"}.items():
        assert VALUES[situation]["popularity"] == pytest.approx(np.array(ladder[protocol]["popularity"]) / 1e4, abs=1e-4)
    assert VALUES["films, warm"]["lambdarank"] == pytest.approx(np.array(ladder["warm"]["+ lambdarank"]) / 1e4, abs=1e-4)
    assert VALUES["films, warm"]["blend"] == pytest.approx(np.array(ladder["warm"]["+ neighbours, text"]) / 1e4, abs=1e-4)


def test_judged_by_hand(monkeypatch: pytest.MonkeyPatch):
    """Two splits; who is asked in both counts once, with the mean."""
    items = pd.DataFrame({"title": list("abc")}, index=list("abc"))
    columns = ["user_id", "item_id", "rating", "timestamp"]
    train = pd.DataFrame([("u", "a", 5.0, 1), ("v", "a", 5.0, 1), ("w", "b", 5.0, 1)], columns=columns)
    first = pd.DataFrame([("u", "b", 5.0, 2), ("w", "c", 4.0, 2)], columns=columns)
    second = pd.DataFrame([("u", "c", 5.0, 3)], columns=columns)
    monkeypatch.setitem(SITUATIONS, "toy", lambda: (Split(train, first, items), Split(train, second, items)))
    u, w = ndcg_at_k(["b", "c"], {"b"}, 10), ndcg_at_k(["a", "c"], {"c"}, 10)
    assert judge(PopularityRecommender, "toy") == pytest.approx([(u + ndcg_at_k(["b", "c"], {"c"}, 10)) / 2, w])


def test_new_films_are_hidden_from_training():
    splits = module.film_splits("cold")
    liked = splits[0].items.index
    assert len(splits) == 5 and sum(len(split.candidates) for split in splits) == len(liked)
    for split, fold in zip(splits, cold_folds(liked), strict=True):
        assert split.candidates.equals(fold) and not split.train["item_id"].isin(fold).any() and split.test["item_id"].isin(fold).all()


def test_a_method_more_is_a_line_more():
    n = len(VALUES["films, warm"]["EASE"])
    perfect, table = np.ones(n), standings("films, warm")
    more = standings("films, warm", {"mine": perfect})
    assert more.index[0] == "mine" and len(more) == len(table) + 1 and (more["ndcg"].diff().dropna() <= 0).all()
    assert more.loc["EASE", "behind"] == pytest.approx(1 - VALUES["films, warm"]["EASE"].mean())
    ease = VALUES["films, warm"]["EASE"]
    assert table.loc["EASE", ["low", "high"]].tolist() == pytest.approx(bootstrap_interval(ease))
    gap = paired_difference(VALUES["films, warm"][table.index[0]], ease)
    assert table.loc["EASE", ["behind", "behind_low", "behind_high"]].tolist() == pytest.approx(gap)
    assert table.loc[table.index[0], "behind"] == 0 and (table["behind_low"] <= table["behind"]).all()
    assert Method("mine", "somewhere", PopularityRecommender).where == module.READERS


def test_small_things_by_hand():
    assert in_units(np.array([0.0, 0.12344, 1.0, np.nan])) == [0, 1234, 10000, -1]
    assert from_units([[0, 1234], [-1, 10000]]) == pytest.approx(np.array([[0, 0.1234], [np.nan, 1]]), nan_ok=True)
    before = peak()
    block = np.ones(30_000_000)
    assert np.isnan(before) or peak() >= before + 100 and block[0] == 1


def test_stored_tuning_holds_what_it_says():
    stored = read("tuning_ease")["value"]
    trials = pd.DataFrame(stored["trials"])
    assert stored["tuned"]["inner"] == trials["inner"].max() and stored["fake"]["test"] == trials["test"].max()
    assert stored["tuned"]["test"] - stored["default"]["test"] == pytest.approx(stored["tuned_gain"][0], abs=2e-5)
    assert stored["fake_gain"][0] >= stored["tuned_gain"][0]


def test_tuning_looks_inside_and_the_fake_at_the_test(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("optuna")
    rng, rows = np.random.default_rng(0), []
    for user in range(60):
        start = rng.integers(40)
        rows += [(user, int(item), 5.0, 100 * user + time) for time, item in enumerate(dict.fromkeys((start + np.arange(25)) % 40))]
    ratings = pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"])
    films = pd.DataFrame({"title": [f"film {i}" for i in range(40)]}, index=range(40))
    monkeypatch.setattr(tuning, "load_movielens", lambda: (ratings, films))
    monkeypatch.setattr(tuning, "TRIALS", 5)
    found = tuning.tuning_ease()
    trials = pd.DataFrame(found["trials"])
    assert len(trials) == 5 and found["tuned"] == found["trials"][int(trials["inner"].idxmax())]
    assert found["fake"]["test"] == trials["test"].max()
    train, test = warm_split(ratings)
    again = EaseRecommender(int(found["tuned"]["penalty"]), found["tuned"]["half_life"], found["tuned"]["floor"]).fit(train, films)
    assert per_user(again, test)["ndcg"].mean() == pytest.approx(found["tuned"]["test"], abs=1e-4)
    assert found["default"]["test"] == pytest.approx(per_user(EaseRecommender().fit(train, films), test)["ndcg"].mean(), abs=1e-4)


def test_forced_items_come_last_with_their_own_features():
    scores = np.arange(300, 0, -1.0)[None, :].repeat(2, axis=0).astype(np.float32)
    wanted = np.zeros(scores.shape, bool)
    wanted[0, [5, 200, 290]] = True  # two that the first 120 lack
    wanted[1, 7] = True
    empty = PopularityRecommender().fit(None, pd.DataFrame({"title": ["x"] * 300}, index=range(300)))
    history = csr_matrix((2, 300), dtype=np.float32)
    cut = warm.Cut(empty, pd.Index([0, 1]), history, history, wanted, np.ones(scores.shape, bool), {"own": scores})
    lists = traps.forced(cut, scores)
    assert set(lists.places[0, -3:]) >= {200, 290} and lists.wanted.sum(axis=1).tolist() == [3, 1]
    assert (lists.features[:, :, 0] == np.take_along_axis(scores, lists.places, 1)).all()
    assert lists.places[1].tolist() == list(range(120))
