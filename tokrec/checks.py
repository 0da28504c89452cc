"""What is refused, and with which words: the checks that all rooms share (chapters *tokens* and *recommender*)."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def check_text(text: object, name: str = "text") -> str:
    """Return `text` if it is a string. Chapter *tokens*.

    Raises
    ------
    TypeError
        If it is anything else (``None``, ``NaN``, bytes); the message names the argument and the remedy.
    """
    if isinstance(text, str):
        return text
    if isinstance(text, bytes):
        raise TypeError(f"{name} must be a string, not bytes: decode it first, for example {name}.decode('utf-8')")
    remedy = "drop missing values or replace them by ''" if text is None or text != text else "convert it with str()"
    raise TypeError(f"{name} must be a string, got {text!r}: {remedy}")


def check_texts(texts: Sequence[str]) -> list[str]:
    """Return `texts` as a list of strings, or raise ``TypeError`` with the position of the first that is none. Chapter *tokens*."""
    if isinstance(texts, (str, bytes)):
        raise TypeError("texts must be a list of strings, not one string: wrap it in a list")
    return [check_text(text, f"texts[{position}]") for position, text in enumerate(texts)]


def check_k(k: int) -> int:
    """Return `k` if it is a positive whole number, else raise ``ValueError``. Chapter *keywords*."""
    if isinstance(k, bool) or not isinstance(k, Integral) or k < 1:
        raise ValueError(f"k must be a whole number of at least 1, got {k!r}")
    return int(k)


def check_items(items: pd.DataFrame) -> pd.DataFrame:
    """Return `items` if it is a usable table of items, else raise ``ValueError`` naming the fault. Chapter *recommender*."""
    import pandas as pd

    if not isinstance(items, pd.DataFrame):
        raise TypeError(f"items must be a DataFrame indexed by item_id, got {type(items).__name__}")
    if items.empty:
        raise ValueError("items is empty: give at least one item")
    if items.index.has_duplicates:
        twice = items.index[items.index.duplicated()].tolist()[0]
        raise ValueError(f"items has duplicate item ids, for example {twice!r}: keep one row an item")
    return items.rename_axis("item_id")


def check_interactions(interactions: pd.DataFrame | None, items: pd.DataFrame) -> pd.DataFrame:
    """Return the interactions if their columns and items are as they should be, else raise ``ValueError``. Chapter *recommender*."""
    import pandas as pd

    columns = ["user_id", "item_id", "rating", "timestamp"]
    if interactions is None:
        return pd.DataFrame({name: pd.Series(dtype=object if name.endswith("_id") else float) for name in columns})
    missing = [name for name in columns if name not in interactions]
    if missing:
        raise ValueError(f"interactions lacks the column(s) {', '.join(missing)}: it needs {', '.join(columns)}")
    unknown = ~interactions["item_id"].isin(items.index)
    if unknown.any():
        raise ValueError(f"interactions has items that are not in items, for example {interactions['item_id'][unknown].tolist()[0]!r}")
    wrong = ~(pd.to_numeric(interactions["rating"], errors="coerce") > 0)
    if wrong.any():
        example = interactions["rating"][wrong].tolist()[0]
        raise ValueError(f"interactions has ratings that are no positive numbers, for example {example!r}")
    return interactions
