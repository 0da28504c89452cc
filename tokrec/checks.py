"""What is refused, and with which words: the checks that all rooms share (chapters *tokens* and *recommender*)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

COLUMNS = ("user_id", "item_id", "rating", "timestamp")


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
    remedy = "drop missing values or replace them by ''" if is_missing(text) else "convert it with str()"
    raise TypeError(f"{name} must be a string, got {text!r}: {remedy}")


def check_texts(texts: Sequence[str], name: str = "texts") -> list[str]:
    """Return `texts` as a list of strings, or raise ``TypeError`` with the position of the first that is none. Chapter *tokens*."""
    return [check_text(text, f"{name}[{position}]") for position, text in enumerate(check_list(texts, name))]


def check_list(values: Iterable[Any], name: str) -> list[Any]:
    """Return one-dimensional `values` (list, tuple, array, Series, Index, generator) as a list. Chapter *recommender*.

    Raises
    ------
    TypeError
        For what iterates over something else than its values: one string, a mapping, a set, a DataFrame, a table of numbers.
    """
    kind = type(values).__name__
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{name} must be a list of values, not one {kind}: wrap it in a list")
    if isinstance(values, Mapping):
        raise TypeError(f"{name} must be a list of values, not a {kind}: take list({name}) or list({name}.values())")
    if isinstance(values, (set, frozenset)):
        raise TypeError(f"{name} must be in an order, and a {kind} has none: take sorted({name})")
    if hasattr(values, "columns") or getattr(values, "ndim", 1) > 1:
        raise TypeError(f"{name} must be a list of values, not a {kind} with columns: take one column")
    try:
        return list(values)
    except TypeError as error:
        raise TypeError(f"{name} must be a list of values, got {values!r}") from error


def check_k(k: int) -> int:
    """Return `k` if it is a positive whole number, else raise ``ValueError``. Chapter *keywords*."""
    if isinstance(k, bool) or not isinstance(k, Integral) or k < 1:
        raise ValueError(f"k must be a whole number of at least 1, got {k!r}")
    return int(k)


def check_share(share: float, name: str) -> float:
    """Return `share` if it lies between 0 and 1, both excluded, else raise ``ValueError``. Chapter *recommender*."""
    if isinstance(share, bool) or not isinstance(share, Real) or not 0 < share < 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {share!r}")
    return float(share)


def check_number(value: Any, name: str, least: float) -> float:
    """Return `value` if it is a finite number of at least `least`, else raise ``ValueError``. Chapter *recommender*."""
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) < float("inf"):
        raise ValueError(f"{name} must be a number of {least:g} or more, got {value!r}")
    return float(value)


def check_ranked(ranked: Sequence[Any]) -> list[Any]:
    """Return a ranking as a list; each item may stand in it once. Chapter *recommender*."""
    items = check_list(ranked, "ranked")
    if len(set(items)) < len(items):
        twice = next(item for place, item in enumerate(items) if item in items[:place])
        raise ValueError(f"ranked holds {twice!r} more than once: a list recommends an item once")
    return items


def check_relevant(relevant: Iterable[Any]) -> set[Any]:
    """Return a collection of relevant items as a set; a mapping stands for its keys with a value above 0. Chapter *recommender*."""
    if isinstance(relevant, (str, bytes)):
        raise TypeError(f"relevant must be a set of items, not one {type(relevant).__name__}: wrap it in a set")
    if hasattr(relevant, "to_dict") or getattr(relevant, "ndim", 1) > 1:
        kind = type(relevant).__name__
        raise TypeError(f"relevant must be a set of items, not a {kind}: take set(x) or set(x.index), whichever holds the items")
    if isinstance(relevant, Mapping):
        return {item for item, gain in relevant.items() if gain > 0}
    return set(relevant)


def is_missing(value: object) -> bool:
    """Whether a value stands for a missing one: None, NaN, NaT, pandas' NA. Chapter *recommender*."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas' NA compares to nothing; an array compares to an array
        return type(value).__name__ == "NAType"


