"""A saved recommender: plain files, no pickle, readable by later versions (chapter *recommender*)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tokrec import __version__
from tokrec.text import ITEM_TEXT

FORMAT = 2  # 1, without a number, was tokrec 0.1's


@dataclass(frozen=True)
class Saved:
    """What a folder holds: the recommender's name and parameters, and what it was fitted on. Chapter *recommender*."""

    kind: str
    parameters: dict[str, Any]
    items: pd.DataFrame
    interactions: pd.DataFrame


def write(folder: Path, kind: str, parameters: dict[str, Any], items: pd.DataFrame, interactions: pd.DataFrame) -> Path:
    """Store a recommender's name, parameters and tables. Chapter *recommender*."""
    folder.mkdir(parents=True, exist_ok=True)
    lists = [str(name) for name in items if items[name].map(lambda value: isinstance(value, (list, tuple))).all()]
    encoded = {name: items[name].map(lambda value: json.dumps(list(value), ensure_ascii=False)) for name in lists}
    items.assign(**encoded).to_csv(folder / "items.csv")
    interactions.to_csv(folder / "interactions.csv", index=False)
    types = {"item_id": str(items.index.dtype), "user_id": str(interactions["user_id"].dtype)}
    described = {"format": FORMAT, "tokrec": __version__, "recommender": kind, "parameters": parameters, "types": types, "lists": lists}
    (folder / "recommender.json").write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return folder


def read(folder: Path) -> Saved:
    """Read what :func:`write` stored, in this format or an earlier one. Chapter *recommender*.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged, or written by a later version of the package.
    """
    for name in ("recommender.json", "items.csv", "interactions.csv"):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder / name} is missing: {folder} is not a folder made by save()")
    try:
        described = json.loads((folder / "recommender.json").read_text(encoding="utf-8"))
        if described.get("format", 1) > FORMAT:
            newer = described.get("tokrec", "unknown")
        else:
            types = dict.fromkeys((*ITEM_TEXT, "title", "text"), str) | described["types"]
            items = pd.read_csv(folder / "items.csv", dtype=types, keep_default_na=False).set_index("item_id")
            items = items.assign(**{name: items[name].map(json.loads) for name in described["lists"]})
            interactions = pd.read_csv(folder / "interactions.csv", dtype=types, keep_default_na=False)
            return Saved(described["recommender"], described["parameters"], items, interactions)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged(folder, error) from error
    raise ValueError(f"{folder} was saved by tokrec {newer}, later than this {__version__}: upgrade tokrec, or fit and save again")


def damaged(folder: Path, error: Exception) -> ValueError:
    """The error to raise for a folder that cannot be understood. Chapter *recommender*."""
    return ValueError(f"{folder} is damaged ({type(error).__name__}: {error}): save the recommender again")
