"""Small networks for matching a query or a reader with an item, and the loss they share (chapter *matching*).

Importing this module loads torch.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn

NEVER = -1e9  # instead of minus infinity, which times zero is no number


class PairScorer(nn.Module):
    """Article 000's network, rebuilt: embedding, average pooling, dense layer. Chapter *matching* (article 000, section 5.2).

    A pair goes in: both texts are pooled on their own, and the dense layer sees the product ``q * v`` of their means, number by number. A
    dense layer over one mean, or over both side by side, is a sum of a part for the query and a part for the item, and would put the items
    in the same order for everybody.

    Parameters
    ----------
    vocab_size : int
        Ids run from 0, which is padding, to `vocab_size` − 1.
    size : int
        Length of a token's vector; 16 in the article.
    """

    def __init__(self, vocab_size: int, size: int = 16) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, size, padding_idx=0)
        self.dense = nn.Linear(size, 1)

    def pool(self, ids: Tensor) -> Tensor:
        """Means ``(n, size)`` of the tokens' vectors for padded ids ``(n, length)``; 0 for a text without tokens."""
        count = (ids != 0).sum(dim=1, keepdim=True).clamp(min=1)
        return self.embedding(ids).sum(dim=1) / count  # padding has the vector 0

    def forward(self, queries: Tensor, items: Tensor) -> Tensor:
        """One number a pair, ``(n,)``; its sigmoid is the probability that the item is relevant."""
        return self.dense(self.pool(queries) * self.pool(items)).squeeze(1)


class LowRank(nn.Module):
    """A linear layer that stays as it is, and beside it a product of two narrow matrices that learns. Chapter *matching*.

    ``y = W x + b + U D x`` (Hu et al. 2022). `U` begins at zero, so that training starts from the layer itself.

    Parameters
    ----------
    layer : nn.Linear
    rank : int
        Rows of `D` and columns of `U`.
    """

    def __init__(self, layer: nn.Linear, rank: int = 4) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Linear(layer.in_features, rank, bias=False)
        self.up = nn.Linear(rank, layer.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        """What the layer gives, and what the update adds."""
        return self.layer(x) + self.up(self.down(x))


class TwoTower(nn.Module):
    """A tower for histories, one for items; their dot product is the score. Chapter *matching*.

    The item tower reads text vectors alone, so that an item nobody has chosen yet has its place. The history tower adds up a vector for
    each liked item: a linear map of its text, and a part of its own that text cannot tell, which begins at zero.

    Parameters
    ----------
    texts : Tensor, shape (n_known, d)
        Text vectors of the items that can stand in a history; they do not learn.
    size : int
        Length of the vectors that are compared.
    """

    texts: Tensor

    def __init__(self, texts: Tensor, size: int = 64) -> None:
        super().__init__()
        self.register_buffer("texts", texts)
        self.item = nn.Sequential(nn.Linear(texts.shape[1], 2 * size), nn.ReLU(), nn.Linear(2 * size, size + 1))
        self.liked = nn.Linear(texts.shape[1], size, bias=False)
        self.own = nn.Embedding(len(texts), size)
        nn.init.zeros_(self.own.weight)

    def readers(self, history: Tensor) -> Tensor:
        """Vectors ``(n, size + 1)`` of histories ``(n, n_known)`` of zeros and ones; the last number is 1 and meets the items' bias."""
        total = history @ (self.liked(self.texts) + self.own.weight)
        mixed = total / history.sum(dim=1, keepdim=True).clamp(min=1).sqrt()
        return torch.cat([mixed, torch.ones_like(mixed[:, :1])], dim=1)

    def items(self, texts: Tensor) -> Tensor:
        """Vectors ``(n, size + 1)`` of items, from their texts alone."""
        return self.item(texts)


def softmax_loss(scores: Tensor, wanted: Tensor, log_q: Tensor | None = None, ignored: Tensor | None = None) -> Tensor:
    """Cross-entropy between what is wanted and the softmax of the scores, the mean over rows. Chapter *matching*.

    Parameters
    ----------
    scores : Tensor, shape (n, m)
        Of each query or reader with each candidate, such as the items of a batch.
    wanted : Tensor, shape (n, m)
        Grades of 0 or more, at least one above 0 in each row; they count by their share.
    log_q : Tensor, shape (m,), optional
        Logarithm of how often a candidate is drawn into a batch. Without it popular items are pushed down, because they are drawn more
        often as somebody else's item (Yi et al. 2019).
    ignored : Tensor of bool, shape (n, m), optional
        Candidates that are neither wanted nor unwanted here: false negatives.

    Returns
    -------
    Tensor
        One number, 0 or more.
    """
    if log_q is not None:
        scores = scores - log_q
    if ignored is not None:
        scores = scores.masked_fill(ignored, NEVER)
    shares = wanted / wanted.sum(dim=1, keepdim=True)
    return -(shares * torch.log_softmax(scores, dim=1)).sum(dim=1).mean()


def train(
    network: nn.Module, loss: Callable[[], Tensor], judge: Callable[[], dict[str, float]], steps: int, rate: float, every: int = 5
) -> list[dict[str, float]]:
    """Train, and end with the weights that the judge liked best, those of the start included. Chapter *matching*.

    Parameters
    ----------
    network : nn.Module
        Only what requires a gradient learns.
    loss : callable
        The loss of a step, on a batch that it draws itself.
    judge : callable
        What goes into the curve; its ``quality``, on validation data, decides, larger is better. Asked without gradients.
    steps : int
    rate : float
        Learning rate of AdamW.
    every : int
        Steps between two judgements.

    Returns
    -------
    list of dict
        The curve: ``step``, ``loss`` (the mean since the last judgement) and what the judge said.
    """
    optimizer = torch.optim.AdamW([weights for weights in network.parameters() if weights.requires_grad], lr=rate, weight_decay=0.01)
    curve: list[dict[str, float]] = []
    kept, losses = deepcopy(network.state_dict()), []
    for step in range(steps + 1):
        value = loss()
        losses.append(value.item())
        if step % every == 0 or step == steps:
            with torch.no_grad():
                judged = judge()
            if not curve or judged["quality"] > max(point["quality"] for point in curve):
                kept = deepcopy(network.state_dict())
            curve.append({"step": step, "loss": sum(losses) / len(losses)} | judged)
            losses = []
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    network.load_state_dict(kept)
    return curve
