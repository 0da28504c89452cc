"""The book's methods on a reader's own data, by the book's protocol: what ``tokrec evaluate`` prints (chapter *evaluation*)."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pandas as pd
from tqdm import tqdm

from tokrec.evaluate import against_best, coverage, diversity, liked_from, novelty, per_user, rolling_splits, warm_split
from tokrec.features.tfidf import TfidfFeatures
from tokrec.recommend import (
    ContentRecommender,
    EaseRecommender,
    HybridRecommender,
    MarkovRecommender,
    NeighbourRecommender,
    PopularityRecommender,
    RecentPopularityRecommender,
    Recommender,
)
from tokrec.text import item_texts, words

LEAST = 10  # readers: an interval over fewer says nothing
CUTS = 3  # moments at which all readers are cut
SQUARE = 15_000  # liked items: a matrix of all pairs then takes 0.9 GB


@dataclass(frozen=True)
class Judged:
    """What was found, and in words how.

    Attributes
    ----------
    table : DataFrame
        A row a method, the best first; the columns are those of :func:`judge_methods`.
    told : str
    """

    table: pd.DataFrame
    told: str


def methods(positive: float, timed: bool, n_liked: int) -> dict[str, Recommender]:
    """What is compared, by name; those to whom the order of choices matters only where it is known. Chapter *evaluation*.

    Parameters
    ----------
    positive : float
        From which rating on an interaction counts as liked.
    timed : bool
    n_liked : int
        Items that somebody liked; EASE holds a number for each pair and is left out above 15,000.
    """
    found: dict[str, Recommender] = {
        "popularity": PopularityRecommender(positive),
        "TF-IDF": ContentRecommender("tfidf", positive=positive),
        "encoder": ContentRecommender("encoder", positive=positive),
        "hybrid": HybridRecommender(positive=positive),
        "neighbours": NeighbourRecommender(positive=positive),
    }
    if n_liked <= SQUARE:
        found["EASE"] = EaseRecommender(positive=positive)
    if timed:
        found |= {"recent popularity": RecentPopularityRecommender(positive=positive), "Markov chain": MarkovRecommender(positive=positive)}
    return found


def judge_methods(interactions: pd.DataFrame, items: pd.DataFrame, positive: float | None = None, rolling: bool = False) -> Judged:
    """Judge the book's methods on interactions of :func:`tokrec.datasets.read_interactions`. Chapter *evaluation*.

    Each reader's last fifth of liked items is looked for among all that the reader had not rated before; without times a fifth drawn by
    chance. Progress goes to stderr.

    Parameters
    ----------
    interactions, items : DataFrame
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars, and all where there are no ratings.
    rolling : bool
        Judge also with all readers cut at one moment, three times; needs times, and fits each method three times more.

    Returns
    -------
    Judged
        ``method, ndcg, low, high`` (95 % over readers); ``rival`` with ``difference, difference_low, difference_high``, paired;
        ``liked_only`` (NDCG where only liked items are left out of the lists; missing where all ratings are alike); ``rolling`` (NDCG, if
        asked for); ``recall, mrr, coverage, novelty`` (bits), ``diversity`` (by the words of the items' texts), ``seconds``. At 10.

    Raises
    ------
    ValueError
        If fewer than ten readers have something to find, nothing counts as liked, or `rolling` is asked for without times.
    """
    timed, alike = interactions["timestamp"].nunique() > 1, interactions["rating"].nunique() == 1
    if rolling and not timed:
        raise ValueError("rolling cuts (--rolling) need the times of the interactions: add a column timestamp, or leave --rolling out")
    liked_at = liked_from(interactions["rating"], positive)
    train, test = warm_split(interactions, positive=liked_at)
    if test["user_id"].nunique() < LEAST:
        raise ValueError(
            f"too few readers to judge a method by: {test['user_id'].nunique()} have five liked items or more, and {LEAST} are needed; give"
            " more interactions"
            + ("" if alike else f", or a lower rating than {liked_at:g} from which on they count as liked (--positive)")
        )
    cuts = list(rolling_splits(interactions, CUTS, positive=liked_at)) if rolling else []
    texts = item_texts(items, labels=True)
    vectors = TfidfFeatures(drop_stop_words=any(map(words, texts))).fit_transform(texts)
    rows, values = {}, {}
    n_liked = int(train["item_id"][train["rating"] >= liked_at].nunique())
    for name, recommender in tqdm(methods(liked_at, timed, n_liked).items(), desc="methods", disable=None, leave=False):
        started = time.perf_counter()
        judged = per_user(recommender.fit(train, items), test)
        seconds = time.perf_counter() - started
        values[name], ranked = judged["ndcg"], list(judged["ranked"])
        chosen = train["item_id"].value_counts()
        rows[name] = {
            "liked_only": None if alike else per_user(recommender, test, exclude="liked")["ndcg"].mean(),
            "rolling": _over_cuts(recommender, cuts, items),
            **judged[["recall", "mrr"]].mean(),
            "coverage": coverage(ranked, len(items)),
            "novelty": novelty(ranked, chosen, train["user_id"].nunique()).mean(),
            "diversity": pd.Series(diversity(ranked, vectors, items.index)).mean(),
            "seconds": seconds,
        }
    compared = against_best(values).rename(columns={"mean": "ndcg"})
    table = compared.join(pd.DataFrame.from_dict(rows, orient="index")).dropna(axis="columns", how="all")
    table = table.sort_values("ndcg", ascending=False, kind="stable").rename_axis("method").reset_index()
    told = _told(interactions, len(values["popularity"]), liked_at, timed, alike)
    return Judged(table, told + ("" if n_liked <= SQUARE else f"; EASE is left out: {n_liked} liked items are too many for it"))


def _over_cuts(recommender: Recommender, cuts: list[tuple[pd.DataFrame, pd.DataFrame]], items: pd.DataFrame) -> float | None:
    """Mean NDCG over all readers of all cuts."""
    found = [per_user(recommender.fit(train, items), test)["ndcg"] for train, test in cuts]
    return float(pd.concat(found).mean()) if found else None


def _told(interactions: pd.DataFrame, judged: int, liked_at: float, timed: bool, alike: bool) -> str:
    what = "every interaction counts as liked" if alike else f"ratings of {liked_at:g} or more count as liked"
    drawn = (
        "the last fifth by time"
        if timed
        else "a fifth drawn by chance (the file has no times: this flatters, and no method that needs them is shown)"
    )
    return (
        f"{judged} of {interactions['user_id'].nunique()} readers judged; {what}; {drawn} of what each reader liked is looked for among all"
        " items that the reader had not had before; intervals are 95 % over readers, differences are to the best other method"
    )
