"""Files as people have them: encodings, separators, spreadsheets, JSON lines, standard input; and what is none of these (page *setup*)."""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
from dataclasses import dataclass
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pandas as pd

LIMIT = 256 * 2**20  # bytes of a file, and of what is unpacked from it
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
    b"\x80\x04\x95": ("a Python pickle, which can run a stranger's code", "let its maker save it with to_csv"),
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
        content = sys.stdin.buffer.read(LIMIT + 1)
        _check_size(len(content), name, "more than" if len(content) > LIMIT else "")
        return content
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    _check_size(path.stat().st_size, name)
    return path.read_bytes()


def _check_size(size: int, name: str, more: str = "") -> None:
    if size > LIMIT:
        told = f"{more} {LIMIT / 2**20:.0f}" if more else f"{size / 2**20:,.0f}"
        raise ValueError(f"{name} has {told.strip()} MB; up to {LIMIT / 2**20:.0f} are read: keep the columns and rows that are needed")


def _unpack(content: bytes, name: str) -> bytes:
    try:
        with gzip.open(BytesIO(content)) as opened:
            unpacked = opened.read(LIMIT + 1)
    except (OSError, EOFError) as error:
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
        return pd.read_excel(BytesIO(content), dtype=str, keep_default_na=False, engine="openpyxl")
    except ImportError as error:
        raise ValueError(f"{name} is an Excel workbook: pip install openpyxl, or save it as 'CSV UTF-8' in the spreadsheet") from error
    except (ValueError, KeyError, OSError, BadZipFile, SyntaxError) as error:
        raise ValueError(f"{name} is an Excel workbook that can't be read ({error}): save it as 'CSV UTF-8'") from error


def _parquet(content: bytes, name: str) -> pd.DataFrame:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise ValueError(f"{name} is a Parquet file: pip install pyarrow, or save it with to_csv") from error
    try:
        groups = ParquetFile(BytesIO(content)).metadata
        size = sum(groups.row_group(number).total_byte_size for number in range(groups.num_row_groups))
        frame = pd.read_parquet(BytesIO(content), engine="pyarrow") if size <= LIMIT else pd.DataFrame()
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{name} is a Parquet file that can't be read ({error}): save it with to_csv") from error
    _check_size(size, f"{name}, unpacked,")
    return frame


def _objects(text: str, name: str) -> pd.DataFrame:
    """Rows from a JSON list of objects, or from one object a line."""
    try:
        rows = json.loads(text)
        rows = [rows] if isinstance(rows, dict) else rows
    except json.JSONDecodeError:
        rows = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                rows += [json.loads(line)] if line.strip() else []
            except json.JSONDecodeError as error:
                raise ValueError(f"{name} begins as JSON, but line {number} is none ({error}): write one object a line") from error
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f'{name} is JSON, but not a list of objects: write one object an item, such as {{"title": …, "text": …}}')
    return pd.DataFrame(rows)


def _separator(text: str) -> str:
    """The separator that cuts the heading into most fields; a comma for a single column."""
    heading = next(line for line in text.splitlines() if line.strip())
    counts = {mark: len(next(csv.reader([heading], delimiter=mark), [])) for mark in SEPARATORS}
    return max(counts, key=lambda mark: counts[mark])


def _fields(text: str, separator: str, name: str) -> pd.DataFrame:
    quote = "quote fields that hold " + SEPARATORS[separator]
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
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    known = encoding or next((code for mark, code in marks.items() if content.startswith(mark)), None)
    if known is None and b"\x00" in content[:1000]:
        known = "utf-16-le" if content[1:1000:2].count(0) > content[:1000:2].count(0) else "utf-16-be"
    if known is None:
        try:
            return content.decode("utf-8"), "UTF-8"
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


@cache
def _everyday(encoding: str, rows: range, columns: tuple[int, ...]) -> frozenset[str]:
    """The characters of one part of a national table."""
    return frozenset("".join(bytes((row, column)).decode(encoding, "ignore") for row in rows for column in columns))


def _guess(content: bytes, name: str) -> str:
    """GB18030, Big5 or Windows-1252: the one in which nearly all characters outside ASCII are everyday ones."""
    sample = content[: 2**20]
    everyday = {  # the 3,755 commonest simplified and the 5,401 commonest traditional characters, with punctuation; accented letters
        "gb18030": _everyday("gb2312", range(0xA1, 0xD8), tuple(range(0xA1, 0xFF))),
        "big5": _everyday("big5", range(0xA1, 0xC7), (*range(0x40, 0x7F), *range(0xA1, 0xFF))),
        "cp1252": frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüÿœšžÀÁÂÄÅÆÇÈÉÊËÍÎÑÓÔÖØÚÜŒßŠŽ€£°–—‘’“”…«»®©™¡¿½¼×·§\xa0"),
    }
    shares = {}
    for encoding, common in everyday.items():
        text = sample.decode(encoding, "replace").removesuffix("\ufffd")
        foreign = [char for char in text if ord(char) > 127]
        lone = re.search(r"[^\x00-\x7f][^\x00-\x7f]{2}", text) if encoding == "cp1252" else None  # accented letters seldom stand in threes
        shares[encoding] = 0.0 if lone else sum(char in common for char in foreign) / len(foreign)
    best = max(shares, key=lambda encoding: shares[encoding])
    if shares[best] < 0.8:
        raise ValueError(f"{name} is not UTF-8, and its encoding can't be told from its bytes: name it (--encoding), or {_CONVERT}")
    return best


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """All cells as strings: missing values empty, lists joined, whole numbers without a decimal point."""
    return frame.map(_cell).astype(object)


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if hasattr(value, "__iter__"):
        return " ".join(map(_cell, value))
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
