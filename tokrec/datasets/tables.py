"""Files as people have them: encodings, separators, spreadsheets, JSON lines, standard input; and what is none of these (page *setup*)."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

import pandas as pd

from tokrec.cutting import CJK, jieba_ready, simplified
from tokrec.text import well_formed

LIMIT = 256 * 2**20  # bytes of a file, and of what is unpacked from it
CELLS = 10_000_000  # of a workbook
SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
# First bytes: what the file is, and what to do with it.
KINDS = {
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook (.xls) or another old Office file", "open it and save it as 'CSV UTF-8' or .xlsx"),
    b"SQLite format 3": ("an SQLite database", "export the table: sqlite3 -header -csv FILE 'SELECT * FROM items' > items.csv"),
    b"%PDF": ("a PDF", "copy its table into a spreadsheet and save that as 'CSV UTF-8'"),
    b"\x89PNG": ("a picture (PNG)", "give a table of items instead"),
    b"\xff\xd8\xff": ("a picture (JPEG)", "give a table of items instead"),
    b"BZh": ("compressed (bzip2)", "unpack it first: bunzip2 FILE"),
    b"\xfd7zXZ": ("compressed (xz)", "unpack it first: unxz FILE"),
    b"7z\xbc\xaf": ("an archive (7-Zip)", "unpack it first and give the table inside"),
    b"Rar!": ("an archive (RAR)", "unpack it first and give the table inside"),
    **{
        bytes((0x80, number)): ("a Python pickle, which can run a stranger's code", "let its maker save it with to_csv")
        for number in range(2, 6)
    },
    b"GIF8": ("a picture (GIF)", "give a table of items instead"),
    b"ARROW1": ("a Feather or Arrow file", "save it with to_csv or to_parquet"),
    b"\x89HDF": ("an HDF5 file", "save its table with to_csv"),
    b"PK\x05\x06": ("an empty zip archive", "give the table itself"),
    b"\x93NUMPY": ("a NumPy array", "give a table of items instead"),
    b"<": ("a web page or XML", "open it in a browser, copy the table into a spreadsheet, and save that as 'CSV UTF-8'"),
}


@dataclass(frozen=True)
class Table:
    """A table of strings and how it was read.

    Attributes
    ----------
    frame : DataFrame
        All cells are strings; empty ones ``""``.
    told : str
        Kind, encoding and separator, in words.
    """

    frame: pd.DataFrame
    told: str


def read_table(source: str | Path, encoding: str | None = None) -> Table:
    """Read a table with a heading. Page *setup*.

    Parameters
    ----------
    source : str or Path
        A file, or ``-`` for standard input: text with commas, tabs, semicolons or bars between the fields, in UTF-8, UTF-16, GB18030,
        Big5 or Windows-1252; JSON, one object a line or a list of objects; ``.xlsx`` (needs openpyxl); Parquet (needs pyarrow); each also
        compressed by gzip.
    encoding : str, optional
        Of text; found out by default.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is larger than 256 MB, unpacked or not, or not a table; the message says what the file is and how to convert it.
    """
    name = "standard input" if str(source) == "-" else str(source)
    content = _content(source, name)
    packed = content[:2] == b"\x1f\x8b"
    if packed:
        content = _unpack(content, name)
    if not content.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise ValueError(f"{name} is empty: it needs a heading and one row an item")
    frame, told = _parse(content, name, encoding)
    frame = _as_text(frame).rename(columns=str)
    return Table(frame.reset_index(drop=True), f"{told}, unpacked from gzip" if packed else told)


def _content(source: str | Path, name: str) -> bytes:
    if name == "standard input":
        if sys.stdin is None:
            raise ValueError("standard input is closed: give a file, or pipe one in")
        content = _read(sys.stdin.buffer)
    else:
        path = _existing(Path(source))
        _check_size(path.stat().st_size, name)
        with path.open("rb") as file:  # a pipe has no size before it is read
            content = _read(file)
    _check_size(len(content), name, "more than")
    return content


def _read(file: IO[bytes]) -> bytes:
    """All of a file, or a little more than the limit."""
    parts, size = [], 0
    while size <= LIMIT and (part := file.read(2**20)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _existing(path: Path) -> Path:
    """The path, also where the locale cannot write its name."""
    try:
        if path.exists() and not path.is_dir():
            return path
        named = Path(os.fsdecode(str(path).encode("utf-8")))
        if named.exists() and not named.is_dir():
            return named
    except (UnicodeEncodeError, ValueError, OSError):
        pass
    raise FileNotFoundError(f"there is no file {path}")


def _check_size(size: int, name: str, more: str = "") -> None:
    if size > LIMIT:
        told = f"{more} {LIMIT / 2**20:.0f}" if more else f"{size / 2**20:,.0f}"
        raise ValueError(f"{name} has {told.strip()} MB; up to {LIMIT / 2**20:.0f} are read: keep the columns and rows that are needed")


def _unpack(content: bytes, name: str) -> bytes:
    try:
        with gzip.open(BytesIO(content)) as opened:
            unpacked = opened.read(LIMIT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{name} is compressed (gzip) and damaged ({error}): make it again") from error
    _check_size(len(unpacked), f"{name}, unpacked,", "more than")
    return unpacked


def _parse(content: bytes, name: str, encoding: str | None) -> tuple[pd.DataFrame, str]:
    if content[:4] == b"PK\x03\x04":
        return _workbook(content, name), "Excel workbook"
    if content[:4] == b"PAR1":
        return _parquet(content, name), "Parquet"
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, (kind, advice) in KINDS.items():
        if start.startswith(mark):
            raise ValueError(f"{name} is {kind}: {advice}")
    text, found = _decode(content, name, encoding)
    if text.lstrip()[:1] in ("{", "["):
        return _objects(text, name), f"JSON, {found}"
    text = re.sub(r"\Asep=.\r?\n", "", text)  # a line that Excel writes for itself
    separator = _separator(text)
    return _fields(text, separator, name), f"{SEPARATORS[separator]}, {found}"


def _workbook(content: bytes, name: str) -> pd.DataFrame:
    try:
        with ZipFile(BytesIO(content)) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    except BadZipFile as error:
        raise ValueError(f"{name} is a damaged zip archive or workbook ({error}): save it again") from error
    if not any(part.startswith("xl/") for part in sizes):
        kind = "an OpenDocument or Word file" if {"content.xml", "word/document.xml"} & set(sizes) else "a zip archive"
        raise ValueError(
            f"{name} is {kind}: " + ("unpack it and give the table inside" if "zip" in kind else "save its table as 'CSV UTF-8'")
        )
    _check_size(sum(sizes.values()), f"{name}, unpacked,")
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise ValueError(f"{name} is an Excel workbook: pip install openpyxl, or save it as 'CSV UTF-8' in the spreadsheet") from error
    try:
        sheets = load_workbook(BytesIO(content), read_only=True, data_only=True).worksheets
        rows = _filled(sheets[0].iter_rows(values_only=True)) if sheets else []
    except Exception as error:  # a damaged workbook fails in many ways
        raise ValueError(f"{name} is an Excel workbook that can't be read ({error}): save it as 'CSV UTF-8'") from error
    if rows is None:
        raise ValueError(f"{name} has more than {CELLS:,} cells: keep the columns and rows that are needed")
    if not rows:
        raise ValueError(f"{name} is empty: it needs a heading and one row an item on its first sheet")
    used = sorted({column for row in rows for column, value in enumerate(row) if value is not None})
    table = [[row[column] if column < len(row) else None for column in used] for row in rows]
    heading = [f"column {number}" if value is None else str(value) for number, value in enumerate(table[0], 1)]
    return pd.DataFrame(table[1:], columns=heading, dtype=object)


def _filled(rows: Iterable[tuple]) -> list[tuple] | None:
    """Rows that hold something; None if they hold too much. A sheet may claim a million rows of 16,384 cells and hold one."""
    kept, cells = [], 0
    for row in rows:
        if any(value is not None for value in row):
            cells += len(row)
            if cells > CELLS:
                return None
            kept.append(row)
    return kept


def _parquet(content: bytes, name: str) -> pd.DataFrame:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise ValueError(f"{name} is a Parquet file: pip install pyarrow, or save it with to_csv") from error
    parts, size = [], 0
    try:
        for batch in ParquetFile(BytesIO(content)).iter_batches(batch_size=64):  # small parts: a file of kilobytes can hold gigabytes
            size += batch.nbytes
            if size > LIMIT:
                break
            parts.append(batch.to_pandas())
    except Exception as error:  # a damaged file fails in many ways
        raise ValueError(f"{name} is a Parquet file that can't be read ({error}): save it with to_csv") from error
    _check_size(size, f"{name}, unpacked,", "more than")
    if not parts:
        raise ValueError(f"{name} is empty: it needs one row an item")
    frame = pd.concat(parts)
    named = [level for level in frame.index.names if level is not None]
    return frame.reset_index(level=named) if named else frame


def _objects(text: str, name: str) -> pd.DataFrame:
    """Rows from a JSON list of objects, or from one object a line."""
    try:
        rows = json.loads(text)
        if isinstance(rows, dict):  # one item, or pandas' own way: a dict or a list for each column
            columns = [value for value in rows.values() if isinstance(value, (dict, list))]
            whole = bool(rows) and len(columns) == len(rows) and len({(type(value), len(value)) for value in columns}) == 1
            return pd.DataFrame(rows, dtype=object) if whole else pd.DataFrame([rows], dtype=object)
    except (json.JSONDecodeError, RecursionError):
        rows = []
        for number, line in enumerate(text.split("\n"), 1):
            try:
                rows += [json.loads(line)] if line.strip() else []
            except (json.JSONDecodeError, RecursionError) as error:
                raise ValueError(f"{name} begins as JSON, but line {number} is none ({error}): write one object a line") from error
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f'{name} is JSON, but not a list of objects: write one object an item, such as {{"title": …, "text": …}}')
    return pd.DataFrame(rows, dtype=object)


def _separator(text: str) -> str:
    """The separator that cuts the heading into most fields; a comma for a single column."""
    heading = _heading(text)
    counts = {mark: len(_cut(heading, mark)) for mark in SEPARATORS}
    return max(counts, key=lambda mark: counts[mark])


def _heading(text: str) -> str:
    return next(line for line in text.split("\n") if line.strip()).strip("\r")


def _cut(line: str, mark: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=mark, skipinitialspace=True), [])
    except csv.Error:  # a field longer than csv takes
        return line.split(mark)


def _fields(text: str, separator: str, name: str) -> pd.DataFrame:
    quote = "quote fields that hold " + SEPARATORS[separator]
    names = [field.strip() for field in _cut(_heading(text), separator)]
    twice = next((field for place, field in enumerate(names) if field and field in names[:place]), None)
    if twice is not None:
        raise ValueError(f"{name} has the column {twice!r} twice: rename or delete one")
    try:
        frame = pd.read_csv(StringIO(text), sep=separator, dtype=str, keep_default_na=False, skipinitialspace=True)
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{name} is empty: it needs a heading and one row an item") from error
    except (pd.errors.ParserError, ValueError) as error:
        raise ValueError(f"{name} is not a table with {SEPARATORS[separator]} ({str(error).strip()}): {quote}") from error
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes surplus fields on the left for an index
        raise ValueError(f"{name} has rows with more fields than its heading: {quote}")
    return frame


def _decode(content: bytes, name: str, encoding: str | None) -> tuple[str, str]:
    """The text and the encoding that it is in."""
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe\x00\x00": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    known = encoding or next((code for mark, code in marks.items() if content.startswith(mark)), None)
    zeros = [content[start:1000:2].count(0) for start in (0, 1)]
    if known is None and sum(zeros) > len(content[:1000]) / 20:
        if min(zeros) > sum(zeros) / 4:
            raise ValueError(f"{name} is a binary file of an unknown kind: save its table as 'CSV UTF-8'")
        known = "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    if known is None:
        try:
            return content.decode("utf-8").replace("\x00", ""), "UTF-8"
        except UnicodeDecodeError:
            known = _guess(content, name)
    try:
        return content.decode(known), {"utf-8-sig": "UTF-8"}.get(known, known.upper().removesuffix("-LE").removesuffix("-BE"))
    except LookupError as error:
        raise ValueError(f"there is no encoding {known!r}: use a name such as utf-8, gb18030, big5, utf-16, cp1252") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not {known} (byte {error.start}): {_CONVERT}") from error


_CONVERT = (
    "save it as 'CSV UTF-8' in the spreadsheet; or convert it, on Linux and macOS: iconv -f OLD -t utf-8 old.csv > new.csv, on Windows in"
    " PowerShell: [IO.File]::WriteAllText('new.csv', [IO.File]::ReadAllText('old.csv', [Text.Encoding]::GetEncoding('OLD'))), where OLD is"
    " gb18030, big5 or what else it is in"
)


ACCENTED = frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüÿÀÁÂÄÅÆÇÈÉÊËÍÎÑÓÔÖØÚÜß€£°–—‘’“”…«»®©™¡¿½¼×·§\xa0")


def _guess(content: bytes, name: str) -> str:
    """GB18030 or Big5 if what comes out is made of Chinese words, Windows-1252 if it is Latin letters with accents."""
    first = next(re.finditer(rb"[\x80-\xff]", content)).start()  # there is one: the text is not UTF-8, and so not ASCII
    line = content.rfind(b"\n", 0, first) + 1
    sample = content[line : line + 2**16]
    shares = {encoding: _chinese_words(sample.decode(encoding, "replace")) for encoding in ("gb18030", "big5")}
    foreign = [char for char in sample.decode("cp1252", "replace") if ord(char) > 127]
    threes = re.search(rb"[\x80-\xff]{3}", sample)  # accented letters seldom stand in threes
    shares["cp1252"] = 0.0 if threes or not foreign else sum(char in ACCENTED for char in foreign) / len(foreign)
    best = max(shares, key=lambda encoding: shares[encoding])
    if shares[best] < (0.8 if best == "cp1252" else 0.3):
        raise ValueError(f"{name} is not UTF-8, and its encoding can't be told from its bytes: name it (--encoding), or {_CONVERT}")
    return best


def _chinese_words(text: str) -> float:
    """Part of the characters outside ASCII that belong to a word of two Chinese characters or more of jieba's dictionary, in [0, 1].

    Bytes of another encoding give rare characters side by side and no words.
    """
    foreign = [char for char in text if ord(char) > 127 and char not in "，。、；：？！“”‘’（）《》—…·"]
    runs = re.findall(f"[{CJK}]+", simplified(text))
    within = sum(len(word) for run in runs for word in jieba_ready().lcut(run, HMM=False) if len(word) > 1)
    return within / len(foreign) if foreign else 0.0


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """All cells as strings: missing values empty, lists joined, whole numbers without a decimal point."""
    return frame.map(_cell).astype(object)


def _cell(value: object) -> str:
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return " ".join(_cell(part) for part in value.values())
    if hasattr(value, "__iter__"):
        return " ".join(map(_cell, value))
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
