"""A reader's own items from a CSV file (chapter *recommender*)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

TITLES = ("title", "name", "title_en", "title_zh", "标题", "书名", "片名", "名称", "商品名称", "品名")
TEXTS = ("text", "description", "summary", "overview", "genres", "text_en", "text_zh", "简介", "描述", "内容", "摘要", "介绍")
IDS = ("item_id", "id", "movieId", "编号")


def read_items(path: str | Path, text: str | None = None) -> pd.DataFrame:
    """Read items from a CSV file with a heading. Chapter *recommender*.

    Parameters
    ----------
    path : str or Path
        A UTF-8 file, comma-separated.
    text : str, optional
        Name of the column to recommend by. By default, the first known title column (such as ``title`` or ``标题``) and the first known
        text column (such as ``description``, ``genres`` or ``简介``).

    Returns
    -------
    DataFrame
        Indexed by ``item_id`` (a known id column, or row numbers from 1), with ``title`` and ``text``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not UTF-8, not a table, lacks the columns or has no item; the message says what to do.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    table = _read(path)
    title_column, text_column = _columns(table, path, text)
    title = table[title_column].str.strip()
    content = (
        table[text_column].str.strip().str.replace("|", " ", regex=False)
        if text_column != title_column
        else pd.Series("", index=table.index)
    )
    items = pd.DataFrame({"title": title, "text": content})
    ids = next((name for name in IDS if name in table), None)
    items.index = pd.Index(table[ids] if ids else [str(number) for number in range(1, len(table) + 1)], name="item_id")
    items = items[(items["title"] != "") | (items["text"] != "")]
    if items.empty:
        raise ValueError(f"{path} holds no item with a {title_column}")
    if items.index.has_duplicates:
        twice = items.index[items.index.duplicated()][0]
        raise ValueError(f"{path} has item id {twice!r} more than once in column {ids!r}: keep one row an item")
    return items


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8, for example with iconv -f gb18030 -t utf-8"
        ) from error
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{path} is empty: it needs a heading and one row an item") from error
    except pd.errors.ParserError as error:
        raise ValueError(f"{path} is not a comma-separated table ({str(error).strip()}): quote fields that hold commas") from error
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes surplus fields on the left for an index
        raise ValueError(f"{path} has rows with more fields than its heading: quote fields that hold commas")
    return table


def _columns(table: pd.DataFrame, path: Path, text: str | None) -> tuple[str, str]:
    found = ", ".join(map(str, table.columns))
    if text is not None:
        if text not in table:
            raise ValueError(f"{path} has no column {text!r}: it has {found}")
        return next((name for name in TITLES if name in table), text), text
    title = next((name for name in TITLES if name in table), None)
    content = next((name for name in TEXTS if name in table), title)
    if content is None:
        raise ValueError(f"{path} has no title or text column that is known by name (it has {found}): name one with --text COLUMN")
    return title or content, content
