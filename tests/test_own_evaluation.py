"""Own interactions: files as people have them, faults named by row, and the table of methods on the command line."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tokrec.evaluate as ev
from tokrec.cli import main
from tokrec.datasets import read_interactions, read_items
from tokrec.own_evaluation import judge_methods, methods
from tokrec.recommend import PopularityRecommender

TOPICS = {
    "tea": "green leaf kettle harvest mountain",
    "ski": "snow slope winter pole glacier",
    "code": "compiler loop pointer terminal bug",
    "jazz": "trumpet swing piano club rhythm",
}
ITEMS = [
    (f"{topic}{number}", f"{topic} {number}", f"{text} {text.split()[number % 5]}")
    for topic, text in TOPICS.items()
    for number in range(12)
]


def choices(readers: int = 30, each: int = 9, seed: int = 0) -> list[tuple[str, str, float, int]]:
    """Each reader likes one topic and dislikes another."""
    rng, rows = np.random.default_rng(seed), []
    for reader in range(readers):
        loved, hated = rng.choice(list(TOPICS), 2, replace=False)
        chosen = [(f"{loved}{number}", 5.0) for number in rng.permutation(12)[:each]] + [(f"{hated}{number}", 1.0) for number in range(2)]
        times = rng.permutation(1000)[: len(chosen)]
        rows += [(f"u{reader}", item, rating, int(time)) for (item, rating), time in zip(chosen, times, strict=True)]
    return rows


def written(path: Path, heading: str, rows: list[tuple], encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join([heading, *(",".join(map(str, row)) for row in rows)]).encode(encoding))
    return path


@pytest.fixture
def items(tmp_path: Path) -> Path:
    return written(tmp_path / "items.csv", "item_id,title,text", ITEMS)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run ``tokrec evaluate``: what stands on stdout and on stderr, and the exit status."""

    def call(interactions: Path, items: Path, *options: str) -> tuple[str, str, int]:
        status = main(["evaluate", "--interactions", str(interactions), "--items", str(items), *options])
        return *capsys.readouterr(), status

    return call


HEADINGS = {
    "user_id,item_id,rating,timestamp": "utf-8",
    "userId,movieId,Rating,Date": "utf-8",
    "用户编号,商品编号,评分,时间": "gb18030",
    "讀者,圖書,評分,借閱時間": "utf-16",
}


@pytest.mark.parametrize(("heading", "encoding"), HEADINGS.items())
def test_headings_as_people_write_them(tmp_path: Path, items: Path, heading: str, encoding: str):
    rows = choices()
    found = read_interactions(written(tmp_path / "rows.csv", heading, rows, encoding), read_items(items))
    assert found.to_numpy().tolist() == [list(row) for row in rows]
    assert found.attrs["ratings"] and found.attrs["times"] and "user from " in found.attrs["told"]


def test_without_ratings_and_times(tmp_path: Path):
    found = read_interactions(written(tmp_path / "rows.csv", "顾客,商品", [("甲", "茶"), ("乙", "茶")]))
    assert found.to_numpy().tolist() == [["甲", "茶", 1, 0], ["乙", "茶", 1, 0]]
    assert not found.attrs["ratings"] and not found.attrs["times"]


@pytest.mark.parametrize(
    "times", [("2024/5/3", "2024/11/1"), ("2024年5月3日", "2024年11月1日"), ("2024-05-03 08:00", "2024-11-01 07:00"), ("9", "10")]
)
def test_times_sort_as_time_does(tmp_path: Path, times: tuple[str, str]):
    rows = [("u", "a", times[0]), ("u", "b", times[1])]
    assert read_interactions(written(tmp_path / "rows.csv", "user,item,time", rows))["timestamp"].is_monotonic_increasing


