"""Several things that are known about a reader, made into one score: g(sequence, user, item) (chapter *sequences*).

Importing this module loads torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

How = Literal["concatenation", "weighted mean", "gate", "attention"]
HOWS: tuple[How, ...] = get_args(How)


class Fusion(nn.Module):
    """Article 004's function g, in four ways. Chapter *sequences* (article 004, section 4.2).

    Each part, such as the state of a sequence, the text of a wish, and structured attributes, goes through a linear map to one length.
    Then *concatenation* maps all together; a *weighted mean* has one weight a part, the same for everybody; a *gate* computes the weights
    from the parts; with *attention* each item asks the parts, so that the weights are those of the reader and the item.

    Parameters
    ----------
    sizes : sequence of int
        Length of each part.
    item_size : int
        Length of the items' vectors.
    how : {"concatenation", "weighted mean", "gate", "attention"}
    size : int
        Length of the vectors that are compared.
    """

    def __init__(self, sizes: Sequence[int], item_size: int, how: How, size: int = 64) -> None:
        super().__init__()
        if how not in HOWS:
            raise ValueError(f"how must be one of {', '.join(HOWS)}, not {how!r}")
        self.how = how
        self.parts = nn.ModuleList(nn.Linear(length, size) for length in sizes)
        self.items = nn.Linear(item_size, size)
        self.together = nn.Linear(len(sizes) * size, {"concatenation": size, "gate": len(sizes)}.get(how, 1))
        self.weights = nn.Parameter(torch.zeros(len(sizes)))

    def forward(self, parts: Sequence[Tensor], items: Tensor) -> Tensor:
        """Scores ``(n, m)`` of parts, each ``(n, its length)``, with items ``(m, item_size)``."""
        mapped = torch.stack([layer(part) for layer, part in zip(self.parts, parts, strict=True)], dim=1)
        asked = self.items(items).T
        if self.how == "concatenation":
            return self.together(torch.relu(mapped.flatten(1))) @ asked
        each = mapped @ asked  # a score by each part: (n, parts, m)
        return (self.shares(mapped, each) * each).sum(dim=1)

    def shares(self, mapped: Tensor, each: Tensor) -> Tensor:
        """How much each part counts, adding up to 1: ``(n or 1, parts, m or 1)``."""
        if self.how == "attention":
            return torch.softmax(each / mapped.shape[2] ** 0.5, dim=1)
        if self.how == "gate":
            return torch.softmax(self.together(mapped.flatten(1)), dim=1).unsqueeze(2)
        return torch.softmax(self.weights, dim=0)[None, :, None]