def check_items(items: pd.DataFrame) -> pd.DataFrame:
    """Return `items` indexed by ``item_id`` if it is a usable table. Chapter *recommender*.

    A column ``item_id`` becomes the index.

    Raises
    ------
    TypeError
        If it is no pandas DataFrame.
    ValueError
        For an empty table, missing or duplicate ids, two columns of one name; the message names the fault and the remedy.
    """
    check_frame(items, "items", "a pandas DataFrame indexed by item_id")
    if "item_id" in items.columns:
        if items.index.name == "item_id":
            raise ValueError("items has item_id twice, as index and as column: drop one")
        items = items.set_index("item_id")
    if items.empty and not len(items):
        raise ValueError("items is empty: give at least one item")
    if items.index.nlevels > 1:
        raise ValueError(f"items has an index of {items.index.nlevels} levels: item_id must be one, set_index('item_id')")
    check_ids(items.index, "items", "item_id")
    if items.index.has_duplicates:
        twice = items.index[items.index.duplicated()].tolist()[0]
        raise ValueError(f"items has duplicate item ids, for example {twice!r}: keep one row an item")
    return items.rename_axis("item_id")


def check_frame(frame: object, name: str, wanted: str) -> None:
    """Raise ``TypeError`` unless `frame` is a pandas DataFrame, ``ValueError`` if two columns have one name. Chapter *recommender*."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        remedy = f"convert it with {name}.to_pandas()" if hasattr(frame, "to_pandas") else "make one with pandas.DataFrame(...)"
        raise TypeError(f"{name} must be {wanted}, got {type(frame).__name__}: {remedy}")
    if frame.columns.has_duplicates:
        raise ValueError(f"{name} has the column {frame.columns[frame.columns.duplicated()][0]!r} twice: rename or drop one")


def check_ids(ids: Iterable[Any], table: str, column: str) -> None:
    """Raise ``ValueError`` if an id is missing, blank or cannot be one, naming table, column and row. Chapter *recommender*."""
    import numpy as np
    import pandas as pd

    values = pd.Series(list(ids), dtype=None if not hasattr(ids, "dtype") else ids.dtype)
    lacking = np.array([is_missing(value) or isinstance(value, str) and not value.strip() for value in values.tolist()], bool)
    if lacking.any():
        row = int(lacking.argmax())
        raise ValueError(f"{table} has no {column} in row {row} (it is {values.tolist()[row]!r}): fill it or drop the row")
    if values.dtype == object:
        for row, value in enumerate(values):
            if not isinstance(value, (str, Real, date)):
                raise ValueError(f"{table} has the {column} {value!r} in row {row}: ids must be strings or numbers")


def check_interactions(interactions: pd.DataFrame | None, items: pd.DataFrame) -> pd.DataFrame:
    """Return interactions with numbers as ratings and seconds as times, if columns and items are as they should be. Chapter *recommender*.

    Raises
    ------
    TypeError
        If it is no pandas DataFrame.
    ValueError
        For missing columns, ids, ratings or times, ratings that are no positive numbers, unknown items; the message names column, row and
        remedy.
    """
    import pandas as pd

    if interactions is None:
        return pd.DataFrame({name: pd.Series(dtype=object if name.endswith("_id") else float) for name in COLUMNS})
    interactions = check_columns(interactions, COLUMNS, "interactions")
    unknown = ~interactions["item_id"].isin(items.index)
    if unknown.any():
        example = interactions["item_id"][unknown].tolist()[0]
        kinds = [type(example).__name__, type(items.index.tolist()[0]).__name__]
        hint = f"; ids are {kinds[0]} here and {kinds[1]} there: make them one type" if kinds[0] != kinds[1] else ""
        raise ValueError(f"interactions has items that are not in items, for example {example!r}{hint}")
    return interactions


def check_columns(table: pd.DataFrame, columns: Sequence[str], name: str) -> pd.DataFrame:
    """Return a table whose `columns` are there and usable: ids present, ratings positive numbers, times seconds. Chapter *recommender*.

    Columns may also be levels of the index.
    """
    check_frame(table, name, f"a pandas DataFrame with the columns {', '.join(columns)}")
    levels = [level for level in table.index.names if level in columns and level not in table.columns]
    table = table.reset_index(level=levels) if levels else table
    missing = [column for column in columns if column not in table]
    if missing:
        raise ValueError(f"{name} lacks the column(s) {', '.join(missing)}: it needs {', '.join(columns)}")
    for column in columns:
        if column.endswith("_id"):
            check_ids(table[column], name, column)
        elif column == "rating":
            table = table.assign(rating=check_ratings(table["rating"], name))
        elif column == "timestamp":
            table = table.assign(timestamp=check_times(table["timestamp"], name))
    return table


def check_ratings(ratings: pd.Series, name: str = "interactions") -> pd.Series:
    """Ratings as float64, or ``ValueError`` for the first that is no positive, finite number. Chapter *recommender*."""
    import numpy as np
    import pandas as pd

    numbers = pd.to_numeric(ratings, errors="coerce").astype("float64")
    wrong = ~(np.isfinite(numbers.to_numpy()) & (numbers.to_numpy() > 0))
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"{name} has ratings that are no positive numbers, for example {ratings.tolist()[row]!r} in row {row}: drop such rows,"
            " or shift the scale above 0"
        )
    return numbers


def check_times(times: pd.Series, name: str = "interactions") -> pd.Series:
    """Times as numbers that sort as time does. Chapter *recommender*.

    Numbers stay; numbers as text become numbers ("9" lies before "10"); dates and dates as text become seconds since 1970, those without a
    zone taken as UTC.

    Raises
    ------
    ValueError
        For a time that is missing or cannot be read; the message names the row.
    """
    import numpy as np
    import pandas as pd

    plain = times.astype(object) if isinstance(times.dtype, pd.CategoricalDtype) else times
    dated = pd.api.types.is_datetime64_any_dtype(plain) or plain.map(lambda value: hasattr(value, "year")).any()
    if not dated:
        numbers = pd.to_numeric(plain, errors="coerce")
        usable = np.isfinite(numbers.astype("float64").to_numpy())
        if usable.all():
            return numbers
    if dated or usable.mean() < 0.5:
        dates = pd.to_datetime(plain, errors="coerce", utc=True, format="ISO8601")
        usable = dates.notna().to_numpy()
        if usable.all():
            return (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    row = int((~usable).argmax())
    remedy = "give seconds since 1970 or dates such as 2024-05-31 20:15:00, all of one kind, and drop rows without one"
    raise ValueError(f"{name} has the timestamp {times.tolist()[row]!r} in row {row}, which can't be read as a time: {remedy}")


def id_index(ids: Iterable[Any], name: str | None = None) -> pd.Index:
    """An index of ids, one level whatever they are, each as it was given. Chapter *recommender*."""
    import pandas as pd

    return pd.Index(ids if isinstance(ids, pd.Index) else list(ids), name=name, tupleize_cols=False)


def sorted_ids(ids: Iterable[Any], name: str) -> pd.Index:
    """Ids in their order; ids of several types by type first. Chapter *recommender*."""
    index = id_index(dict.fromkeys(ids), name)
    try:
        return index.sort_values()
    except TypeError:
        return id_index(sorted(index, key=lambda value: (type(value).__name__, str(value))), name)


def finite(vectors: np.ndarray, name: str) -> np.ndarray:
    """Return vectors that hold finite numbers only, or raise ``ValueError`` naming the first row that does not. Chapter *similarity*."""
    import numpy as np

    wrong = ~np.isfinite(vectors).all(axis=tuple(range(1, vectors.ndim)))
    if wrong.any():
        raise ValueError(f"{name} holds NaN or infinity in row {int(wrong.argmax())}: remove such rows first")
    return vectors