GOOD = [("u", "tea1", 4, 1), ("u", "ski2", 5, 2)]
FAULTS = {
    "an unknown item": ([*GOOD, ("v", "tea77", 5, 3)], r"1 times, first 'tea77' in row 4 .*add them to the items, or delete these rows"),
    "a pair twice": (
        [*GOOD, ("u", "tea1", 5, 3)],
        r"reader 'u' with item 'tea1' in row 2 and again in row 4 \(1 such rows\): keep one row",
    ),
    "no reader": ([*GOOD, ("", "tea1", 5, 3)], r"no user_id in row 4 .*fill it or drop the row"),
    "a rating in words": ([*GOOD, ("v", "tea1", "good", 3)], r"'good' in row 4: drop such rows, or shift the scale"),
    "a rating of 0": ([*GOOD, ("v", "tea1", 0, 3)], r"'0' in row 4"),
    "no time": ([*GOOD, ("v", "tea1", 5, "")], r"timestamp '' in row 4, which can't be read"),
    "a field too many": ([*GOOD, ("v", "tea1", 5, 3, "oops")], r"line 4.*quote fields that hold commas"),
    "no rows": ([], r"holds no interactions"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_row(tmp_path: Path, items: Path, run, fault: str):
    rows, message = FAULTS[fault]
    path = written(tmp_path / "rows.csv", "user_id,item_id,rating,timestamp", rows)
    with pytest.raises(ValueError, match=message):
        read_interactions(path, read_items(items))
    out, err, status = run(path, items)
    assert (out, status) == ("", 2) and err.startswith("tokrec: ") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("heading", "message"), [("who,item_id", "no column user_id .*it has who, item_id"), ("user,what", "no column item_id")]
)
def test_a_column_that_is_not_known(tmp_path: Path, heading: str, message: str):
    with pytest.raises(ValueError, match=message):
        read_interactions(written(tmp_path / "rows.csv", heading, [("a", "b")]))


def test_the_table(tmp_path: Path, items: Path, run):
    path = written(tmp_path / "rows.csv", "user_id,item_id,rating,timestamp", choices())
    out, err, status = run(path, items, "--format", "json", "--rolling")
    found = json.loads(out)
    rows = {row["method"]: row for row in found["methods"]}
    assert (
        status == 0 and set(rows) == set(methods(4, True, 48)) and "30 of 30 readers judged; ratings of 4 or more count" in found["remark"]
    )
    assert "by chance" not in found["remark"] and "title from 'title'" in err and "rating from 'rating'" in err
    train, test = ev.warm_split(read_interactions(path))
    popular = PopularityRecommender().fit(train, read_items(items))
    for column, options in (("ndcg", {}), ("liked_only", {"exclude": "liked"})):
        assert rows["popularity"][column] == pytest.approx(ev.per_user(popular, test, **options)["ndcg"].mean())
    cuts = [
        ev.per_user(popular.fit(before, read_items(items)), after)["ndcg"]
        for before, after in ev.rolling_splits(read_interactions(path), 3)
    ]
    assert rows["popularity"]["rolling"] == pytest.approx(pd.concat(cuts).mean())
    assert rows["TF-IDF"]["difference"] > 0 or rows["TF-IDF"]["rival"] != "popularity"
    assert rows["TF-IDF"]["ndcg"] > rows["popularity"]["high"]  # each reader loves one topic, and its items share words
    for row in rows.values():
        assert row["difference"] == pytest.approx(row["ndcg"] - rows[row["rival"]]["ndcg"]) and row["low"] <= row["ndcg"] <= row["high"]


def test_table_and_csv(tmp_path: Path, items: Path, run):
    path = written(tmp_path / "rows.csv", "user,item", [row[:2] for row in choices()])
    out, err, status = run(path, items)
    lines = out.splitlines()
    assert status == 0 and lines[0].startswith("method") and len(lines) == len(methods(1, False, 48)) + 2
    assert "every interaction counts as liked; a fifth drawn by chance (the file has no times" in lines[-1]
    assert not {"liked_only", "rolling"} & set(lines[0].split())
    out, err, status = run(path, items, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {row["method"] for row in rows} == set(methods(1, False, 48)) and 0 < float(rows[0]["ndcg"]) <= 1 and "by chance" in err


def test_methods_that_need_times_or_a_small_catalogue():
    assert set(methods(1, True, 48)) - set(methods(1, False, 48)) == {"Markov chain", "recent popularity"}
    assert set(methods(1, True, 48)) - set(methods(1, True, 20_000)) == {"EASE"}


def test_what_counts_as_liked_can_be_said(tmp_path: Path, items: Path, run):
    rows = [(user, item, rating * 2, time) for user, item, rating, time in choices()]  # a scale of ten
    path = written(tmp_path / "rows.csv", "user_id,item_id,rating,timestamp", rows)
    out, err, status = run(path, items)
    assert (out, status) == ("", 2) and "ratings run from 2 to 10" in err and "--positive" in err
    out, err, status = run(path, items, "--positive", "8")
    assert status == 0 and "ratings of 8 or more count as liked" in out


@pytest.mark.parametrize("rows", [choices()[:1], choices(readers=9), choices(each=4)])
def test_too_few_readers(tmp_path: Path, items: Path, run, rows: list):
    path = written(tmp_path / "rows.csv", "user_id,item_id,rating,timestamp", rows)
    out, err, status = run(path, items)
    assert (out, status) == ("", 2) and "too few readers to judge a method by" in err and "10 are needed" in err


def test_rolling_needs_times(tmp_path: Path, items: Path, run):
    path = written(tmp_path / "rows.csv", "user_id,item_id", [row[:2] for row in choices()])
    out, err, status = run(path, items, "--rolling")
    assert (out, status) == ("", 2) and "--rolling" in err and "add a column timestamp" in err
    out, err, status = run(Path("-"), Path("-"))
    assert status == 2 and "standard input can hold one of the two files" in err


class Counting(PopularityRecommender):
    """Keeps how many numbers it was asked for at once."""

    asked: list[int] = []

    def score(self, users):
        self.asked.append(len(users) * len(self.items_))
        return super().score(users)


def test_a_hundred_thousand_rows_a_block_of_readers_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rng, names = np.random.default_rng(0), [f"i{number}" for number in range(400)]
    rows = [(reader, names[item], moment) for reader in range(1000) for moment, item in enumerate(rng.permutation(400)[:100])]
    items = read_items(written(tmp_path / "items.csv", "item_id,title", [(name, name) for name in names]))
    interactions = read_interactions(written(tmp_path / "rows.csv", "user_id,item_id,timestamp", rows), items)
    monkeypatch.setattr("tokrec.evaluate.league.BLOCK", 40_000)  # instead of 4,000,000
    monkeypatch.setattr("tokrec.own_evaluation.methods", lambda *asked: {"popularity": Counting(1), "again": Counting(1)})
    judged = judge_methods(interactions, items)
    assert len(interactions) == 100_000 and judged.told.startswith("1000 of 1000 readers")
    assert max(Counting.asked) == 40_000 and sum(Counting.asked) == 2 * 1000 * 400
    assert judged.table["ndcg"].between(0.02, 0.2).all()  # by chance 10 places of 320 hold one of 20: near .06
