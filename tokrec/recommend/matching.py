"""Two towers over what readers liked and what items say (chapter *matching*)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix
from tqdm import tqdm

from tokrec.checks import check_k
from tokrec.recommend.content import Features
from tokrec.recommend.vectors import TextRecommender
from tokrec.similarity import centre

if TYPE_CHECKING:
    from tokrec.recommend.networks import TwoTower

READERS, DRAWN = 128, 8  # readers a step, and liked items of each that are to be found
LEARNING_RATE, DECAY = 3e-3, 1e-3
PART_SHOWN = 0.5  # the least share of a reader's other likes that the history tower is shown


class TwoTowerRecommender(TextRecommender):
    """A history tower and a text tower, trained with the items of the batch as negatives. Chapter *matching*.

    In each step some liked items of each reader are taken out of the history and are to be found again among all that were taken out.
    Items are described by the bundled encoder's vectors of their texts alone, so that an item without any rating is scored like the others,
    and one that comes later needs no training.

    Parameters
    ----------
    size : int
        Length of the vectors that are compared.
    steps : int
        Steps of training, with 128 readers each (fewer where there are fewer).
    log_q : bool
        Correct for popular items being drawn more often as negatives (Yi et al. 2019).
    mask_liked : bool
        Never take an item that the reader likes for a negative.
    random_state : int
    positive : float, optional
        From which rating on an interaction counts as liked; by default 4 of five stars.

    Attributes
    ----------
    network_ : TwoTower
        Missing where nobody likes two items: then all scores are 0.
    losses_ : list of float
        The loss of each step.
    false_negatives_ : float
        Share of the other readers' items in a batch that the reader likes too, in [0, 1].
    """

    features: Features = "encoder"
    network_: TwoTower | None

    def __init__(
        self,
        size: int = 64,
        steps: int = 300,
        log_q: bool = True,
        mask_liked: bool = True,
        random_state: int = 0,
        positive: float | None = None,
    ) -> None:
        self.size = size
        self.steps = steps
        self.log_q = log_q
        self.mask_liked = mask_liked
        self.random_state = random_state
        self.positive = positive

    def _fit_known(self) -> None:
        import torch

        from tokrec.recommend.networks import TwoTower, softmax_loss

        check_k(self.size)
        check_k(self.steps)
        likes = self._counted(self.seen_)
        likes = likes[np.diff(likes.indptr) >= 2]
        self.network_, self.losses_, self.false_negatives_ = None, [], 0.0
        if not likes.nnz:
            return
        rng = np.random.default_rng(self.random_state)
        torch.manual_seed(self.random_state)
        self.network_ = network = TwoTower(torch.from_numpy(self._texts()[self.known_]), self.size)
        optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, self.steps)
        log_q = np.log(batch_probability(likes))
        shares = []
        for _ in tqdm(range(self.steps), desc="two towers", disable=self.steps < 500):
            history, items, wanted, liked = (torch.from_numpy(part) for part in draw_batch(likes, rng))
            scores = network.readers(history) @ network.items(network.texts[items]).T
            also = (liked > 0) & (wanted == 0)
            corrections = torch.from_numpy(log_q[items.numpy()]).float() if self.log_q else None
            loss = softmax_loss(scores, wanted, corrections, also if self.mask_liked else None)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            self.losses_.append(loss.item())
            shares.append(float(also.sum() / (wanted == 0).sum().clamp(min=1)))
        self.false_negatives_ = float(np.mean(shares))

    def _texts(self) -> np.ndarray:
        """The items' vectors, less the mean of the known ones."""
        vectors = np.asarray(self.vectors_, np.float32)
        return centre(vectors, vectors[self.known_].mean(axis=0))

    def _score_history(self, history: csr_matrix) -> np.ndarray:
        import torch

        if self.network_ is None:
            return np.zeros(history.shape, np.float32)
        with torch.no_grad():
            readers = self.network_.readers(torch.from_numpy(self._counted(history).toarray()))
            return (readers @ self.network_.items(torch.from_numpy(self._texts())).T).numpy()


def batch_probability(likes: csr_matrix) -> np.ndarray:
    """How probably each item is among those of a batch. Chapter *matching*.

    Parameters
    ----------
    likes : csr_matrix, shape (n, n_items)
        1 where a reader likes an item, at least two a row.

    Returns
    -------
    ndarray of float, shape (n_items,)
        In (0, 1]; a millionth at least, so that its logarithm exists.
    """
    count = np.diff(likes.indptr)
    expected = (np.minimum(DRAWN, count // 2) / count) @ likes * min(1, READERS / likes.shape[0])
    return np.maximum(-np.expm1(-np.asarray(expected).ravel()), 1e-6)


def draw_batch(likes: csr_matrix, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A step's readers, each with some likes to be found and a part of the others as history. Chapter *matching*.

    Parameters
    ----------
    likes : csr_matrix, shape (n, n_items)
        1 where a reader likes an item, at least two a row.
    rng : Generator

    Returns
    -------
    history : ndarray of float32, shape (readers, n_items)
        What the history tower is shown: never what is to be found.
    items : ndarray of int64, shape (m,)
        All that is to be found by one of them, each item once.
    wanted, liked : ndarray of float32, shape (readers, m)
        Which of `items` was taken out of a reader's likes; which of them the reader likes.
    """
    readers = rng.choice(likes.shape[0], min(READERS, likes.shape[0]), replace=False)
    history, targets = np.zeros((len(readers), likes.shape[1]), np.float32), []
    for row, reader in enumerate(readers):
        own = rng.permutation(likes.indices[likes.indptr[reader] : likes.indptr[reader + 1]])
        taken = min(DRAWN, len(own) // 2)
        shown = own[taken:]
        history[row, shown[: max(1, round(len(shown) * rng.uniform(PART_SHOWN, 1)))]] = 1
        targets.append(own[:taken])
    items = np.unique(np.concatenate(targets)).astype(np.int64)
    wanted = np.array([np.isin(items, own) for own in targets], np.float32)
    return history, items, wanted, likes[readers][:, items].toarray().astype(np.float32)
