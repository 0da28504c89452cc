"""Writing items: all of them scored, the best found by a beam, or some drawn by chance (chapter *item_tokens*)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from tokrec.recommend.item_tokens.decoder import FIRST, PAD, Block, Decoder, padded
from tokrec.recommend.item_tokens.trie import NONE, Trie


class Paths:
    """Beginnings of items: for each of ``n`` contexts, ``b`` paths of codes written so far. Chapter *item_tokens*."""

    def __init__(self, model: Decoder, contexts: Sequence[np.ndarray]) -> None:
        self.model, self.level = model, 0
        ids = padded(contexts, model.length - 1 - model.levels)
        self.open, rows = ids != PAD, torch.arange(len(ids))
        self.ends = self.open.sum(dim=1)  # where the next token stands
        states, self.context = model.read(ids)
        self.scores = model.scores(states[rows, self.ends - 1, None])
        self.past: list = [None] * len(model.blocks)

    def chances(self, following: Tensor) -> Tensor:
        """Logarithms of the probabilities ``(n, b, codes)`` of the next code, among those of which `following` is a node or an item."""
        own = slice(self.level * self.model.codes, (self.level + 1) * self.model.codes)
        return self.scores[..., own].masked_fill(following == NONE, -torch.inf).log_softmax(dim=-1)

    def follow(self, parents: Tensor, codes: Tensor) -> None:
        """Write `codes` ``(n, b)``, of this level, behind the paths `parents` ``(n, b)``."""
        model = self.model
        tokens = FIRST + self.level * model.codes + codes
        states = model.tokens(tokens) + model.places(self.ends + self.level)[:, None]
        rows = torch.arange(len(parents))[:, None]
        blocks: list[Block] = list(model.blocks)  # type: ignore[arg-type]
        for number, block in enumerate(blocks):
            past = self.past[number] and tuple(part[rows, parents] for part in self.past[number])
            states, self.past[number] = block.extend(states, self.context[number], self.open, past)
        self.scores, self.level = model.scores(states), self.level + 1


@torch.inference_mode()
def score_items(model: Decoder, contexts: Sequence[np.ndarray], trie: Trie, beam: int | None = None) -> np.ndarray:
    """Logarithm of the probability that each item is written next, when only items can be. Chapter *item_tokens*.

    Parameters
    ----------
    model : Decoder
    contexts : sequence of ndarray
        Tokens: codes of a history, or word pieces of a wish.
    trie : Trie
    beam : int, optional
        So many beginnings are kept at each level, and so many items come out. By default all are.

    Returns
    -------
    ndarray of float32, shape (n, n_items)
        At most 0; ``-inf`` for items that the beam has left out or the trie does not hold.
    """
    model.eval()
    paths, node, total = Paths(model, contexts), torch.zeros(len(contexts), 1, dtype=torch.long), torch.zeros(len(contexts), 1)
    for level, children in enumerate(map(torch.from_numpy, trie.children)):
        following = children[node].long()
        reached = (total[..., None] + paths.chances(following)).flatten(1)
        total, best = reached.topk(min(beam or trie.n_items, reached.shape[1], int((children != NONE).sum())), dim=1)
        node = following.flatten(1).gather(1, best).clamp_min(0)
        if level < model.levels - 1:
            paths.follow(best // model.codes, best % model.codes)
    result = torch.full((len(contexts), trie.n_items), -torch.inf)
    return result.scatter_reduce_(1, node, total, "amax").numpy()


@torch.inference_mode()
def draw(
    model: Decoder, context: np.ndarray, count: int, trie: Trie | None = None, temperature: float = 1.0, random_state: int = 0
) -> np.ndarray:
    """Codes drawn by chance, a code at a time: ``(count, levels)``. Chapter *item_tokens*.

    With a `trie` only codes that lead to an item are drawn. Without one, any code of any level may come; one of another level than its
    turn is given as -1, since no item goes on with it.
    """
    model.eval()
    chance = torch.Generator().manual_seed(random_state)
    paths, node, codes = Paths(model, [context]), torch.zeros(count, dtype=torch.long), []
    for level in range(model.levels):
        scores = (paths.scores[0] / temperature).expand(count, -1)
        own = slice(level * model.codes, (level + 1) * model.codes)
        if trie is not None:
            following = torch.from_numpy(trie.children[level])[node].long()
            drawn = scores[:, own].masked_fill(following == NONE, -torch.inf).softmax(-1).multinomial(1, generator=chance)
            node = following.gather(1, drawn)[:, 0]
        else:
            drawn = scores.softmax(-1).multinomial(1, generator=chance) - own.start
        codes.append(torch.where((drawn >= 0) & (drawn < model.codes), drawn, NONE)[:, 0])
        if level < model.levels - 1:
            parents = torch.arange(count) if level else torch.zeros(count, dtype=torch.long)
            paths.follow(parents[None], codes[-1].clamp_min(0)[None])
    return torch.stack(codes, dim=1).numpy()
