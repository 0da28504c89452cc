"""The trie of all items' codes: which code may follow which, so that nothing but an item can be written (chapter *item_tokens*)."""

from __future__ import annotations

import numpy as np

NONE = -1  # no item goes on that way


def build_trie(codes: np.ndarray, size: int) -> list[np.ndarray]:
    """Where each code leads, level by level. Chapter *item_tokens*.

    Parameters
    ----------
    codes : ndarray of int, shape (n_items, levels)
        In [0, size); no two rows alike.
    size : int
        Codes a level.

    Returns
    -------
    list of ndarray of int32
        One array a level, ``(nodes, size)``: at place (node, code) stands the node of the next level, at the last level the item; -1 where
        no item goes on that way. Level 0 has one node, the root.

    Raises
    ------
    ValueError
        If two items have the same codes, or one lies outside the range.
    """
    codes = np.asarray(codes)
    if codes.size and not 0 <= codes.min() <= codes.max() < size:
        raise ValueError(f"codes must lie in [0, {size}), got {codes.min()} to {codes.max()}")
    if len(np.unique(codes, axis=0)) < len(codes):
        raise ValueError("two items have the same codes: own_codes() gives each its own")
    node, trie = np.zeros(len(codes), np.int64), []
    for level in range(codes.shape[1]):
        children = np.full((node.max(initial=0) + 1, size), NONE, np.int32)
        if level == codes.shape[1] - 1:
            children[node, codes[:, level]] = np.arange(len(codes))
        else:
            ways, following = np.unique(node * size + codes[:, level], return_inverse=True)
            children[ways // size, ways % size] = np.arange(len(ways))
        trie.append(children)
        node = following.ravel() if level < codes.shape[1] - 1 else node
    return trie


def written(trie: list[np.ndarray], codes: np.ndarray) -> np.ndarray:
    """Which item each row of codes ``(n, levels)`` is: its position, -1 where there is no such item. Chapter *item_tokens*."""
    node = np.zeros(len(codes), np.int64)
    for children, column in zip(trie, np.asarray(codes).T, strict=True):
        inside = (node >= 0) & (column >= 0) & (column < children.shape[1])
        node = np.where(inside, children[np.maximum(node, 0), np.where(inside, column, 0)], NONE)
    return node
