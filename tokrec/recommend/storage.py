"""A saved recommender: one JSON file, no pickle; what went in comes out, or nothing is written (chapter *recommender*).

``recommender.json`` in a folder holds name, parameters, items, readers and, in NumPy's own format, the ratings and their times with a
checksum. It is written aside and moved into its place when it is whole: whoever reads meets the earlier file or the new one, and of several
who write the last one stays.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tokrec import __version__
from tokrec.checks import id_index
from tokrec.text import ITEM_TEXT

FORMAT = 3  # 1, without a number, was tokrec 0.1's: CSV files; 2 had no times
HEAD = "recommender.json"


@dataclass(frozen=True)
class Saved:
    """What a folder holds: the recommender's name and parameters, and what it was fitted on. Chapter *recommender*."""

    kind: str
    parameters: dict[str, Any]
    items: pd.DataFrame
    interactions: pd.DataFrame


def write(folder: Path, saved: Saved) -> Path:
    """Store a recommender; an earlier one in the same folder is replaced when the new one is whole. Chapter *recommender*.

    Raises
    ------
    ValueError
        If a column or an id cannot be given back as it is; nothing is written then.
    OSError
        If the folder cannot be written.
    """
    users = id_index(dict.fromkeys(saved.interactions["user_id"].tolist()), "user_id").astype(saved.interactions["user_id"].dtype)
    places = [
        users.get_indexer(id_index(saved.interactions["user_id"].tolist())),
        saved.items.index.get_indexer(id_index(saved.interactions["item_id"].tolist())),
    ]
    kinds = [("user", "<i8"), ("item", "<i8"), ("rating", "<f4"), ("time", "<f8")]
    ratings = np.rec.fromarrays([*places, saved.interactions["rating"], saved.interactions["timestamp"]], dtype=kinds)
    content = BytesIO()
    np.save(content, ratings.view(np.ndarray), allow_pickle=False)
    described = {
        "format": FORMAT,
        "tokrec": __version__,
        "recommender": saved.kind,
        "parameters": {name: encode_cell(value, f"the parameter {name}") for name, value in saved.parameters.items()},
        "items": encode_table(saved.items),
        "users": encode_column(pd.Series(users.array, dtype=users.dtype), "user_id"),
        "ratings": base64.b64encode(content.getvalue()).decode(),
        "sha256": hashlib.sha256(content.getvalue()).hexdigest(),
    }
    head = json.dumps(described, ensure_ascii=False, allow_nan=False) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(".tmp", f".{HEAD}.", folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(head.encode("utf-8", "surrogatepass"))
        os.replace(unfinished, folder / HEAD)
    finally:
        Path(unfinished).unlink(missing_ok=True)
    return folder


def read(folder: Path) -> Saved:
    """Read what :func:`write` stored, in this format or an earlier one. Chapter *recommender*.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged, a link, or written by a later version of the package.
    """
    described = _json(folder)
    number = described.get("format", 1)
    if not isinstance(number, int) or number > FORMAT:
        raise ValueError(
            f"{folder} was saved by tokrec {described.get('tokrec', 'unknown')}, later than this {__version__}: upgrade tokrec, or fit and"
            " save again"
        )
    try:
        return _read_csv(folder, described) if number == 1 else _read_json(folder, described)
    except FileNotFoundError:
        raise
    except Exception as error:  # a file by anybody can hold anything
        raise damaged(folder, error) from error


def damaged(folder: Path, error: Exception) -> ValueError:
    """The error to raise for a folder that cannot be understood. Chapter *recommender*."""
    return ValueError(f"{folder} is damaged ({type(error).__name__}: {error}): save the recommender again")


def _file(folder: Path, name: str) -> Path:
    """A file of the folder itself: a link could lead anywhere."""
    path = folder / name
    if Path(name).name != name or path.is_symlink():
        raise ValueError(f"{path} is a link or lies elsewhere: a saved recommender holds plain files")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {folder} is not a folder made by save()")
    return path


def _json(folder: Path) -> dict[str, Any]:
    try:
        described = json.loads(_file(folder, HEAD).read_text(encoding="utf-8", errors="surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise damaged(folder, error) from error
    if not isinstance(described, dict):
        raise damaged(folder, TypeError(f"{HEAD} holds a {type(described).__name__}"))
    return described


def _read_json(folder: Path, described: dict[str, Any]) -> Saved:
    content = base64.b64decode(described["ratings"])
    if described["sha256"] != hashlib.sha256(content).hexdigest():
        raise ValueError("the ratings are not those that were saved (SHA-256 differs)")
    ratings = np.load(BytesIO(content), allow_pickle=False)
    items, users = decode_table(described["items"]), decode_column(described["users"])
    if len(ratings) and not (0 <= ratings["user"].min() and ratings["user"].max() < len(users)):
        raise ValueError("a rating belongs to no reader")
    if len(ratings) and not (0 <= ratings["item"].min() and ratings["item"].max() < len(items)):
        raise ValueError("a rating belongs to no item")
    ids = {"user_id": users.to_numpy()[ratings["user"]], "item_id": items.index[ratings["item"]]}
    table = ids | {"rating": ratings["rating"], "timestamp": ratings["time"] if "time" in ratings.dtype.names else 0.0}
    parameters = {name: decode_cell(value) for name, value in described["parameters"].items()}
    return Saved(described["recommender"], parameters, items, pd.DataFrame(table).astype({"user_id": users.dtype}))


def _read_csv(folder: Path, described: dict[str, Any]) -> Saved:
    types = dict.fromkeys((*ITEM_TEXT, "title", "text"), str) | described["types"]
    items = pd.read_csv(_file(folder, "items.csv"), dtype=types, keep_default_na=False).set_index("item_id")
    items = items.assign(**{name: items[name].map(json.loads) for name in described["lists"]})
    interactions = pd.read_csv(_file(folder, "interactions.csv"), dtype=types, keep_default_na=False)
    return Saved(described["recommender"], described["parameters"], items, interactions.assign(timestamp=0.0))


def encode_table(table: pd.DataFrame) -> dict[str, Any]:
    """A table as JSON can hold it; ``ValueError`` if a column or the index could not be given back as it is. Chapter *recommender*."""
    if table.columns.nlevels > 1:
        raise ValueError("items has columns of several levels, which can't be stored: join their names first")
    return {
        "index": encode_column(pd.Series(table.index.array, dtype=table.index.dtype), "the index"),
        "names": [encode_cell(name, "a column's name") for name in (table.columns.name, table.index.name, *table.columns)],
        "columns": [encode_column(table.iloc[:, number], str(name)) for number, name in enumerate(table.columns)],
    }


def decode_table(stored: dict[str, Any]) -> pd.DataFrame:
    """What :func:`encode_table` was given. Chapter *recommender*."""
    columns_name, index_name, *names = (decode_cell(name) for name in stored["names"])
    values = decode_column(stored["index"])
    index = pd.Index(values, name=index_name, tupleize_cols=False, dtype=values.dtype)
    columns = [decode_column(column) for column in stored["columns"]]
    table = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(len(index)))
    table.index = index
    return table.set_axis(pd.Index(names, tupleize_cols=False, dtype=None if names else object, name=columns_name), axis=1)


def encode_column(column: pd.Series, name: str) -> dict[str, Any]:
    """A column's type and cells. Chapter *recommender*."""
    stored: dict[str, Any] = {"type": str(column.dtype)}
    if isinstance(column.dtype, pd.CategoricalDtype):
        stored["categories"] = encode_column(pd.Series(column.cat.categories), name)
        stored |= {"type": "category", "ordered": bool(column.cat.ordered), "cells": column.cat.codes.tolist()}
    else:
        stored["cells"] = [encode_cell(value, name) for value in column.tolist()]
    try:
        pd.testing.assert_series_equal(decode_column(stored), column.reset_index(drop=True), check_names=False, check_exact=True)
    except (AssertionError, TypeError, ValueError, KeyError) as error:
        raise ValueError(
            f"{name} has the type {column.dtype}, which can't be stored and given back as it is: convert it first, for example to str"
        ) from error
    return stored


def decode_column(stored: dict[str, Any]) -> pd.Series:
    """What :func:`encode_column` was given. Chapter *recommender*."""
    if stored["type"] == "category":
        categories = decode_column(stored["categories"])
        kind = pd.CategoricalDtype(pd.Index(categories), ordered=stored["ordered"])
        return pd.Series(pd.Categorical.from_codes(stored["cells"], dtype=kind))
    if not re.fullmatch(
        r"object|str|string|bool(ean)?|[uU]?[iI]nt\d+|[fF]loat\d+|(datetime|timedelta)64\[.{1,60}\]|Sparse\[.{1,60}\]", stored["type"]
    ):
        raise ValueError(f"a column of the unknown type {str(stored['type'])[:60]!r}")
    cells = [decode_cell(cell) for cell in stored["cells"]]
    return pd.Series(cells, dtype=object).astype(stored["type"])


def encode_cell(value: Any, column: str) -> Any:
    """A cell as JSON: strings, whole numbers, true, false and null as they are, all others with their kind. Chapter *recommender*."""
    if value is None or isinstance(value, (str, bool)) or type(value) is int:
        return value
    if isinstance(value, (np.bool_, np.integer)) and not isinstance(value, bool):
        return value.item()
    if value is pd.NaT or value is pd.NA:
        return {"missing": "NaT" if value is pd.NaT else "NA"}
    if isinstance(value, (float, np.floating)):
        return {"float": float(value).hex()}
    if isinstance(value, pd.Timestamp):
        return {"time": value.isoformat(), "zone": str(value.tz) if value.tz else None, "unit": value.unit}
    if isinstance(value, pd.Timedelta):
        return {"seconds": value.isoformat(), "unit": value.unit}
    if type(value) is date:
        return {"date": value.isoformat()}
    if type(value) in (list, tuple):
        return {type(value).__name__: [encode_cell(part, column) for part in value]}
    if type(value) is dict:
        return {"dict": [[encode_cell(key, column), encode_cell(part, column)] for key, part in value.items()]}
    raise ValueError(f"{column} holds {value!r}, a {type(value).__name__}, which can't be stored: convert it first, for example with str()")


def decode_cell(cell: Any) -> Any:
    """What :func:`encode_cell` was given. Chapter *recommender*."""
    if not isinstance(cell, dict):
        return cell
    kind, content = next(iter(cell.items()))
    if kind == "missing":
        return {"NaT": pd.NaT, "NA": pd.NA}[content]
    if kind == "float":
        return float.fromhex(content)
    if kind == "time":
        moment = pd.Timestamp(content).as_unit(cell["unit"])
        return moment.tz_convert(cell["zone"]) if cell["zone"] else moment
    if kind == "seconds":
        return pd.Timedelta(content).as_unit(cell["unit"])
    if kind == "date":
        return date.fromisoformat(content)
    if kind in ("list", "tuple"):
        parts = [decode_cell(part) for part in content]
        return parts if kind == "list" else tuple(parts)
    if kind == "dict":
        return {decode_cell(key): decode_cell(part) for key, part in content}
    raise ValueError(f"a cell of the unknown kind {kind!r}")
