"""The simulator of readers: who would use the shelf, what they take and say (page *readers*)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

START, DAYS = 1_730_419_200, 730  # 1 November 2024, two years: all news of the shelf fall into them
DAY = 86_400
STARS = np.arange(0.5, 5.01, 0.5)


@dataclass(frozen=True)
class Settings:
    """Constants that ``tokrec.datasets.fit_readers`` fits to MovieLens, and two set by hand. Page *readers* tells where each enters."""

    browsing: float = 3.0  # by hand: earlier visits after which a reader browses every second time
    feedback: float = 1.53  # exponent of popularity
    appeal: float = 3.93  # standard deviation of the items' appeal
    fashion: float = 2.63  # standard deviation of the topics' fashion
    base: float = 2.79  # a rating without match, quality and generosity
    liking: float = 0.5  # by hand: what a perfect match adds
    quality: float = 0.54  # standard deviation of the items' quality
    fame: float = 0.91  # correlation of appeal and quality
    generosity: float = 0.49  # standard deviation over readers
    noise: float = 0.74  # scale of the Gumbel distribution of one opinion


FITTED = Settings()


@dataclass(frozen=True)
class Simulation:
    """What the simulator returns: what a shop would know, and what nobody but the simulator knows.

    Attributes
    ----------
    interactions : DataFrame
        ``user_id, item_id, rating, timestamp``, by time.
    tastes : DataFrame
        The truth behind them: ``user_id, topic, weight_start, weight_end``. For the chapter on evaluation only.
    """

    interactions: pd.DataFrame
    tastes: pd.DataFrame


@dataclass(frozen=True)
class World:
    """What is drawn once, before anybody comes; matrices are ``(n_users, n_items)``, natures standard normal. Page *readers*."""

    match_start: np.ndarray
    match_end: np.ndarray
    leaning: np.ndarray  # to the item's domain
    fame: np.ndarray
    craft: np.ndarray
    kindness: np.ndarray
    hidden: np.ndarray
    published: np.ndarray  # day, NaN for what is always there


def simulate_readers(items: pd.DataFrame, n_users: int = 2000, random_state: int = 0, settings: Settings = FITTED) -> Simulation:
    """Simulate two years of readers on a shelf of items. Page *readers*.

    Each reader has one to four interests (topics), a favourite domain or two, a generosity and an activity (log-normal, so that most
    do little and few do much; at least one interaction). One interest fades over the two years and another grows. At each visit the reader
    takes something that is popular so far (the rich get richer), or, the likelier the more visits went before, something to their taste.
    The rating adds up taste, the item's quality, generosity and noise. An item with a ``date`` can be taken from that day on, and mostly is
    within days.

    Parameters
    ----------
    items : DataFrame
        Indexed by ``item_id``, with ``domain`` and ``tags``; ``date`` (YYYY-MM-DD or empty) may be missing.
    n_users : int
    random_state : int
    settings : Settings

    Returns
    -------
    Simulation
        The same arguments give the same tables, to the byte.
    """
    if n_users < 1:
        raise ValueError(f"n_users must be at least 1, got {n_users}")
    rng = np.random.default_rng(random_state)
    topics, of_item = topic_matrix(items)
    tastes = draw_tastes(rng, n_users, of_item, settings.fashion)
    world = draw_world(rng, items, tastes, of_item)
    table = run_visits(rng, draw_visits(rng, n_users), world, settings)
    interactions = pd.DataFrame(
        {
            "user_id": [f"u{user:04d}" for user in table["user"]],
            "item_id": items.index[table["item"]],
            "rating": rate(rng, table, world, settings),
            "timestamp": table["timestamp"].astype("int64"),
        }
    )
    return Simulation(interactions, taste_table(*tastes, topics))


def topic_matrix(items: pd.DataFrame, min_items: int = 5) -> tuple[list[str], np.ndarray]:
    """Topics that at least `min_items` items share, and ``(n_items, n_topics)`` weights: each item's topics sum to 1. Page *readers*."""
    counts = items["tags"].explode().value_counts()
    topics = sorted(counts.index[counts >= min_items])
    marks = np.array([[topic in tags for topic in topics] for tags in items["tags"]], dtype=float)
    return topics, marks / np.maximum(marks.sum(axis=1, keepdims=True), 1)


