"""The simulator of readers: who would use the shelf, what they see, choose and say (page *readers*)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

START, DAYS = 1_640_995_200, 730  # 1 January 2022, two years
PAGE = 20  # items on a page that a reader sees
STARS = np.arange(0.5, 5.01, 0.5)


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


def simulate_readers(items: pd.DataFrame, n_users: int = 2000, random_state: int = 0) -> Simulation:
    """Simulate two years of readers on a shelf of items. Page *readers*.

    Each reader has one to four interests (topics), a favourite domain or two, a generosity and an activity (log-normal, so that most
    do little and few do much; at least one interaction). One interest fades over the two years and another grows. At each visit a page of
    20 items is shown: some popular so far (the rich get richer), some near the reader's taste (a search), some at random. The reader picks
    one by taste, by the item's appeal, and by its place on the page. The rating adds up taste, the item's quality, generosity and noise.

    Parameters
    ----------
    items : DataFrame
        Indexed by ``item_id``, with ``domain`` and ``tags``.
    n_users : int
    random_state : int

    Returns
    -------
    Simulation
        The same arguments give the same tables, to the byte.
    """
    if n_users < 1:
        raise ValueError(f"n_users must be at least 1, got {n_users}")
    rng = np.random.default_rng(random_state)
    topics, of_item = topic_matrix(items)
    domains = pd.get_dummies(items["domain"]).to_numpy(float)
    start, end = draw_tastes(rng, n_users, of_item)
    favourite = rng.dirichlet(np.full(domains.shape[1], 0.5), size=n_users) @ domains.T
    nature = {
        "appeal": rng.normal(0, 1.65, len(items)),
        "quality": rng.normal(0, 0.45, len(items)),
        "hidden": rng.random(len(items)) < 0.015,
        "generosity": rng.normal(0, 0.45, n_users),
    }
    visits = draw_visits(rng, n_users)
    rows = run_visits(rng, visits, (start, end), of_item, favourite, nature)
    table = pd.DataFrame(rows, columns=["user", "item", "rating", "timestamp"])
    interactions = pd.DataFrame(
        {
            "user_id": [f"u{user:04d}" for user in table["user"]],
            "item_id": items.index[table["item"]],
            "rating": table["rating"],
            "timestamp": table["timestamp"].astype("int64"),
        }
    )
    return Simulation(interactions, taste_table(start, end, topics))


def topic_matrix(items: pd.DataFrame, min_items: int = 5) -> tuple[list[str], np.ndarray]:
    """Topics that at least `min_items` items share, and ``(n_items, n_topics)`` weights: each item's topics sum to 1. Page *readers*."""
    counts = items["tags"].explode().value_counts()
    topics = sorted(counts.index[counts >= min_items])
    marks = np.array([[topic in tags for topic in topics] for tags in items["tags"]], dtype=float)
    return topics, marks / np.maximum(marks.sum(axis=1, keepdims=True), 1)


def draw_tastes(rng: np.random.Generator, n_users: int, of_item: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tastes at the start and at the end, ``(n_users, n_topics)``; rows sum to 1. Page *readers*."""
    share = of_item.sum(axis=0) / of_item.sum()
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


def draw_visits(rng: np.random.Generator, n_users: int) -> list[tuple[int, int]]:
    """``(timestamp, user)`` of every visit, by time. Readers come in bursts after a first day of their own. Page *readers*."""
    activity = np.clip(np.round(rng.lognormal(1.85, 1.25, n_users)), 1, 250).astype(int)
    visits = []
    for user, count in enumerate(activity):
        first, stay = rng.uniform(0, DAYS * 0.9), rng.exponential(120)
        days = first + np.minimum(rng.random(count) * stay, DAYS - first)
        hours = rng.normal(20, 3, count) % 24
        visits += [(START + int(day) * 86_400 + int(hour * 3600), user) for day, hour in zip(days, hours, strict=True)]
    return sorted(visits)


def run_visits(
    rng: np.random.Generator,
    visits: list[tuple[int, int]],
    tastes: tuple[np.ndarray, np.ndarray],
    of_item: np.ndarray,
    favourite: np.ndarray,
    nature: dict[str, np.ndarray],
) -> list[tuple[int, int, float, int]]:
    """Play all visits in the order of time: page, choice, rating. Page *readers*."""
    scale = 1 / np.sqrt(np.maximum(of_item.sum(axis=0), 1))  # a rare topic binds more strongly than a common one
    counts, seen, rows = np.zeros(len(of_item)), np.zeros((len(favourite), len(of_item)), bool), []
    place = 1 / np.log2(np.arange(PAGE) + 2)
    for timestamp, user in visits:
        past = (timestamp - START) / (DAYS * 86_400)
        taste = (1 - past) * tastes[0][user] + past * tastes[1][user]
        match = of_item @ (taste * scale)
        match /= match.max()  # 1 for the item on the shelf that fits best
        wish = 10.0 * match + 1.5 * favourite[user]
        free = ~(seen[user] | nature["hidden"])
        if free.sum() < PAGE:
            continue
        page = draw_page(rng, free, counts + np.exp(nature["appeal"]), np.exp(wish))
        attraction = np.exp(wish[page] + 1.9 * nature["appeal"][page]) * place
        item = int(rng.choice(page, p=attraction / attraction.sum()))
        seen[user, item] = True
        counts[item] += 1
        opinion = 3.1 + 1.1 * match[item] + nature["quality"][item] + nature["generosity"][user] + rng.normal(0, 0.85)
        rows.append((user, item, to_stars(opinion, rng.random()), timestamp))
    return rows


def draw_page(rng: np.random.Generator, free: np.ndarray, popularity: np.ndarray, search: np.ndarray) -> np.ndarray:
    """Positions of the 20 items shown: half popular, four tenths found by taste, the rest at random. Page *readers*."""
    weights = 0.5 * popularity**1.45 / (popularity**1.45 @ free) + 0.4 * search / (search @ free) + 0.1 / free.sum()
    keys = rng.exponential(size=len(free)) / np.where(free, weights, 1e-300)  # the smallest keys: draws without replacement
    return np.argsort(keys, kind="stable")[:PAGE]


def to_stars(opinion: float, chance: float) -> float:
    """Half-star rating of an opinion; most people prefer whole stars. Page *readers*."""
    step = 1.0 if chance < 0.5 else 0.5
    return float(np.clip(np.round(opinion / step) * step, 0.5, 5.0))


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
