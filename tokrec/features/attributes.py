"""Structured attributes: price, year, kind, maker; and value for money as a number (chapter *sequences*)."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

PRICES = (re.compile(r"(\d[\d,]*) ?元"), re.compile(r"(\d[\d,]*) yuan"))
FEWEST = 3  # items that a kind or a maker needs for a column of its own
PRIOR, WEIGHT = 3.5, 3.0  # an item without reviews counts as if it had so many stars, as often


def price_of(*texts: str) -> float:
    """The first price in yuan that a text states in digits; NaN if none does. Chapter *sequences* (article 004, section 4.3)."""
    found = (match for text in texts for pattern in PRICES for match in pattern.finditer(text))
    first = next(found, None)
    return float(first[1].replace(",", "")) if first else np.nan


def attribute_table(items: pd.DataFrame, domain: str = "devices") -> pd.DataFrame:
    """Price, year, kind and maker of each item as numbers. Chapter *sequences* (article 004, section 4.3).

    Parameters
    ----------
    items : DataFrame
        The shelf's.
    domain : str
        Where a stated price is the item's own; elsewhere, in a news report, it may be anything's.

    Returns
    -------
    DataFrame of float32
        Indexed as `items`: ``price`` (logarithm, standardised; 0 where none is stated), ``priced`` (0 or 1), ``year`` (standardised, 0 if
        missing), and a column of 0 and 1 for each kind and each maker with at least three items.
    """
    own = (items["domain"] == domain).to_numpy()
    stated = np.array([price_of(zh, en) for zh, en in zip(items["text_zh"], items["text_en"], strict=True)])
    price = np.log(np.where(own, stated, np.nan))
    numbers = {"price": _standard(price), "priced": ~np.isnan(price), "year": _standard(pd.to_numeric(items["year"]).to_numpy(float))}
    table = pd.DataFrame(numbers, index=items.index)
    for column in ("kind", "creator"):
        often = items[column].map(items[column].value_counts()) >= FEWEST
        table = table.join(pd.get_dummies(items[column].where(often), prefix=column))
    return table.astype("float32")


def value_for_money(items: pd.DataFrame, reviews: pd.DataFrame) -> pd.Series:
    """性价比: how good the reviews are for how low the price is among items of the kind. Chapter *sequences* (article 004, section 4.3).

    Stars are shrunk towards 3.5 as if each item had three such reviews more; both stars and the logarithm of the price are standardised
    within the kind, and the price is subtracted.

    Parameters
    ----------
    items : DataFrame
        With ``kind`` and the texts.
    reviews : DataFrame
        ``item_id, stars``.

    Returns
    -------
    Series of float
        Indexed as `items`; NaN where no price is stated.
    """
    price = pd.Series([np.log(price_of(zh, en)) for zh, en in zip(items["text_zh"], items["text_en"], strict=True)], index=items.index)
    stars = reviews.groupby("item_id")["stars"].agg(["sum", "size"]).reindex(items.index).fillna(0)
    good = (stars["sum"] + PRIOR * WEIGHT) / (stars["size"] + WEIGHT)
    within = pd.DataFrame({"good": good, "price": price})[price.notna()].groupby(items["kind"])
    standard = within.transform(lambda column: (column - column.mean()) / (column.std(ddof=0) or 1.0))
    return (standard["good"] - standard["price"]).reindex(items.index)


def _standard(values: np.ndarray) -> np.ndarray:
    known = ~np.isnan(values)
    spread = values[known].std() if known.any() else 0.0
    return np.where(known, values - values[known].mean(), 0.0) / (spread or 1.0)