def matches(tastes: np.ndarray, of_item: np.ndarray) -> np.ndarray:
    """How well each item fits each taste, ``(n_users, n_items)``: a rare topic binds more strongly than a common one. Page *readers*."""
    return (tastes / np.sqrt(np.maximum(of_item.sum(axis=0), 1))) @ of_item.T


def draw_tastes(rng: np.random.Generator, n_users: int, of_item: np.ndarray, fashion: float) -> tuple[np.ndarray, np.ndarray]:
    """Tastes at the start and at the end, ``(n_users, n_topics)``; rows sum to 1. Page *readers*."""
    share = of_item.sum(axis=0) * np.exp(fashion * normal_scores(rng, of_item.shape[1]))
    share /= share.sum()
    start, end = np.zeros((n_users, len(share))), np.zeros((n_users, len(share)))
    for user in range(n_users):
        interests = rng.choice(len(share), size=rng.integers(1, 5), replace=False, p=share)
        weights = rng.dirichlet(np.full(len(interests), 2.0))
        start[user, interests] = weights
        end[user, interests] = weights
        fading, growing = rng.choice(interests), rng.choice(len(share), p=share)
        end[user, fading] *= 0.2
        end[user, growing] += weights.max()
    return start, end / end.sum(axis=1, keepdims=True)


def normal_scores(rng: np.random.Generator, size: int) -> np.ndarray:
    """Quantiles of the standard normal distribution in random order, the few at the ends drawn in to be nearly equal. Page *readers*."""
    return rng.permutation(ndtri((np.arange(size) + 6) / (size + 11)))


def draw_world(rng: np.random.Generator, items: pd.DataFrame, tastes: tuple[np.ndarray, np.ndarray], of_item: np.ndarray) -> World:
    """The natures of items and readers. Page *readers*."""
    n_users, n_items = len(tastes[0]), len(items)
    domains = pd.get_dummies(items["domain"]).to_numpy(float)
    leaning = rng.dirichlet(np.full(domains.shape[1], 0.5), size=n_users) @ domains.T
    fame, craft = normal_scores(rng, n_items), normal_scores(rng, n_items)
    kindness, hidden = rng.normal(size=n_users), rng.random(n_items) < 0.015
    return World(matches(tastes[0], of_item), matches(tastes[1], of_item), leaning, fame, craft, kindness, hidden, published(items))


def published(items: pd.DataFrame) -> np.ndarray:
    """Day on which each item appeared, counted from the first day; NaN for those without a date. Page *readers*."""
    if "date" not in items:
        return np.full(len(items), np.nan)
    dates = pd.to_datetime(items["date"].replace("", None), format="%Y-%m-%d")
    return ((dates - pd.Timestamp(START, unit="s")) / pd.Timedelta(days=1)).to_numpy(float)


def draw_visits(rng: np.random.Generator, n_users: int) -> pd.DataFrame:
    """``user, day, timestamp`` of every visit, by time. Page *readers*."""
    activity = np.clip(np.round(rng.lognormal(1.72, 1.3, n_users)), 1, 250).astype(int)
    first, stay = rng.uniform(0, DAYS * 0.9, n_users), rng.exponential(360, n_users)
    user = np.repeat(np.arange(n_users), activity)
    day = np.floor(rng.uniform(first[user], np.minimum(first + stay, DAYS)[user])).astype(int)
    second = (rng.normal(20, 3, len(user)) % 24 * 3600).astype(int)
    visits = pd.DataFrame({"user": user, "day": day, "timestamp": START + day * DAY + second})
    return visits.sort_values(["timestamp", "user"], ignore_index=True)


