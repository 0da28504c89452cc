"""The trie of all items' codes: which code may follow which, so that nothing but an item can be written (chapter *item_tokens*)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NONE = -1  # no item goes on that way


@dataclass(frozen=True)
class Trie:
    """Where each code leads, level by level. Chapter *item_tokens*.

    Attributes
    ----------
    children : list of ndarray of int32
        One array a level, ``(nodes, size)``: at place (node, code) stands the node of the next level, at the last level the item's
        position; -1 where no item goes on that way. Level 0 has one node, the root.
    n_items : int
        Items of the catalogue, those included that may not be written.
    """

    children: list[np.ndarray]
    n_items: int

    def written(self, codes: np.ndarray) -> np.ndarray:
        """Which item each row of codes ``(n, levels)`` is: its position, -1 where there is no such item."""
        node = np.zeros(len(codes), np.int64)
        for children, column in zip(self.children, np.asarray(codes).T, strict=True):
            inside = (node >= 0) & (column >= 0) & (column < children.shape[1])
            node = np.where(inside, children[np.maximum(node, 0), np.where(inside, column, 0)], NONE)
        return node


def build_trie(codes: np.ndarray, size: int, allowed: np.ndarray | None = None) -> Trie:
    """The trie of a catalogue's codes. Chapter *item_tokens*.

    Parameters
    ----------
    codes : ndarray of int, shape (n_items, levels)
        In [0, size); no two rows alike.
    size : int
        Codes a level.
    allowed : ndarray of bool, shape (n_items,), optional
        Items that may be written, what is in stock for instance; by default all.

    Raises
    ------
    ValueError
        If two items have the same codes, one lies outside the range, or no item may be written.
    """
    codes = np.asarray(codes)
    if not len(codes) or not 0 <= codes.min() <= codes.max() < size:
        raise ValueError(f"codes must lie in [0, {size}), and at least one item is needed")
    if len(np.unique(codes, axis=0)) < len(codes):
        raise ValueError("two items have the same codes: own_codes() gives each its own")
    items = np.arange(len(codes)) if allowed is None else np.flatnonzero(allowed)
    if not len(items):
        raise ValueError("no item may be written: allowed is nowhere True")
    node, children = np.zeros(len(items), np.int64), []
    for level, column in enumerate(codes[items].T):
        ways, following = np.unique(node * size + column, return_inverse=True)
        table = np.full((node.max() + 1, size), NONE, np.int32)
        table[ways // size, ways % size] = items[np.argsort(following)] if level == codes.shape[1] - 1 else np.arange(len(ways))
        children.append(table)
        node = following.ravel()
    return Trie(children, len(codes))
