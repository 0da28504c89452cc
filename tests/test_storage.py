"""Saved recommenders give back what went in, or refuse before anything is written."""

import base64
import datetime
import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tokrec.evaluate import per_user
from tokrec.recommend import ContentRecommender, HybridRecommender, PopularityRecommender, load_recommender, storage

TITLES = ["a\r\nb", "c\rd", "\u2028e\u2029", "f\x85\x0b\x0c\tg", "\ufeff\u200bh", "😀", '"quoted, with comma"', "", "NA", "=1+1"]
N = len(TITLES)


def items(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"title": TITLES, **columns}, index=pd.Index([f"i{row}" for row in range(N)], name="item_id"))


COLUMNS = {
    "whole": range(N),
    "small": np.arange(N, dtype=np.int8),
    "unsigned": np.arange(N, dtype=np.uint64) + 2**63,
    "float": [0.1, float("nan"), float("inf"), -0.0, 1e-300, 1 / 3, 2.0, 3.0, 4.0, 5.0],
    "single": np.linspace(0, 1, N, dtype=np.float32),
    "bool": [True, False] * 5,
    "bool or missing": pd.array([True, None] * 5, dtype="boolean"),
    "integer or missing": pd.array([1, None] * 5, dtype="Int64"),
    "text or missing": pd.array(["a", None] * 5, dtype="string"),
    "object": [1, "1", 1.0, None, "\ud800", (1, "a"), ["x", 2], {"k": [1]}, datetime.date(2024, 5, 1), pd.Timestamp("2024-05-01 10:00")],
    "date": pd.date_range("1969-12-31 23:59:59.123456789", periods=N),
    "date with a zone": pd.date_range("2024-05-01", periods=N, tz="Asia/Shanghai"),
    "dates or missing": pd.to_datetime(["2024-05-01", None] * 5),
    "seconds": pd.to_datetime(["2024-05-01", None] * 5).astype("datetime64[s]"),
    "span": pd.timedelta_range("1 days 00:00:00.5", periods=N),
    "category": pd.Categorical(["x", "y"] * 5, categories=["y", "x", "unused"], ordered=True),
    "category of numbers": pd.Categorical([3, None] * 5),
    "sparse": pd.arrays.SparseArray([0, 1] * 5),
    "tags": [["space", "war"], [], ["爱情"]] * 3 + [["x"]],
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
def test_every_kind_of_column_comes_back(tmp_path: Path, name: str):
    table = items(**{name: 0 if name == "object" else COLUMNS[name]})
    if name == "object":
        table[name] = pd.Series(COLUMNS[name], index=table.index, dtype=object)
    copy = load_recommender(PopularityRecommender().fit(None, table).save(tmp_path))
    pd.testing.assert_frame_equal(copy.items_, table, check_exact=True)
    assert [type(value) for value in copy.items_[name]] == [type(value) for value in table[name]]


@pytest.mark.parametrize(
    "ids",
    [
        [1, 2, 3],
        [1.5, 2.0, -1.0],
        ["1", "01", "1.0"],
        ["a\nb", "a\r\nb", "a b"],
        [1, "1", 2],
        [True, "x", 3],
        ["三", "é", "😀"],
        pd.to_datetime(["2024-05-01", "2024-05-02", "2024-05-03"]),
        pd.to_datetime(["2024-05-01", "2024-05-02", "2024-05-03"], utc=True),
        np.array([1, 2, 3], np.int8),
        pd.Categorical(["b", "a", "c"]),
    ],
)
def test_ids_of_any_type_come_back(tmp_path: Path, ids: list):
    index = pd.Index(ids, name="item_id")
    table = pd.DataFrame({"title": ["x", "y", "z"]}, index=index)
    seen = pd.DataFrame({"user_id": pd.Series(ids), "item_id": pd.Series(list(ids)[::-1]), "rating": [5.0, 3.5, 4.0], "timestamp": 0})
    fitted = PopularityRecommender().fit(seen, table)
    copy = load_recommender(fitted.save(tmp_path))
    pd.testing.assert_index_equal(copy.items_.index, fitted.items_.index)
    assert copy.users_.tolist() == fitted.users_.tolist() and [type(user) for user in copy.users_] == [type(user) for user in fitted.users_]
    assert (copy.seen_ != fitted.seen_).nnz == 0 and copy.positive_ == fitted.positive_


def test_times_come_back_and_files_without_them_are_read(tmp_path: Path):
    seen = pd.DataFrame({"user_id": ["u", "v", "u"], "item_id": ["i2", "i1", "i0"], "rating": [5.0, 2.0, 4.0], "timestamp": [30, 0, 20]})
    fitted = PopularityRecommender().fit(seen, items())
    copy = load_recommender(fitted.save(tmp_path))
    assert copy.times_[:, :3].toarray().tolist() == fitted.times_[:, :3].toarray().tolist() == [[20, 0, 30], [0, 0, 0]]
    assert copy.times_.nnz == copy.seen_.nnz == 3  # a time of 0 keeps its place
    saved = json.loads((tmp_path / "recommender.json").read_text(encoding="utf-8"))
    rows = np.load(BytesIO(base64.b64decode(saved["ratings"])))[["user", "item", "rating"]]
    content = BytesIO()
    np.save(content, np.array(rows.tolist(), dtype=[("user", "<i8"), ("item", "<i8"), ("rating", "<f4")]))
    older = {
        "format": 2,
        "ratings": base64.b64encode(content.getvalue()).decode(),
        "sha256": hashlib.sha256(content.getvalue()).hexdigest(),
    }
    (tmp_path / "recommender.json").write_text(json.dumps(saved | older), encoding="utf-8")
    without = load_recommender(tmp_path)
    assert without.seen_.toarray().tolist() == fitted.seen_.toarray().tolist() and without.times_.sum() == 0


def test_parameters_and_odd_columns_come_back(tmp_path: Path):
    table = items(**{"": 1, "a\nb": 2}).assign(**{"title_en": "x"})
    table[3], table[("a", 1)], table[None] = 4, 5, 6
    fitted = HybridRecommender(weight=np.float32(0.1), positive=3).fit(None, table)
    copy = load_recommender(fitted.save(tmp_path))
    assert copy.items_.columns.tolist() == table.columns.tolist() and copy.weight == float(np.float32(0.1)) and copy.positive == 3
    assert copy.recommend(text="x", k=3).equals(fitted.recommend(text="x", k=3))


@pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}, np.array([1]), 1 + 2j, pd.Period("2024-05"), datetime.time(10)])
def test_what_cannot_come_back_is_refused_before_anything_is_written(tmp_path: Path, value: object):
    table = items()
    table["odd"] = pd.Series([value] * N, index=table.index, dtype=object)
    with pytest.raises(ValueError, match="odd holds .*, which can't be stored: convert it first"):
        PopularityRecommender().fit(None, table).save(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_refused_save_leaves_the_earlier_one(tmp_path: Path):
    fitted = PopularityRecommender().fit(None, items(year=1999))
    fitted.save(tmp_path)
    with pytest.raises(ValueError, match="can't be stored"):
        PopularityRecommender().fit(None, items(odd=[object()] * N)).save(tmp_path)
    pd.testing.assert_frame_equal(load_recommender(tmp_path).items_, fitted.items_)


def test_a_save_that_is_cut_short_leaves_the_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen = pd.DataFrame({"user_id": ["u"], "item_id": ["i1"], "rating": [5.0], "timestamp": [0]})
    PopularityRecommender().fit(None, items()).save(tmp_path)
    monkeypatch.setattr(storage.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        PopularityRecommender().fit(seen, items()).save(tmp_path)
    monkeypatch.undo()
    assert load_recommender(tmp_path).seen_.nnz == 0
    assert load_recommender(PopularityRecommender().fit(seen, items()).save(tmp_path)).seen_.nnz == 1
    assert [path.name for path in tmp_path.iterdir()] == ["recommender.json"]  # nothing unfinished, nothing left over


def test_several_who_save_into_one_folder_leave_a_whole_one(tmp_path: Path):
    code = """
import sys, pandas as pd
from tokrec.recommend import PopularityRecommender, load_recommender
items = pd.DataFrame({"title": ["x", "y", "z"]})
seen = pd.DataFrame({"user_id": [1, 2], "item_id": [0, 1], "rating": [5.0, float(sys.argv[2])], "timestamp": 0})
fitted = PopularityRecommender().fit(seen, items)
fitted.save(sys.argv[1])
for _ in range(40):
    fitted.save(sys.argv[1])
    assert load_recommender(sys.argv[1]).seen_.nnz == 2
"""
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), rating], stderr=subprocess.PIPE) for rating in ("4", "5")]
    told = [process.communicate()[1].decode() for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    fitted = PopularityRecommender().fit(None, items())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: (fitted.save(tmp_path), load_recommender(tmp_path)), range(40)))
    assert [path.name for path in tmp_path.iterdir()] == ["recommender.json"]


