"""What all recommenders share: fitting, the ranking, saving (chapter *recommender*)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from tokrec.checks import check_interactions, check_items, check_k, check_list, id_index, sorted_ids
from tokrec.evaluate.splits import liked_from
from tokrec.recommend import storage
from tokrec.similarity import best_first
from tokrec.text import check_query


class Recommender(BaseEstimator, ABC):
    """Base of the estimators. Chapter *recommender*.

    Attributes
    ----------
    items_ : DataFrame
        The items of ``fit``, indexed by ``item_id``.
    users_ : Index
        The readers of ``fit``.
    seen_ : csr_matrix of float32, shape (n_users, n_items)
        Rating of each interaction of ``fit``; 0 where there is none.
    times_ : csr_matrix of float64, shape (n_users, n_items)
        When: the time of each interaction in the places of ``seen_``, as ``fit`` was given it.
    positive_ : float
        From this rating on an interaction counts as liked.
    """

    items_: pd.DataFrame
    users_: pd.Index
    seen_: csr_matrix
    times_: csr_matrix
    positive_: float
    positive: float | None = None

    def fit(self, interactions: pd.DataFrame | None, items: pd.DataFrame) -> Self:
        """Learn from interactions and items.

        Parameters
        ----------
        interactions : DataFrame or None
            Columns ``user_id, item_id, rating, timestamp``; None or empty where there are no readers yet. Ratings on another scale than
            five stars need the parameter `positive`; ratings that are all alike (clicks) need nothing.
        items : DataFrame
            Indexed by ``item_id``, or with a column of that name; with text columns.

        Raises
        ------
        TypeError
            If one of them is no pandas DataFrame.
        ValueError
            For missing columns, ids or times, ratings that are no positive numbers or reach no threshold, duplicate item ids, unknown
            items, no items at all; the message names column, row and remedy.
        """
        items = check_items(items)
        interactions = check_interactions(interactions, items)
        users = sorted_ids(interactions["user_id"].tolist(), "user_id")
        positive = liked_from(interactions["rating"], self.positive)
        seen, times = (interaction_matrix(interactions, users, items.index, column) for column in ("rating", "timestamp"))
        return self._learn(items, users, seen, times, positive)

    def _learn(self, items: pd.DataFrame, users: pd.Index, seen: csr_matrix, times: csr_matrix, positive: float) -> Self:
        self.items_, self.users_, self.seen_, self.times_, self.positive_ = items, users, seen, times, positive
        self._fit()
        return self

    def _learn_beside(self, other: Recommender) -> Self:
        """Learn from what `other` was given: for recommenders that are made of others."""
        return self._learn(other.items_, other.users_, other.seen_, other.times_, other.positive_)

    @abstractmethod
    def _fit(self) -> None:
        """Learn from ``items_``, ``seen_`` and ``times_``."""

    @abstractmethod
    def _score_history(self, history: csr_matrix) -> np.ndarray:
        """Scores ``(n, n_items)`` for rows of ratings ``(n, n_items)``; an empty row is a new reader."""

    def _score_events(self, history: csr_matrix, times: csr_matrix) -> np.ndarray:
        """As :meth:`_score_history`, with the time of each rating in its place; for those recommenders to whom it matters."""
        return self._score_history(history)

    def _score_text(self, texts: Sequence[str]) -> np.ndarray:
        raise ValueError(f"{type(self).__name__} does not read text: use ContentRecommender or HybridRecommender for a query")

    def score(self, users: Sequence[Any]) -> np.ndarray:
        """Scores of all items for known readers: float array ``(n_users, n_items)``, larger is better.

        Raises
        ------
        ValueError
            For a reader who is not in the interactions of ``fit``.
        """
        self._check_fitted()
        rows = self._rows(users)
        return self._score_events(self.seen_[rows], self.times_[rows])

    def score_history(self, history: csr_matrix, times: csr_matrix | None = None) -> np.ndarray:
        """Scores of all items for rows of ratings ``(n, n_items)`` in the order of ``items_``.

        `times` holds the time of each rating in its place; without it all count as given at one moment.
        """
        self._check_fitted()
        history = csr_matrix(history)
        return self._score_events(history, same_time(history) if times is None else csr_matrix(times))

    def score_text(self, texts: Sequence[str]) -> np.ndarray:
        """Scores of all items for texts: float array ``(n_texts, n_items)``, larger is better.

        Raises
        ------
        ValueError
            If this kind of recommender does not read text.
        """
        self._check_fitted()
        return self._score_text(texts)

    def recommend(
        self,
        user: Any = None,
        *,
        text: str | None = None,
        history: Sequence[Any] | None = None,
        k: int = 10,
        exclude_seen: bool = True,
    ) -> pd.DataFrame:
        """The `k` best items for a reader, a text, or a list of liked items.

        Parameters
        ----------
        user : user_id, optional
            A reader of ``fit``.
        text : str, optional
            What somebody asks for, in Chinese or English.
        history : sequence of item_id, optional
            Items that somebody new liked, in the order in which they were chosen.
        k : int
            Length of the list; at most all items come back.
        exclude_seen : bool
            Leave out the reader's own items, or those of `history`.

        Returns
        -------
        DataFrame
            Columns ``user_id`` (missing for a text or a history), ``item_id``, ``rank`` from 1, ``score``.

        Raises
        ------
        ValueError
            Unless exactly one of `user`, `text` and `history` is given; for an unknown reader or item, a blank text, or a bad `k`.
        """
        self._check_fitted()
        check_k(k)
        if sum(given is not None for given in (user, text, history)) != 1:
            raise ValueError("give exactly one of user, text and history")
        seen = np.zeros(len(self.items_), bool)
        if text is not None:
            scores = self._score_text([check_query(text)])[0]
        elif history is not None:
            row, times = self._history_row(history)
            scores, seen = self._score_events(row, times)[0], row.toarray()[0] > 0
        else:
            rows = self._rows([user])
            scores, seen = self._score_events(self.seen_[rows], self.times_[rows])[0], self.seen_[rows].toarray()[0] > 0
        if exclude_seen:
            scores = np.where(seen, -np.inf, scores)
        order = best_first(scores[None, :], k)[0]
        order = order[np.isfinite(scores[order])]
        return pd.DataFrame(
            {
                "user_id": user,
                "item_id": self.items_.index[order],
                "rank": np.arange(1, len(order) + 1),
                "score": scores[order].astype(float),
            }
        )

    def _history_row(self, history: Sequence[Any]) -> tuple[csr_matrix, csr_matrix]:
        history = check_list(history, "history")
        positions = self.items_.index.get_indexer(id_index(history))
        if (positions < 0).any():
            unknown = [item for item, position in zip(history, positions, strict=True) if position < 0]
            raise ValueError(f"unknown item_id {unknown[0]!r}: see items_.index for the {len(self.items_)} known ones")
        row, times = np.zeros((1, len(self.items_)), np.float32), np.zeros((1, len(self.items_)))
        row[0, positions], times[0, positions] = self.positive_, np.arange(1, len(positions) + 1)
        return csr_matrix(row), csr_matrix(times)

    def _rows(self, users: Sequence[Any]) -> np.ndarray:
        users = check_list(users, "users")
        rows = self.users_.get_indexer(id_index(users))
        if (rows < 0).any():
            unknown = [user for user, row in zip(users, rows, strict=True) if row < 0]
            raise ValueError(
                f"unknown user {unknown[0]!r}: this recommender knows {len(self.users_)} readers; for a new one use text= or history="
            )
        return rows

    def _check_fitted(self) -> None:
        if not hasattr(self, "items_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted: call fit(interactions, items) first")

    def save(self, folder: str | Path) -> Path:
        """Store the fitted recommender as plain files (JSON, NumPy), to be read back by :func:`load_recommender`.

        What is stored is what ``fit`` was given, every column and type as it is; loading fits again, so that no strangers' code or pickle
        is ever run. Files are written aside and moved when they are whole.

        Raises
        ------
        ValueError
            If something could not be given back as it is; nothing is written then.
        """
        self._check_fitted()
        if type(self) not in _kinds(Recommender):  # type: ignore[type-abstract]
            raise ValueError(f"{type(self).__name__} is no recommender of tokrec: load_recommender could not make it again")
        rows, columns = self.seen_.nonzero()
        ids = {"user_id": self.users_[rows], "item_id": self.items_.index[columns]}
        seen = ids | {"rating": self.seen_.data, "timestamp": self.times_.data}
        saved = storage.Saved(type(self).__name__, self._stored_parameters(), self.items_, pd.DataFrame(seen))
        return storage.write(Path(folder), saved)

    def _stored_parameters(self) -> dict[str, Any]:
        return self.get_params(deep=False)

    @classmethod
    def _from_stored(cls, parameters: dict[str, Any]) -> Self:
        return cls(**parameters)


def load_recommender(folder: str | Path) -> Recommender:
    """Read back what :meth:`Recommender.save` stored, by this version of the package or an earlier one. Chapter *recommender*.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged, comes from a later version, or names something that is no recommender of this package.
    """
    folder = Path(folder)
    stored = storage.read(folder)
    try:
        return kind_named(stored.kind)._from_stored(stored.parameters).fit(stored.interactions, stored.items)
    except Exception as error:  # parameters by anybody can be anything
        raise storage.damaged(folder, error) from error


def kind_named(name: str) -> type[Recommender]:
    """The recommender of this package that has the name; ``ValueError`` if none has. Chapter *recommender*."""
    kinds = {kind.__name__: kind for kind in _kinds(Recommender)}  # type: ignore[type-abstract]
    if name not in kinds:
        raise ValueError(f"recommender.json names {name!r}, which is none of {', '.join(sorted(kinds))}")
    return kinds[name]


def _kinds(base: type[Recommender]) -> list[type[Recommender]]:
    """The recommenders of this package: what strangers derive from them is not loaded."""
    below = [kind for child in base.__subclasses__() for kind in (child, *_kinds(child))]
    return [kind for kind in below if kind.__module__.startswith("tokrec.recommend.")]


def interaction_matrix(interactions: pd.DataFrame, users: pd.Index, items: pd.Index, column: str = "rating") -> csr_matrix:
    """Sparse ratings, or times, ``(n_users, n_items)``; of several rows with one reader and item the last counts. Chapter *recommender*.

    Both matrices have their numbers in the same places, a time of 0 included.
    """
    last = interactions.drop_duplicates(["user_id", "item_id"], keep="last")
    rows, columns = users.get_indexer(id_index(last["user_id"].tolist())), items.get_indexer(id_index(last["item_id"].tolist()))
    order = np.lexsort((columns, rows))
    ends = np.searchsorted(rows[order], np.arange(len(users) + 1))
    values = last[column].to_numpy(np.float32 if column == "rating" else np.float64)
    return csr_matrix((values[order], columns[order], ends), shape=(len(users), len(items)))


def same_time(history: csr_matrix) -> csr_matrix:
    """Times for ratings of which none is known: all at one moment. Chapter *recommender*."""
    return csr_matrix((np.zeros(len(history.data)), history.indices, history.indptr), shape=history.shape)
