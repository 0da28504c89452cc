"""A reader's own interactions, from a file: who chose what, with ratings and times or without (chapter *evaluation*)."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from tokrec.checks import check_ids, check_ratings, check_times
from tokrec.datasets.own import IDS, check_headings, plain_heading
from tokrec.datasets.tables import read_table

# Names of columns as people write them, as in tokrec.datasets.own.
NAMES = {
    "user_id": (
        "user_id user userid uid reader_id reader customer_id customer member_id member reviewer_id account_id "
        "用户编号 用户id 用户_id 用户 用户名 读者编号 读者id 读者_id 读者 会员编号 会员id 会员_id 会员 顾客编号 顾客 客户编号 客户"
    ).split(),
    "item_id": (
        [name for name in IDS if name not in ("id", "编号", "序号")]  # these number the rows of such a file
        + "item movie product book film song course".split()
        + "物品id 物品_id 物品 商品id 商品_id 商品 图书id 图书_id 图书 书籍 电影id 电影_id 电影".split()
    ),
    "rating": "rating score stars star_rating grade rate user_rating 评分 打分 得分 分数 星级 评级".split(),
    "timestamp": (
        "timestamp time date datetime date_time created_at rated_at event_time unix_review_time "
        "时间戳 时间 日期 评分时间 评论时间 购买时间 下单时间 点击时间 观看时间 借阅时间 创建时间"
    ).split(),
}
DATE = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


def read_interactions(source: str | Path, items: pd.DataFrame | None = None, encoding: str | None = None) -> pd.DataFrame:
    """Read who chose what from a table with a heading. Chapter *evaluation*.

    Parameters
    ----------
    source : str or Path
        A file that :func:`tokrec.datasets.tables.read_table` takes, or ``-``. Columns are found by their usual names in English and
        Chinese: a reader, an item, and where there are such a rating and a time (seconds since 1970, or a date).
    items : DataFrame, optional
        Of :func:`tokrec.read_items`; then each item must be one of these.
    encoding : str, optional
        Of a text file; found out by default.

    Returns
    -------
    DataFrame
        ``user_id, item_id`` (strings), ``rating`` (1 for all where the file has none), ``timestamp`` (0 for all where the file has none).
        ``attrs`` holds ``told``, in words, and whether there were ``ratings`` and ``times``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no table, or lacks readers or items; for an id that is missing or unknown, a rating that is no positive number, a time that
        can't be read, a reader and an item that stand together twice. The message names the row, counted with the heading, and the remedy.
    """
    table, name = read_table(source, encoding), "standard input" if str(source) == "-" else str(source)
    columns = _columns(table.frame, name)
    frame = pd.DataFrame({wanted: table.frame[column].str.strip() for wanted, column in columns.items()})
    if frame.empty:
        raise ValueError(f"{name} holds no interactions: it needs one row for each choice of a reader")
    try:
        checked = _checked(frame, name)
    except ValueError as error:
        raise ValueError(re.sub(r"\brow (\d+)", lambda found: f"row {int(found[1]) + 2}", str(error))) from error
    if items is not None:
        _check_known(checked["item_id"], items.index, name)
    _check_once(checked, name)
    named = ", ".join(f"{wanted.removesuffix('_id')} from {column!r}" for wanted, column in columns.items())
    checked.attrs = {"told": f"{table.told}; {named}", "ratings": "rating" in columns, "times": "timestamp" in columns}
    return checked


def _columns(frame: pd.DataFrame, name: str) -> dict[str, str]:
    """The file's name of each column that is wanted and there."""
    check_headings(frame, name)
    plain = {plain_heading(column): str(column) for column in frame}
    found: dict[str, str] = {}
    for wanted, names in NAMES.items():
        known = [plain[one] for one in map(plain_heading, names) if one in plain and plain[one] not in found.values()]
        found |= {wanted: known[0]} if known else {}
    for wanted in ("user_id", "item_id"):
        if wanted not in found:
            raise ValueError(
                f"{name} has no column {wanted} that is known by name (it has {', '.join(map(str, frame.columns))}): rename one to {wanted}"
            )
    return found


def _checked(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    for column in ("user_id", "item_id"):
        check_ids(frame[column], name, column)
    ratings = check_ratings(frame["rating"], name) if "rating" in frame else 1.0
    times = check_times(frame["timestamp"].map(_iso), name) if "timestamp" in frame else 0
    return frame[["user_id", "item_id"]].assign(rating=ratings, timestamp=times)


def _iso(time: str) -> str:
    """2024/5/31 and 2024年5月31日 as 2024-05-31; other times as they are."""
    return DATE.sub(lambda date: f"{date[1]}-{int(date[2]):02}-{int(date[3]):02}", time)


def _check_known(ids: pd.Series, known: pd.Index, name: str) -> None:
    unknown = ~ids.isin(known).to_numpy()
    if unknown.any():
        row = int(unknown.argmax())
        raise ValueError(
            f"{name} names items that are not among the {len(known)} items, {int(unknown.sum())} times, first {ids.iloc[row]!r} in row"
            f" {row + 2} (items are called {', '.join(map(repr, known[:3]))} …): add them to the items, or delete these rows"
        )


def _check_once(frame: pd.DataFrame, name: str) -> None:
    again = frame.duplicated(["user_id", "item_id"]).to_numpy()
    if again.any():
        row = int(again.argmax())
        user, item = frame["user_id"].iloc[row], frame["item_id"].iloc[row]
        first = int(((frame["user_id"] == user) & (frame["item_id"] == item)).to_numpy().argmax())
        raise ValueError(
            f"{name} has reader {user!r} with item {item!r} in row {first + 2} and again in row {row + 2} ({int(again.sum())} such rows):"
            " keep one row a reader and item, for clicks or plays the first, for ratings the last"
        )