@pytest.mark.parametrize("positive", [0.9, 3.3, 0.7, 0.1, None])
def test_thresholds_survive_single_precision(tmp_path: Path, positive: float | None):
    ratings = [0.1] * 4 if positive is None else [positive, positive / 3, positive, positive / 2]
    seen = pd.DataFrame({"user_id": list("uuvv"), "item_id": ["i0", "i1", "i1", "i2"], "rating": ratings, "timestamp": 0})
    fitted = PopularityRecommender(positive=positive).fit(seen, items())
    copy = load_recommender(fitted.save(tmp_path))
    assert copy.positive_ == fitted.positive_ and copy.counts_.tolist() == fitted.counts_.tolist()
    assert fitted.counts_.sum() == (4 if positive is None else 2)
    test = pd.DataFrame({"user_id": ["u"], "item_id": ["i2"], "rating": [0.1 if positive is None else positive]})
    assert len(per_user(copy, test, 3)) == 1


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_are_refused(tmp_path: Path):
    folder = PopularityRecommender().fit(None, items()).save(tmp_path / "saved")
    (folder / "recommender.json").rename(tmp_path / "elsewhere.json")
    (folder / "recommender.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(ValueError, match="is a link or lies elsewhere"):
        load_recommender(folder)


def planted(folder: Path, **change: object) -> Path:
    described = json.loads((folder / "recommender.json").read_bytes())
    (folder / "recommender.json").write_text(json.dumps(described | change), encoding="utf-8")
    return folder


def test_pickle_in_the_ratings_is_refused(tmp_path: Path):
    content = BytesIO()
    np.save(content, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    hidden = {"ratings": base64.b64encode(content.getvalue()).decode(), "sha256": hashlib.sha256(content.getvalue()).hexdigest()}
    folder = planted(PopularityRecommender().fit(None, items()).save(tmp_path), **hidden)
    with pytest.raises(ValueError, match="is damaged .*allow_pickle"):
        load_recommender(folder)


CELL = {"index": {"type": "object", "cells": [{}]}, "names": [None, None], "columns": []}


@pytest.mark.parametrize(
    "change",
    [
        {"ratings": "nonsense"},
        {"ratings": 7},
        {"sha256": ""},
        {"items": {}},
        {"items": CELL},
        {"users": {"type": "S2000000000", "cells": [1]}},
        {"users": {"type": "int64", "cells": [10**400]}},
        {"users": {"type": "category", "cells": [9], "ordered": 1, "categories": {"type": "str", "cells": []}}},
        {"parameters": {"positive": 10**400}},
        {"parameters": {"positive": {}}},
        {"parameters": {"magic": 1}},
        {"parameters": None},
        {"format": "2"},
    ],
)
def test_planted_nonsense_is_damage(tmp_path: Path, change: dict):
    with pytest.raises(ValueError, match="is damaged|was saved by"):
        load_recommender(planted(PopularityRecommender().fit(None, items()).save(tmp_path), **change))


def test_a_class_from_elsewhere_is_neither_saved_nor_loaded(tmp_path: Path):
    class Stranger(ContentRecommender):
        """Derived elsewhere."""

    with pytest.raises(ValueError, match="Stranger is no recommender of tokrec"):
        Stranger("tfidf").fit(None, pd.DataFrame({"title": ["x"]})).save(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    folder = planted(PopularityRecommender().fit(None, items()).save(tmp_path), recommender="Stranger")
    with pytest.raises(
        ValueError, match="names 'Stranger', which is none of .*ContentRecommender, .*HybridRecommender, .*PopularityRecommender"
    ):
        load_recommender(folder)


def test_columns_of_several_levels_are_refused(tmp_path: Path):
    table = items().set_axis(pd.MultiIndex.from_tuples([("title", "")]), axis=1)
    with pytest.raises(ValueError, match="columns of several levels"):
        PopularityRecommender().fit(None, table).save(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_names_of_the_columns_and_object_ids_come_back(tmp_path: Path):
    table = items().rename_axis("field", axis=1).set_axis(pd.Index([f"i{row}" for row in range(N)], dtype=object, name="item_id"))
    pd.testing.assert_frame_equal(load_recommender(PopularityRecommender().fit(None, table).save(tmp_path)).items_, table)
