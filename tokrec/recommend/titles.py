"""What titles show without being understood: the year, and their shape (chapter *cold_start*)."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from tokrec.text import item_texts

_YEAR = re.compile(r"\((\d{4})\D?(?:\d{4})?\)\s*$")
_SEQUEL = re.compile(r"\b(?:II|III|IV|V|VI|VII|VIII|[2-9]|Part|Vol)\b")


def title_years(items: pd.DataFrame) -> np.ndarray:
    """The column ``year``, or the year in brackets at the end of each title; NaN where there is none: float ``(n_items,)``.

    Chapter *cold_start*.
    """
    if "year" in items:
        return pd.to_numeric(items["year"], errors="coerce").to_numpy(float)
    found = (_YEAR.search(title) for title in _titles(items))
    return np.array([float(match[1]) if match else np.nan for match in found])


def title_shapes(items: pd.DataFrame) -> np.ndarray:
    """What a title shows without being understood: float ``(n_items, 8)``. Chapter *cold_start*.

    Year, length in letters and in words, brackets, commas, a colon, a number of a sequel, letters outside ASCII.
    """
    bare = [_YEAR.sub("", title).strip() for title in _titles(items)]
    shapes = [
        (
            len(title),
            len(title.split()),
            title.count("("),
            title.count(","),
            ":" in title,
            bool(_SEQUEL.search(title)),
            sum(not letter.isascii() for letter in title),
        )
        for title in bare
    ]
    return np.column_stack([title_years(items), np.array(shapes, float).reshape(len(bare), 7)])


def _titles(items: pd.DataFrame) -> list[str]:
    column = next((name for name in ("title", "title_en", "title_zh") if name in items), None)
    return item_texts(items) if column is None else items[column].fillna("").astype(str).tolist()