def run_visits(rng: np.random.Generator, visits: pd.DataFrame, world: World, settings: Settings) -> pd.DataFrame:
    """Play all visits day by day: adds ``item`` and its ``match``. Page *readers*."""
    free = np.tile((~world.hidden).astype(float), (len(world.leaning), 1))
    appeal = settings.appeal * world.fame
    popularity, users = np.exp(appeal), visits["user"].to_numpy()
    browse = settings.browsing / (settings.browsing + visits.groupby("user").cumcount().to_numpy())
    items, fits = np.full(len(visits), -1), np.zeros(len(visits))
    for day, rows in rounds(visits):
        possible = free[users[rows]] * freshness(world.published, day)
        rows, possible = rows[possible.any(axis=1)], possible[possible.any(axis=1)]  # who has had everything leaves with nothing
        user = users[rows]
        match = (1 - day / DAYS) * world.match_start[user] + day / DAYS * world.match_end[user]
        match /= match.max(axis=1, keepdims=True)  # 1 for the item on the shelf that fits best
        browsing = rng.random((len(user), 1)) < browse[rows, None]
        wanted = np.where(browsing, popularity**settings.feedback, np.exp(40 * match + 1.8 * world.leaning[user] + appeal))
        upto = np.cumsum(wanted * possible, axis=1)
        item = (upto <= rng.random((len(user), 1)) * upto[:, -1:]).sum(axis=1)  # one draw per row
        free[user, item] = 0
        popularity += np.bincount(item, minlength=len(popularity))
        items[rows], fits[rows] = item, match[np.arange(len(item)), item]
    return visits.assign(item=items, match=fits)[items >= 0]


def rounds(visits: pd.DataFrame) -> Iterator[tuple[int, np.ndarray]]:
    """Day and rows of visits that are played at once: of each reader the first of the day, then the second, and so on. Page *readers*."""
    days, turns = visits["day"].to_numpy(), visits.groupby(["day", "user"]).cumcount().to_numpy()
    order = np.lexsort((turns, days))
    starts = np.flatnonzero(np.diff(days[order], prepend=-1) | np.diff(turns[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        yield int(days[rows[0]]), rows


def freshness(published: np.ndarray, day: int) -> np.ndarray:
    """Factor of each item's chance: 1 without a date, 0 before it, large on it and halved every two days or so. Page *readers*."""
    age = day - published
    return np.where(np.isnan(age), 1.0, np.where(age >= 0, 200 * np.exp(-np.maximum(age, 0) / 3), 0.0))


def rate(rng: np.random.Generator, table: pd.DataFrame, world: World, settings: Settings) -> np.ndarray:
    """Stars of all visits. Page *readers*."""
    quality = settings.quality * (settings.fame * world.fame + np.sqrt(1 - settings.fame**2) * world.craft)
    opinion = settings.base + settings.liking * table["match"].to_numpy() + quality[table["item"]]
    opinion += settings.generosity * world.kindness[table["user"]] + settings.noise * (np.euler_gamma - rng.gumbel(size=len(table)))
    return to_stars(opinion, rng.random(len(table)))


def to_stars(opinions: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Half-star ratings of opinions; most people prefer whole stars. Page *readers*."""
    steps = np.where(chances < 0.4, 1.0, 0.5)
    return np.clip(np.round(opinions / steps) * steps, 0.5, 5.0)


def taste_table(start: np.ndarray, end: np.ndarray, topics: list[str]) -> pd.DataFrame:
    """Non-zero tastes in long form. Page *readers*."""
    users, columns = np.nonzero(start + end)
    return pd.DataFrame(
        {
            "user_id": [f"u{user:04d}" for user in users],
            "topic": [topics[column] for column in columns],
            "weight_start": start[users, columns].round(4),
            "weight_end": end[users, columns].round(4),
        }
    )


def load_tastes() -> pd.DataFrame:
    """The true tastes behind the shelf's interactions. Only for judging methods, never for training them. Page *readers*."""
    from tokrec.datasets.shelf import shelf_folder

    return pd.read_csv(shelf_folder() / "tastes.csv", dtype={"user_id": str})


def write_readers() -> None:
    """Simulate the shelf's readers and store interactions and tastes. Page *readers*."""
    from tokrec.datasets.shelf import load_shelf, shelf_folder

    simulation = simulate_readers(load_shelf().items)
    simulation.interactions.to_csv(shelf_folder() / "interactions.csv", index=False, lineterminator="\n")
    simulation.tastes.to_csv(shelf_folder() / "tastes.csv", index=False, lineterminator="\n")
