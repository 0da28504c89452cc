"""A small causal transformer over items' codes and word pieces: it reads a context and says which code comes next (chapter *item_tokens*).

One vocabulary: ``PAD``, ``START``, then ``levels * codes`` codes, then the word pieces. It reads all of them and writes codes only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

PAD, START, FIRST = 0, 1, 2  # FIRST: the first code of level 0


def code_tokens(codes: np.ndarray, size: int) -> np.ndarray:
    """Tokens of codes ``(..., levels)``: each level has a part of the vocabulary of its own. Chapter *item_tokens*."""
    return FIRST + codes + size * np.arange(codes.shape[-1])


def padded(contexts: Sequence[np.ndarray], longest: int) -> Tensor:
    """Token ids ``(n, length)``: ``START``, the last `longest` tokens of each context, and padding behind. Chapter *item_tokens*."""
    cut = [tokens[max(0, len(tokens) - longest) :] for tokens in contexts]
    ids = np.full((len(cut), 1 + max(map(len, cut))), PAD, np.int64)
    ids[:, 0] = START
    for row, tokens in zip(ids, cut, strict=True):
        row[1 : 1 + len(tokens)] = tokens
    return torch.from_numpy(ids)


class Block(nn.Module):
    """Attention to what came before, then a small network at each place. Chapter *item_tokens*."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.three, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(dropout))
        self.drop = nn.Dropout(dropout)

    def split(self, states: Tensor) -> list[Tensor]:
        """Queries, keys and values, each ``(n, length, heads, width / heads)``."""
        n, length, _ = states.shape
        return [part.view(n, length, self.heads, -1) for part in self.three(self.before(states)).chunk(3, dim=-1)]

    def finish(self, states: Tensor, mixed: Tensor) -> Tensor:
        """What attention brought, added, and the small network after it."""
        states = states + self.drop(self.mix(mixed.flatten(2)))
        return states + self.feed(self.between(states))

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """New states ``(n, length, width)``, and the keys and values that later tokens attend to."""
        query, key, value = self.split(states)
        mixed = scaled_dot_product_attention(query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), is_causal=True)
        return self.finish(states, mixed.transpose(1, 2)), key, value

    def extend(self, states: Tensor, context: tuple[Tensor, Tensor], open_: Tensor, path: tuple[Tensor, Tensor] | None) -> tuple:
        """One token more on each of the ``b`` paths ``(n, b, width)`` that share a context and know nothing of each other."""
        query, *new = (part.unsqueeze(3) if place else part for place, part in enumerate(self.split(states)))
        key, value = new if path is None else (torch.cat([old, last], dim=3) for old, last in zip(path, new, strict=True))
        far = torch.einsum("nbhe,nthe->nbht", query, context[0]).masked_fill(~open_[:, None, None], -torch.inf)
        weights = (torch.cat([far, torch.einsum("nbhe,nbhse->nbhs", query, key)], dim=-1) / query.shape[-1] ** 0.5).softmax(-1)
        seen, own = weights.split([far.shape[-1], key.shape[3]], dim=-1)
        mixed = torch.einsum("nbht,nthe->nbhe", seen, context[1]) + torch.einsum("nbhs,nbhse->nbhe", own, value)
        return self.finish(states, mixed), (key, value)


class Decoder(nn.Module):
    """Token ids in, scores of all codes as the next token out. Chapter *item_tokens*.

    Parameters
    ----------
    codes, levels : int
        Codes a level, levels.
    length : int
        Most tokens of a context and an item together, ``START`` included.
    pieces : int
        Word pieces in the vocabulary.
    width, layers, heads : int
    dropout : float
    """

    def __init__(
        self, codes: int, levels: int, length: int, pieces: int = 0, width: int = 64, layers: int = 2, heads: int = 2, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.codes, self.levels, self.length = codes, levels, length
        self.tokens = nn.Embedding(FIRST + levels * codes + pieces, width)
        self.places = nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.last, self.drop = nn.LayerNorm(width), nn.Dropout(dropout)
        for table in (self.tokens, self.places):
            nn.init.normal_(table.weight, std=0.1)

    def scores(self, states: Tensor) -> Tensor:
        """Scores ``(..., levels * codes)`` of the next code: products with the codes' own vectors."""
        return self.last(states) @ self.tokens.weight[FIRST : FIRST + self.levels * self.codes].T

    def read(self, ids: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """States ``(n, length, width)``, and each block's keys and values. Padding stands behind, where nothing looks."""
        states, kept = self.drop(self.tokens(ids) + self.places.weight[: ids.shape[1]]), []
        for block in self.blocks:
            states, key, value = block(states)
            kept.append((key, value))
        return states, kept

    def forward(self, ids: Tensor) -> Tensor:
        """Scores ``(n, length, levels * codes)`` of the code that follows each place."""
        return self.scores(self.read(ids)[0])
