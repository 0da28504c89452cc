"""Training an encoder further on judged queries, while the items' vectors stay where they are (chapter *matching*).

Importing this module loads torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from tokrec.features.encoder import Encoder
from tokrec.recommend.networks import NEVER, LowRank
from tokrec.tokens import pad_batch

Part = Literal["token weights", "projection", "last layer", "low rank"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class States:
    """Texts on their way through an encoder, just before its last layer. Chapter *matching*.

    Attributes
    ----------
    states : Tensor of float32, shape (n, length, hidden_size)
    mask : Tensor of bool, shape (n, length)
        False at padding.
    """

    states: Tensor
    mask: Tensor

    def __len__(self) -> int:
        return len(self.mask)

    def __getitem__(self, rows: Tensor) -> States:
        length = int(self.mask[rows].sum(dim=1).max())
        return States(self.states[rows, :length], self.mask[rows, :length])


def states_before_last(encoder: Encoder, texts: Sequence[str], others: Sequence[str] | None = None, longest: int = 64) -> States:
    """Run texts, or pairs of texts, through all layers but the last. Chapter *matching*.

    What lies below is not trained here, so that this is done once.

    Parameters
    ----------
    encoder : Encoder
        The bundled one.
    texts : sequence of str
    others : sequence of str, optional
        A second text each, joined to the first by ``[SEP]``: what a cross-encoder reads.
    longest : int
        Texts are cut after so many tokens.
    """
    inputs = list(texts) if others is None else list(zip(texts, others, strict=True))
    ids = [row.ids if len(row.ids) <= longest else [*row.ids[: longest - 1], row.ids[-1]] for row in encoder.tokenizer.encode_batch(inputs)]
    caught: list[Tensor] = []
    last = encoder.model.encoder["layer"][-1]
    hook = last.register_forward_pre_hook(lambda module, arguments: caught.append(arguments[0]))
    result = torch.zeros(len(ids), max(map(len, ids)), encoder.model.config.hidden_size)
    mask = torch.zeros(result.shape[:2], dtype=torch.bool)
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    try:
        with torch.no_grad():
            for start in range(0, len(order), 64):
                rows = order[start : start + 64]
                padded, real = (torch.from_numpy(array) for array in pad_batch([ids[row] for row in rows], pad_id=0))
                encoder.model(input_ids=padded, attention_mask=real)
                result[rows, : padded.shape[1]], mask[rows, : padded.shape[1]] = caught.pop(), real.bool()
    finally:
        hook.remove()
    return States(result, mask)


def pooled(states: Tensor, mask: Tensor, logits: Tensor | None = None) -> Tensor:
    """Means ``(n, size)`` of the real tokens' states, weighted by the softmax of `logits` ``(n, length)``. Chapter *matching*."""
    logits = torch.zeros(mask.shape) if logits is None else logits
    weights = torch.softmax(logits.masked_fill(~mask, NEVER), dim=1)
    return (weights.unsqueeze(1) @ states).squeeze(1)


class QueryTower(nn.Module):
    """The end of the bundled encoder: last layer, pooling, projection; one part of it learns. Chapter *matching*.

    Parameters
    ----------
    encoder : Encoder
    part : {"token weights", "projection", "last layer", "low rank"}
        What learns: how much each token counts in the mean, by one direction in the space of its states; the linear map at the end; the
        last layer and the map; or low-rank updates beside every linear map of both.
    """

    def __init__(self, encoder: Encoder, part: Part) -> None:
        super().__init__()
        if part not in PARTS:
            raise ValueError(f"part must be one of {', '.join(PARTS)}, not {part!r}")
        self.layer = deepcopy(encoder.model.encoder["layer"][-1]).requires_grad_(part == "last layer")
        width = encoder.projection.shape
        self.projection: nn.Linear | LowRank = nn.Linear(width[1], width[0], bias=False)
        self.projection.weight.data = encoder.projection.clone()
        self.projection.requires_grad_(part in ("projection", "last layer"))
        self.weigh = nn.Linear(width[1], 1, bias=False).requires_grad_(part == "token weights")
        nn.init.zeros_(self.weigh.weight)
        if part == "low rank":
            add_low_rank(self.layer)
            self.projection = LowRank(self.projection)

    def forward(self, texts: States) -> Tensor:
        """Unit vectors ``(n, 384)`` of texts that went through the layers below."""
        states = self.layer(texts.states, texts.mask[:, None, None, :])
        mean = pooled(states, texts.mask, self.weigh(states).squeeze(-1))
        return nn.functional.normalize(self.projection(mean), dim=1)


class CrossScorer(nn.Module):
    """A query and an item read as one text: the encoder's last layer, pooling, and one number. Chapter *matching*.

    The number is added to the cosine; it begins at 0, so that training starts from the frozen encoder's order.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.layer = deepcopy(encoder.model.encoder["layer"][-1]).requires_grad_(True)
        self.dense = nn.Linear(encoder.projection.shape[1], 1)
        nn.init.zeros_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, pairs: States) -> Tensor:
        """What reading both together adds to the score of each pair: ``(n,)``."""
        return self.dense(pooled(self.layer(pairs.states, pairs.mask[:, None, None, :]), pairs.mask)).squeeze(1)


def add_low_rank(module: nn.Module, rank: int = 4) -> None:
    """Replace every linear map below `module` by itself, frozen, with a low-rank update beside it. Chapter *matching*."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, LowRank(child, rank))
        else:
            add_low_rank(child, rank)
