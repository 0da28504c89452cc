"""Networks that read a history in its order: a recurrent one and one with attention (chapter *sequences*).

Importing this module loads torch.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Start = Literal["ids", "text start", "text"]
DROPOUT = 0.3


class ItemTable(nn.Module):
    """A vector for each item, and its bias as the last number. Chapter *sequences*.

    Parameters
    ----------
    n_items : int
    size : int
        Length of the vectors, without the bias.
    start : {"ids", "text start", "text"}
        A free vector for each item; a free one that begins at the first principal components of the text vectors; a linear map of the
        text vectors and nothing else, so that items without any history have their place.
    texts : Tensor, shape (n_items, d), optional
        Text vectors, for all but ``"ids"``.
    """

    texts: Tensor

    def __init__(self, n_items: int, size: int, start: Start, texts: Tensor | None = None) -> None:
        super().__init__()
        self.free: nn.Parameter | None = None
        if start == "text":
            assert texts is not None
            self.register_buffer("texts", texts)
            self.map = nn.Linear(texts.shape[1], size + 1)
        else:
            vectors = 0.1 * torch.randn(n_items, size + 1)
            if start == "text start":
                assert texts is not None
                vectors[:, :-1] = leading(texts, size)
            vectors[:, -1] = 0
            self.free = nn.Parameter(vectors)

    def forward(self) -> Tensor:
        """Vectors ``(n_items, size + 1)`` of all items."""
        return self.map(self.texts) if self.free is None else self.free


def leading(texts: Tensor, size: int) -> Tensor:
    """The first principal components of vectors, ``(n, size)``, with the spread 0.1; zeros beyond their rank. Chapter *sequences*."""
    centred = texts - texts.mean(dim=0)
    _, _, axes = torch.linalg.svd(centred, full_matrices=False)
    found = centred @ axes[:size].T
    return functional.pad(0.1 * found / found.std().clamp(min=1e-6), (0, size - found.shape[1]))


class Recurrent(nn.Module):
    """A gated recurrent unit over a history (Hidasi et al. 2016). Chapter *sequences*."""

    def __init__(self, size: int, length: int) -> None:
        super().__init__()
        self.unit = nn.GRU(size, size, batch_first=True)

    def forward(self, steps: Tensor) -> Tensor:
        """States ``(n, length, size)`` after each step of ``(n, length, size)``."""
        return self.unit(steps)[0]


class Block(nn.Module):
    """Attention to what came before, then a small network, each added to what it was given. Chapter *sequences*."""

    def __init__(self, size: int, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(size), nn.LayerNorm(size)
        self.together, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.inner = nn.Sequential(nn.Linear(size, 2 * size), nn.ReLU(), nn.Linear(2 * size, size))
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, states: Tensor) -> Tensor:
        """New states ``(n, length, size)``; a place sees itself and earlier ones."""
        query, key, value = self.together(self.before(states)).unflatten(2, (3 * self.heads, -1)).transpose(1, 2).chunk(3, dim=1)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        states = states + self.drop(self.out(mixed.transpose(1, 2).flatten(2)))
        return states + self.drop(self.inner(self.between(states)))


class Attentive(nn.Module):
    """Positions and two blocks of attention over a history (Kang and McAuley 2018). Chapter *sequences*."""

    def __init__(self, size: int, length: int) -> None:
        super().__init__()
        self.places = nn.Parameter(0.02 * torch.randn(length, size))
        self.blocks = nn.Sequential(Block(size), Block(size))
        self.after = nn.LayerNorm(size)

    def forward(self, steps: Tensor) -> Tensor:
        """States ``(n, length, size)`` after each step of ``(n, length, size)``."""
        return self.after(self.blocks(steps + self.places[: steps.shape[1]]))


class NextItem(nn.Module):
    """A table of items, a network over the history, and the next item's scores. Chapter *sequences*.

    Histories are ids from 1, in order, with 0 as padding *behind* them: no real place sees it. Each begins with a start of its own, so that
    an empty one has a state too.
    """

    def __init__(self, table: ItemTable, network: Recurrent | Attentive, size: int) -> None:
        super().__init__()
        self.table, self.network = table, network
        self.start = nn.Parameter(0.1 * torch.randn(size))
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, history: Tensor, items: Tensor) -> Tensor:
        """States ``(n, length + 1, size + 1)`` before the first item of ``(n, length)`` ids and after each; the last number is 1."""
        known = functional.pad(items[:, :-1], (0, 0, 1, 0))[history]
        steps = torch.cat([self.start.expand(len(history), 1, -1), known], dim=1)
        states = self.network(self.drop(steps))
        return functional.pad(states, (0, 1), value=1.0)
