"""Training the decoder: the next code of every place at which a code comes next (chapter *item_tokens*)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tokrec.recommend.item_tokens.decoder import FIRST, Decoder, padded

Examples = Callable[[np.random.Generator], list[np.ndarray]]  # token rows of one epoch
BATCH = 64


def windows(sequences: Sequence[np.ndarray], longest: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Histories cut into pieces of at most `longest` items, elsewhere in each epoch. Chapter *item_tokens*."""
    cut = []
    for items in sequences:
        start = int(rng.integers(longest)) if len(items) > longest else 0
        cut += [part for part in np.split(items, range(start, len(items), longest)) if len(part)]
    return cut


def next_codes(model: Decoder, ids: Tensor) -> Tensor:
    """For each place the code that comes next, counted over all levels; -100 where none does. Chapter *item_tokens*."""
    following = torch.full_like(ids, -100)
    following[:, :-1] = ids[:, 1:] - FIRST
    return following.masked_fill((following < 0) | (following >= model.levels * model.codes), -100)


def batches(examples: list[np.ndarray], rng: np.random.Generator) -> Iterator[list[np.ndarray]]:
    """Shuffled batches of about one length. Chapter *item_tokens*."""
    order = rng.permutation(len(examples))
    blocks = [
        block[np.argsort([len(examples[i]) for i in block], kind="stable")] for block in np.split(order, range(0, len(order), 16 * BATCH))
    ]
    rows = [block[start : start + BATCH] for block in blocks for start in range(0, len(block), BATCH)]
    for number in rng.permutation(len(rows)):
        yield [examples[i] for i in rows[number]]


def train(model: Decoder, examples: Examples, epochs: int, learning_rate: float, random_state: int) -> np.ndarray:
    """Train in place; returns the mean loss of each epoch, in nats a code. Chapter *item_tokens*."""
    from tqdm import tqdm

    rng = np.random.default_rng(random_state)
    optimizer, losses = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01), []
    model.train()
    for epoch in tqdm(range(epochs), desc="train", unit="epoch", disable=None):
        total, count = 0.0, 0
        parts = list(batches(examples(rng), rng))
        for number, rows in enumerate(parts):
            progress = (epoch + number / len(parts)) / epochs
            optimizer.param_groups[0]["lr"] = learning_rate * min(1.0, 20 * progress, (1 + math.cos(math.pi * progress)) / 2 + 0.02)
            ids = padded(rows, model.length - 1)
            wanted = next_codes(model, ids)
            loss = cross_entropy(model(ids)[wanted >= 0], wanted[wanted >= 0])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total, count = total + loss.item() * len(rows), count + len(rows)
        losses.append(total / max(1, count))
    model.eval()
    return np.array(losses)
