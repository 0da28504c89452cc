"""A reader's own items, from a file or a table (chapter *recommender*)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from tokrec.datasets.tables import read_table
from tokrec.text import ITEM_TEXT, simplified

# Names of columns as people write them, in small letters, with _ for blanks, traditional characters as simplified ones.
TITLES = (
    "title name item item_name product_name product book_title movie_title headline subject "
    "标题 名称 书名 片名 品名 商品名称 商品名 产品名称 电影名 影片名称 歌名 课程名称 题目 名字"
).split()
TEXTS = (
    "text description desc summary overview plot synopsis story abstract content body about details "
    "简介 描述 内容 摘要 介绍 内容简介 剧情 剧情简介 情节 正文 详情 说明 商品描述 概述 文本"
).split()
LABELS = "genres genre tags keywords category categories 类型 类别 分类 标签 关键词 题材".split()
IDS = (
    "item_id id movie_id movieid itemid product_id book_id film_id song_id course_id isbn sku asin "
    "编号 序号 商品编号 货号 物品编号 产品编号 图书编号 书籍编号 书号 电影编号 影片编号 歌曲编号 课程编号"
).split()


@dataclass(frozen=True)
class Columns:
    """Which columns of a file are used, by the names that they have there.

    Attributes
    ----------
    read : str
        How the file was read.
    item_id : str or None
    title, text : list of str
    left : list of str
    """

    read: str
    item_id: str | None
    title: list[str]
    text: list[str]
    left: list[str]

    def __str__(self) -> str:
        def told(names: list[str]) -> str:
            return ", ".join(map(repr, names)) or "none"

        return f"{self.read}; title from {told(self.title)}, text from {told(self.text)}, left: {told(self.left)}"


def read_items(source: str | Path, text: str | None = None, encoding: str | None = None) -> pd.DataFrame:
    """Read items from a table with a heading. Chapter *recommender*.

    Parameters
    ----------
    source : str or Path
        A file that :func:`tokrec.datasets.tables.read_table` takes (CSV and its relatives, JSON, ``.xlsx``, Parquet), or ``-``.
    text : str, optional
        Name of the column to recommend by. By default all columns that are known as descriptions or labels (such as ``description``,
        ``plot``, ``genres`` or ``简介``); case, outer blanks and traditional writing of the names don't matter.
    encoding : str, optional
        Of a text file; found out by default.

    Returns
    -------
    DataFrame
        Indexed by ``item_id`` (a known id column, or row numbers from 1), with ``title`` and ``text``, and those of ``title_en, title_zh,
        text_en, text_zh`` that the file has. ``attrs`` holds what was
        used: ``told`` in words, ``columns`` as a dict.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a table, lacks the columns or has no item; the message says what to do.
    """
    table = read_table(source, encoding)
    name = "standard input" if str(source) == "-" else str(source)
    columns = choose_columns(table.frame, name, text, table.told)
    frame = table.frame.map(str.strip)
    title = frame[columns.title[0]].map(_one_line) if plain_heading(columns.title[0]) not in ITEM_TEXT else ""
    items = pd.DataFrame({"title": title, "text": _joined(frame, columns.text)}, index=frame.index)
    plain = {plain_heading(column): column for column in frame}
    for known in ITEM_TEXT:
        if known in plain and plain[known] in columns.title + columns.text:
            items[known] = frame[plain[known]].map(_one_line)
    items.index = pd.Index(frame[columns.item_id] if columns.item_id else [str(row) for row in range(1, len(frame) + 1)], name="item_id")
    items = items[(items != "").any(axis=1)]
    if items.empty:
        raise ValueError(f"{name} holds no item with a {columns.title[0]}")
    _check_ids(items, name, columns.item_id)
    items.attrs |= {"columns": asdict(columns), "told": str(columns)}
    return items


def choose_columns(frame: pd.DataFrame, name: str, text: str | None, read: str) -> Columns:
    """Find the columns of a table by their names. Chapter *recommender*."""
    check_headings(frame, name)
    plain = {plain_heading(column): str(column) for column in frame}
    found = ", ".join(map(str, frame.columns))
    if text is not None and plain_heading(text) not in plain:
        raise ValueError(f"{name} has no column {text!r}: it has {found}")
    titles = [plain[known] for known in (*TITLES, "title_en", "title_zh") if known in plain]
    texts = (
        [plain[plain_heading(text)]]
        if text is not None
        else [plain[known] for known in (*TEXTS, "text_en", "text_zh", *LABELS) if known in plain]
    )
    if not titles and not texts:
        raise ValueError(
            f"{name} has no title or text column that is known by name (it has {found}): name one with text= (--text on the command line)"
        )
    bilingual = [column for column in titles if plain_heading(column) in ITEM_TEXT]
    titles = [*titles[:1], *(column for column in bilingual if column not in titles[:1])] or texts[:1]
    texts = [column for column in texts if column not in titles]
    item_id = next((plain[known] for known in IDS if known in plain and plain[known] not in titles + texts), None)
    left = [str(column) for column in frame if column not in [item_id, *titles, *texts]]
    return Columns(read, item_id, titles, texts, left)


def check_headings(frame: pd.DataFrame, name: str) -> None:
    """Raise ``ValueError`` if two headings are one name. Chapter *recommender*."""
    seen: dict[str, str] = {}
    for column in map(str, frame.columns):
        if plain_heading(column) in seen:
            raise ValueError(
                f"{name} has the columns {seen[plain_heading(column)]!r} and {column!r}, which are one name: rename or delete one"
            )
        seen[plain_heading(column)] = column


def _check_ids(items: pd.DataFrame, name: str, column: str | None) -> None:
    missing = items.index == ""
    if missing.any():
        raise ValueError(f"{name} has no item id in row {int(missing.argmax()) + 2}, column {column!r}: fill it, or delete the column")
    if items.index.has_duplicates:
        twice = items.index[items.index.duplicated()][0]
        raise ValueError(f"{name} has item id {twice!r} more than once in column {column!r}: keep one row an item")


def plain_heading(name: object) -> str:
    """A heading without case, outer blanks and traditional writing. Chapter *recommender*."""
    text = unicodedata.normalize("NFKC", simplified(str(name))).strip().strip("\ufeff\u200b")
    text = re.sub(r"[\s_\-.]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text)).casefold()  # productName and Product.Name too
    stem, _, language = text.rpartition("_")
    if language in ("en", "zh") and stem in TITLES + TEXTS:
        return f"{'title' if stem in TITLES else 'text'}_{language}"
    return text


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _joined(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    """The columns that say no language, one after another; bars between genres become blanks."""
    parts = [frame[column].str.replace("|", " ", regex=False) for column in columns if plain_heading(column) not in ITEM_TEXT]
    joined = parts[0] if parts else pd.Series("", index=frame.index, dtype=object)
    for part in parts[1:]:
        joined = (joined + "\n" + part).str.strip()
    return joined
