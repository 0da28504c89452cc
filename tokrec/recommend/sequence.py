"""What comes next, from a history in its order (chapter *sequences*)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.sparse import csr_matrix
from tqdm import tqdm

from tokrec.checks import check_k
from tokrec.recommend.base import Recommender, same_time
from tokrec.recommend.content import ContentRecommender

if TYPE_CHECKING:
    from tokrec.recommend.sequence_networks import NextItem, Start

LENGTH = 50  # items of a history that are read, the last ones
BATCH, LEARNING_RATE, DECAY = 32, 3e-3, 1e-2


class SequenceRecommender(Recommender):
    """Reads what a reader liked, in order, and scores every item as the next one. Chapter *sequences*.

    GRU4Rec (Hidasi et al. 2016) with ``network="recurrent"``, SASRec (Kang and McAuley 2018) with ``"attention"``; both trained with the
    softmax over all items that somebody rated, no negatives drawn.

    Parameters
    ----------
    network : {"attention", "recurrent"}
    start : {"ids", "text start", "text"}
        What an item is: a free vector; a free one that begins at its text; its text alone. With the last, items that nobody has rated are
        scored like the others; with the first two they come last.
    size : int
        Length of the vectors; even for attention.
    epochs : int
    random_state : int
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.

    Attributes
    ----------
    model_ : NextItem
        Missing where nobody likes anything: then all scores are 0.
    losses_ : list of float
        Mean loss of each epoch, a number a liked item.
    """

    model_: NextItem | None

    def __init__(
        self,
        network: Literal["attention", "recurrent"] = "attention",
        start: Start = "ids",
        size: int = 64,
        epochs: int = 30,
        random_state: int = 0,
        positive: float | None = None,
    ) -> None:
        self.network = network
        self.start = start
        self.size = size
        self.epochs = epochs
        self.random_state = random_state
        self.positive = positive

    def _fit(self) -> None:
        self._check_settings()
        rated = np.asarray((self.seen_ > 0).sum(axis=0)).ravel() > 0
        self.known_ = np.flatnonzero(rated)
        histories = ordered(self.seen_, self.times_, self.positive_)
        windows = np.array([window for history in histories for window in windows_of(history)], np.int64).reshape(-1, LENGTH)
        self.model_ = None
        self.losses_: list[float] = []
        if not len(windows):
            return
        self.model_ = self._new_model()
        self._train(self.model_, windows)

    def _check_settings(self) -> None:
        check_k(self.epochs)
        if self.network not in ("attention", "recurrent"):
            raise ValueError(f"network must be 'attention' or 'recurrent', not {self.network!r}")
        if self.start not in ("ids", "text start", "text"):
            raise ValueError(f"start must be 'ids', 'text start' or 'text', not {self.start!r}")
        if check_k(self.size) % 2:
            raise ValueError(f"size must be even, got {self.size}: attention has two heads")

    def _new_model(self) -> NextItem:
        import torch

        from tokrec.recommend.sequence_networks import Attentive, ItemTable, NextItem, Recurrent

        torch.manual_seed(self.random_state)
        texts = None
        if self.start != "ids":
            texts = torch.from_numpy(np.asarray(ContentRecommender("encoder")._learn_beside(self).vectors_, np.float32))
        kind = Attentive if self.network == "attention" else Recurrent
        return NextItem(ItemTable(len(self.items_), self.size, self.start, texts), kind(self.size, LENGTH), self.size)

    def _train(self, model: NextItem, windows: np.ndarray) -> None:
        import torch
        from torch.nn.functional import cross_entropy

        rng = np.random.default_rng(self.random_state)
        optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=DECAY)
        steps = -(-len(windows) // BATCH)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.epochs * steps)
        known = torch.from_numpy(self.known_)
        place = np.zeros(len(self.items_) + 1, np.int64)
        place[self.known_ + 1] = np.arange(len(self.known_))
        model.train()
        for _ in tqdm(range(self.epochs), desc="next item", disable=self.epochs * steps < 300):
            total = 0.0
            for rows in np.array_split(rng.permutation(len(windows)), steps):
                history = torch.from_numpy(windows[rows])
                real = history > 0
                items = model.table()
                states = model(history[:, :-1], items)[real]
                loss = cross_entropy(states @ items[known].T, torch.from_numpy(place[windows[rows]])[real])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item() * int(real.sum())
            self.losses_.append(total / int((windows > 0).sum()))
        model.eval()

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        return self._score_events(history, same_time(history))

    def _score_events(self, history: csr_matrix, times: csr_matrix) -> np.ndarray:
        import torch

        if self.model_ is None:
            return np.zeros(history.shape, np.float32)
        last = [liked[-(LENGTH - 1) :] for liked in ordered(history, times, self.positive_)]
        padded = np.array([padded_behind(liked, LENGTH - 1) for liked in last], np.int64).reshape(len(last), LENGTH - 1)
        with torch.no_grad():
            items = self.model_.table()
            states = self.model_(torch.from_numpy(padded), items)
            scores = (states[torch.arange(len(last)), torch.tensor([len(liked) for liked in last], dtype=torch.long)] @ items.T).numpy()
        if self.start != "text" and scores.size:
            unknown = np.ones(scores.shape[1], bool)
            unknown[self.known_] = False
            scores[:, unknown] = scores.min(axis=1, keepdims=True) - 1
        return scores


def ordered(history: csr_matrix, times: csr_matrix, positive: float) -> list[np.ndarray]:
    """The places of each row's liked items plus 1, oldest first; at one moment in the items' order. Chapter *sequences*."""
    found = []
    for start, end in zip(history.indptr[:-1], history.indptr[1:], strict=True):
        places, moments = history.indices[start:end], times.data[start:end]
        order = np.lexsort((places, moments))
        found.append(places[order][history.data[start:end][order] >= positive].astype(np.int64) + 1)
    return found


def padded_behind(ids: np.ndarray, length: int) -> np.ndarray:
    """At most `length` ids, with zeros behind them. Chapter *sequences*."""
    return np.pad(ids[:length], (0, max(0, length - len(ids))))


def windows_of(history: np.ndarray) -> list[np.ndarray]:
    """A history in pieces of at most 50, the last ones whole, padded with zeros behind. Chapter *sequences*."""
    ends = range(len(history), 0, -LENGTH)
    return [padded_behind(history[max(0, end - LENGTH) : end], LENGTH) for end in ends]
