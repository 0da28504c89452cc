"""The ladder of new films: what it counts, what its folds hide, where its settings come from."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp
from toy_readers import ByLetters, world

from tokrec import evaluate as ev
from tokrec.ladders import cold
from tokrec.ladders.hidden_items import Remembered, item_folds, judged, ndcg_rows, over_folds, summed
from tokrec.recommend import KernelRidgeRecommender


def test_ndcg_of_all_rows_is_that_of_each():
    rng = np.random.default_rng(0)
    scores, wanted = rng.integers(5, size=(50, 20)).astype(float), rng.random((50, 20)) < 0.15
    wanted[0] = False
    found = ndcg_rows(scores, wanted)
    assert np.isnan(found[0]) and not np.isnan(found[1:]).all()
    for row, want, value in zip(scores[1:], wanted[1:], found[1:], strict=True):
        ranked = list(np.argsort(-row, kind="stable")[:10])
        assert value == pytest.approx(ev.ndcg_at_k(ranked, set(np.flatnonzero(want)), 10)) or (np.isnan(value) and not want.any())


def test_judged_is_per_user_on_the_hidden_items():
    interactions, items = world(60, 20)
    fold = next(item_folds(interactions, items))
    assert not fold.train["item_id"].isin(fold.hidden).any() and fold.test["item_id"].isin(fold.hidden).all()
    fitted = KernelRidgeRecommender(penalty=1.0, encoder=ByLetters()).fit(fold.train, fold.items)
    usual = ev.per_user(fitted, fold.test, candidates=fold.hidden)["ndcg"]
    np.testing.assert_allclose(judged(fitted, fold)[False].dropna(), usual)


def test_intervals():
    means = np.array([0.2, 0.25, 0.15, 0.22, 0.28])
    expected = ttest_1samp(means, 0).confidence_interval()
    np.testing.assert_allclose(over_folds(means), (expected.low, expected.high))
    values = np.array([[0.5, np.nan, np.nan], [1.0, 0.0, np.nan]])
    found = summed(values, "x")
    assert found["x"] == pytest.approx((0.75 + 0.0) / 2) and found["x_low"] == 0 and found["x_high"] == 0.75


def test_settings_come_from_the_training_part(monkeypatch: pytest.MonkeyPatch):
    interactions, items = world(100, 30, share=0.9)
    fold = next(item_folds(interactions, items))
    monkeypatch.setattr(cold, "TRIED", {"years": (0.3,), "audience": (0.25,)})
    chosen = cold.choose(fold, ("tfidf", None))
    shuffled = fold.test.assign(item_id=np.random.default_rng(0).permutation(fold.test["item_id"]))
    assert cold.choose(type(fold)(fold.train, shuffled, fold.items, fold.hidden), ("tfidf", None)) == chosen


def test_the_ladder_from_end_to_end(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("lightgbm")
    interactions, items = world(100, 30, share=0.9)
    folds = list(item_folds(interactions, items))
    monkeypatch.setattr(cold, "TRIED", {"penalty": (1.0,)})
    encoder = Remembered(ByLetters().encode, cold.item_texts(items))
    found = cold.climbed(folds[:2], {"TF-IDF": ("tfidf", None), "letters": ("encoder", encoder)}, "TF-IDF", {"TF-IDF": cold.RIVAL})
    table = pd.DataFrame(found["rows"], columns=found["columns"])
    assert table[table["text"] == "TF-IDF"]["step"].unique().tolist() == ["mean profile", "neighbours", cold.RIVAL]
    letters = table[(table["text"] == "letters") & ~table["mask"].astype(bool)]
    assert letters["step"].tolist() == list(cold.recommenders(("encoder", None), cold.START))
    rise = letters["ndcg"].diff().to_numpy()[1:]
    np.testing.assert_allclose(letters["gain"].to_numpy(float)[1:], rise, atol=1e-4)
    assert len(found["settings"]["letters"]) == 2 and set(found["settings"]["letters"][0]) == set(cold.START)
