"""The collaborative ladders: how histories are cut, how texts are mixed in, and that the settings are those that were chosen."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from tokrec.evaluate import ndcg_at_k
from tokrec.ladders.collaborative import CHOSEN, GRIDS, METHODS, beside, validations
from tokrec.ladders.how_many import SHARES, TEXTS, cut, liked_keys, only, spread, summed
from tokrec.stored import from_json, read

SEEN = csr_matrix(np.array([[5, 4, 2, 5], [0, 4, 4, 0], [1, 0, 0, 0]], float))


def test_histories_are_cut_to_the_last_likes():
    keys = liked_keys(SEEN, np.array([7.0, 9, 10, 3, 2, 8, 5]))  # places of 5 4 2 5, 4 4, 1
    assert keys.toarray().tolist() == [[7, 9, 0, 3], [0, 2, 8, 0], [0, 0, 0, 0]]
    assert cut(keys, 2).toarray().tolist() == [[4, 4, 0, 0], [0, 4, 4, 0], [0, 0, 0, 0]]
    assert cut(keys, 1).toarray().tolist() == [[0, 4, 0, 0], [0, 0, 4, 0], [0, 0, 0, 0]]
    assert cut(keys, 0).nnz == 0


def test_only_some_rows_and_columns():
    found = only(SEEN, rows=np.array([True, False, True]), columns=np.array([True, False, True, True]))
    assert found.toarray().tolist() == [[5, 0, 2, 5], [0, 0, 0, 0], [1, 0, 0, 0]] and found.nnz == 4
    assert only(SEEN).nnz == SEEN.nnz


def test_text_beside_ease_by_hand():
    rng = np.random.default_rng(0)
    scores = {name: rng.normal(size=(3, 20)) for name in ("popularity", "EASE", *TEXTS)}
    wanted, shown = rng.random((3, 20)) < 0.3, rng.random((3, 20)) < 0.8
    wanted[1] = False  # nothing to find
    found = spread(scores, shown, wanted & shown, np.array([4, 2, 0]), 6)
    assert np.isnan(found["popularity"][[1, 2, 3, 5], 0]).all() and not np.isnan(found["words"][[0, 4]]).any()
    ease, text = ((row[2] - row[2][shown[2]].mean()) / row[2][shown[2]].std() for row in (scores["EASE"], scores["words"]))
    for place, share in enumerate(SHARES):
        mixed = (1 - share) * ease + share * text
        order = np.flatnonzero(shown[2])[np.argsort(-mixed[shown[2]], kind="stable")]
        assert found["words"][0, place] == pytest.approx(ndcg_at_k(list(order), set(np.flatnonzero(wanted[2] & shown[2])), 10))


def test_the_share_of_the_text_is_chosen_on_the_other_parts():
    parts = []
    for number in range(3):  # the text is best in two parts, EASE in the third
        values = np.full((9, len(SHARES)), np.nan)
        rows = slice(3 * number, 3 * number + 3)
        values[rows] = np.linspace(0, 1, len(SHARES)) if number < 2 else np.linspace(2, 0, len(SHARES))
        parts.append({"popularity": values[:, :1], **dict.fromkeys(TEXTS, values)})
    table = summed(parts).set_index("method")
    # Parts 0 and 1 see one part of each kind, and 2 > 1: EASE alone. Part 2 sees two parts where the text is best.
    assert table.loc["EASE + text, words", "share"] == pytest.approx(1 / 3, abs=1e-4)
    assert table.loc["EASE + text, words", "ndcg"] == pytest.approx((0 + 0 + 0) / 3)
    assert table.loc["EASE", "ndcg"] == pytest.approx(2 / 3, abs=1e-4) and table.loc["text, words", "ndcg"] == pytest.approx(
        2 / 3, abs=1e-4
    )
    assert table.loc["EASE + text, words", "least"] == -2 and table.loc["EASE + text, words", "readers"] == 9


def test_beside_tells_both_intervals():
    row = beside(np.array([0.5, 0.7, 0.2]), np.array([0.4, 0.6, 0.1]))
    assert row["ndcg"] == pytest.approx(1.4 / 3) and row["low"] < row["ndcg"] < row["high"]
    assert [row["difference"], row["below"], row["above"]] == pytest.approx([0.1] * 3)


def test_settings_are_chosen_before_the_test():
    rng = np.random.default_rng(1)
    rows = [(user, rng.integers(60), rng.integers(1, 6), time) for time, user in enumerate(rng.integers(0, 20, 900))]
    seen = pd.DataFrame(rows, columns=["user_id", "item_id", "rating", "timestamp"]).drop_duplicates(["user_id", "item_id"])
    from tokrec.evaluate import rolling_splits, warm_split

    cuts = validations(seen)
    first, test = next(iter(rolling_splits(seen)))
    assert max(found["timestamp"].max() for train, valid in cuts["rolling"] for found in (train, valid)) < test["timestamp"].min()
    later = warm_split(seen)[1]
    assert not {*map(tuple, cuts["warm"][0][1].values)} & {*map(tuple, later.values)} and len(cuts["rolling"]) == 2


def test_the_table_uses_the_settings_that_were_best():
    best = from_json(read("collaborative_settings")["value"]).query("best")
    told = {
        (split, name): ", ".join(f"{key} {value:g}" for key, value in options.items())
        for split, chosen in CHOSEN.items()
        for name, options in chosen.items()
    }
    assert told == {(row.split, row.method): row.setting for row in best.itertuples()}
    assert {name for _, name in told} == set(GRIDS) <= set(METHODS)
