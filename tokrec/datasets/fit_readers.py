"""Fit the simulator's constants to MovieLens: ``python -m tokrec.datasets.fit_readers`` (page *readers*).

A candidate is judged by its distance to MovieLens' statistics alone, never by what a recommender makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from tokrec.datasets.movielens import load_movielens
from tokrec.datasets.readers import STARS, Settings, World, draw_tastes, draw_visits, draw_world, rate, run_visits, topic_matrix
from tokrec.datasets.shelf import load_shelf
from tokrec.datasets.statistics import gini, lorenz

LIKED = 4.0  # stars
HEAD = (1, 2, 3)  # ranks
PARTS = (0.01, 0.02, 0.05, 0.1, 0.2)  # of the catalogue
ENOUGH = 20  # ratings of a reader or an item whose mean is looked at
SEEDS = (0, 101, 102)  # 0: the shelf's own readers
TAKEN = {"feedback": (0.5, 2.5), "appeal": (0.5, 4.0), "fashion": (0.0, 3.5)}  # which items are taken, and bounds
RATED = {"base": (2, 4.5), "quality": (0, 1), "fame": (0, 0.99), "generosity": (0, 1), "noise": (0.3, 1.5)}

FIRST = Settings(
    browsing=3, feedback=1.4, appeal=3.8, fashion=2.4, base=2.9, liking=0.5, quality=0.5, fame=0.6, generosity=0.5, noise=0.7
)  # where the search begins


def reader_statistics(interactions: pd.DataFrame, n_items: int) -> dict[str, float]:
    """What of a table of ratings doesn't depend on its size, or little. Page *readers*.

    Parameters
    ----------
    interactions : DataFrame
        ``user_id, item_id, rating`` in half stars.
    n_items : int
        Size of the catalogue.

    Returns
    -------
    dict
        ``rated`` and ``liked``: share of readers who rated (liked) the item of rank 1, 2, 3, and the one at the first 1, 2, … % of the
        catalogue; inequality; share of likes and of each half star; spread of ratings; correlation of an item's fame and its mean rating.
    """
    n_users, by_item = interactions["user_id"].nunique(), interactions.groupby("item_id")["rating"]
    found: dict[str, float] = {}
    for name, rows in (("rated", interactions), ("liked", interactions[interactions["rating"] >= LIKED])):
        known = rows["item_id"].value_counts().to_numpy() / n_users
        curve = np.concatenate([known, np.zeros(n_items - len(known))])
        found |= {f"{name}, rank {rank}": curve[rank - 1] for rank in HEAD}
        found |= {f"{name}, first {part:.0%}": curve[int(part * n_items)] for part in PARTS}
        found |= {f"{name}, Gini": gini(curve), f"{name}, top tenth": lorenz(curve)[2]}
    stars = interactions["rating"].value_counts(normalize=True).reindex(STARS, fill_value=0.0)
    found |= {"mean rating": interactions["rating"].mean(), "share of likes": (interactions["rating"] >= LIKED).mean()}
    found |= {f"share of {star}": share for star, share in stars.items()}
    by_user = interactions.groupby("user_id")["rating"]
    activity, fame = by_user.size(), by_item.size()
    means = by_item.mean()[fame >= ENOUGH]
    found |= {"std within readers": by_user.std().mean(), "std of readers' means": by_user.mean()[activity >= ENOUGH].std()}
    found |= {"std of items' means": means.std(), "fame and mean rating": np.corrcoef(np.log(fame[means.index]), means)[0, 1]}
    found |= {"readers, Gini": gini(activity.to_numpy()), "readers, median/mean": activity.median() / activity.mean()}
    return {name: float(value) for name, value in found.items()}


def distance(found: dict[str, float], real: dict[str, float], names: Sequence[str]) -> float:
    """Root mean square of the differences: of curves in logarithms, fifths; of everything else in units of 0.02. Page *readers*."""
    curves = [name for name in names if "rank" in name or "first" in name]
    apart = [np.log(max(found[name], 1e-4) / max(real[name], 1e-4)) / 0.2 for name in curves]
    apart += [(found[name] - real[name]) / 0.02 for name in names if name not in curves]
    return float(np.sqrt(np.mean(np.square(apart))))


def taken(items: pd.DataFrame, seed: int, settings: Settings, n_users: int = 2000) -> tuple[pd.DataFrame, World]:
    """All visits with the items taken, before anybody rates. Page *readers*."""
    rng = np.random.default_rng(seed)
    _, of_item = topic_matrix(items)
    world = draw_world(rng, items, draw_tastes(rng, n_users, of_item, settings.fashion), of_item)
    return run_visits(rng, draw_visits(rng, n_users), world, settings), world


def table(visits: pd.DataFrame, world: World, settings: Settings) -> pd.DataFrame:
    """The visits with ratings. Page *readers*."""
    ratings = rate(np.random.default_rng(0), visits, world, settings)
    return pd.DataFrame({"user_id": visits["user"], "item_id": visits["item"], "rating": ratings})


def search(far: Callable[[Settings], float], start: Settings, bounds: dict[str, tuple[float, float]], tries: int) -> Settings:
    """Nelder and Mead's search over some constants, rounded to two decimals. Page *readers*."""
    settings = lambda values: replace(start, **{name: round(float(value), 2) for name, value in zip(bounds, values, strict=True)})  # noqa: E731
    first = np.array([getattr(start, name) for name in bounds])
    simplex = np.vstack([first, first + np.diag(0.1 * np.array([high - low for low, high in bounds.values()]))])
    options = {"maxfev": tries, "initial_simplex": np.clip(simplex, *np.array(list(bounds.values())).T)}
    return settings(minimize(lambda values: far(settings(values)), first, method="Nelder-Mead", bounds=bounds.values(), options=options).x)


def fit(items: pd.DataFrame, real: dict[str, float], start: Settings = FIRST, tries: tuple[int, int] = (25, 150)) -> Settings:
    """First what decides which items are taken, then, with the shelf's own visits fixed, how they are rated. Page *readers*."""
    of_taking = [name for name in real if name.startswith("rated")]
    of_rating = [name for name in real if not name.startswith(("rated", "readers"))]

    def far(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> float:
        return float(np.mean([distance(reader_statistics(one, len(items)), real, names) for one in tables]))

    def of_visits(settings: Settings) -> float:
        apart = far([table(*taken(items, seed, settings), settings) for seed in SEEDS], of_taking)
        print(f"{apart:.3f}", {name: getattr(settings, name) for name in TAKEN}, flush=True)
        return apart

    chosen = search(of_visits, start, TAKEN, tries[0])
    own = taken(items, SEEDS[0], chosen)
    return search(lambda settings: far([table(*own, settings)], of_rating), chosen, RATED, tries[1])


def main() -> None:
    """Fit, and print the constants and how far each statistic lies from MovieLens'. Page *readers*."""
    ratings, films = load_movielens()
    items, real = load_shelf().items, reader_statistics(ratings, len(films))
    fitted = fit(items, real)
    each = [reader_statistics(table(*taken(items, seed, fitted), fitted), len(items)) for seed in SEEDS]
    print(fitted)
    print(pd.DataFrame({"MovieLens": real, "simulated": pd.DataFrame(each).mean()}).round(3).to_string())


if __name__ == "__main__":
    main()
