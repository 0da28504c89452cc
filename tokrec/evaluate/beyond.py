"""Beyond accuracy: what a list is like, apart from how much of the test it holds (chapter *evaluation*).

Each measure gives a value a reader, so that intervals and paired differences go the same way as for accuracy; NaN where it says nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.preprocessing import normalize

from tokrec.checks import check_list, check_ranked, check_relevant, check_share, id_index
from tokrec.evaluate.league import Ranker
from tokrec.similarity import Matrix, dense

BLEND = 0.01  # Steck's alpha: how much of the history's labels is mixed into the list's, so that no logarithm is infinite


def novelty(ranked_lists: Sequence[Sequence], readers: pd.Series, n_readers: int) -> np.ndarray:
    """Mean self-information of the items of each list: how surprising it is that somebody chose them. Chapter *evaluation*.

    An item that `c` of `n` readers have chosen holds ``log2((n + 1) / (c + 1))`` bits: 0 if all have it, ``log2(n + 1)`` if nobody has.

    Parameters
    ----------
    ranked_lists : sequence of sequences of item_id
    readers : Series
        Number of readers of each item in the training part, indexed by ``item_id``; an item that is missing has none.
    n_readers : int
        All readers of the training part.

    Returns
    -------
    ndarray, shape (n_lists,)
        In bits; NaN for an empty list.

    Raises
    ------
    ValueError
        If an item has more readers than there are.
    """
    if len(readers) and readers.max() > n_readers:
        raise ValueError(f"readers counts {readers.max():g} readers of one item, and n_readers is {n_readers}: count each reader once")
    bits = np.log2((n_readers + 1) / (readers + 1)).to_dict()
    unseen = float(np.log2(n_readers + 1))
    return np.array(
        [_mean([bits.get(item, unseen) for item in check_ranked(ranked)]) for ranked in check_list(ranked_lists, "ranked_lists")]
    )


def diversity(ranked_lists: Sequence[Sequence], vectors: Matrix, items: pd.Index) -> np.ndarray:
    """How unlike each other the items of a list are: 1 − the mean cosine of all its pairs. Chapter *evaluation*.

    Parameters
    ----------
    ranked_lists : sequence of sequences of item_id
    vectors : ndarray or sparse matrix, shape (n_items, d)
        Of texts or of labels; any length.
    items : Index
        The items' ids in the order of `vectors`.

    Returns
    -------
    ndarray, shape (n_lists,)
        In [0, 2]; NaN for a list of fewer than two items.
    """
    unit, values = normalize(vectors), []
    for places in _places(ranked_lists, items):
        total, n = np.asarray(unit[places].sum(axis=0)).ravel(), len(places)
        own = float((dense(unit[places]) ** 2).sum())  # less than n where a vector is zero
        values.append(1 - (float(total @ total) - own) / (n * (n - 1)) if n > 1 else np.nan)
    return np.array(values)


def miscalibration(
    ranked_lists: Sequence[Sequence], histories: Sequence[Sequence], labels: Matrix, items: pd.Index, blend: float = BLEND
) -> np.ndarray:
    """How far the labels of a list are from those of the reader's history (Steck 2018): 0 is calibrated. Chapter *evaluation*.

    Each item spreads one unit over its labels; ``p`` is the mean over the history, ``q`` over the list. The value is the Kullback-Leibler
    divergence ``Σ p log(p / ((1 − blend) q + blend p))``.

    Parameters
    ----------
    ranked_lists, histories : sequences of sequences of item_id
        A list and a history for each reader.
    labels : ndarray or sparse matrix, shape (n_items, n_labels)
        0 or more: 1 where the item has the genre.
    items : Index
        The items' ids in the order of `labels`.
    blend : float
        In (0, 1).

    Returns
    -------
    ndarray, shape (n_lists,)
        0 or more, in nats, at most ``−log(blend)``; NaN where list or history holds no label.
    """
    check_share(blend, "blend")
    if len(ranked_lists) != len(histories):
        raise ValueError(f"each list needs its reader's history: {len(ranked_lists)} lists and {len(histories)} histories were given")
    shares = normalize(labels, norm="l1")
    values = []
    for shown, had in zip(_places(ranked_lists, items), _places(histories, items), strict=True):
        q, p = (np.asarray(shares[places].sum(axis=0), dtype=float).ravel() for places in (shown, had))
        if not p.sum() or not q.sum():
            values.append(np.nan)
            continue
        p, q = p / p.sum(), q / q.sum()
        kept = p > 0
        values.append(float(p[kept] @ np.log(p[kept] / ((1 - blend) * q + blend * p)[kept])))
    return np.array(values)


def new_hits(ranked: Sequence, baseline: Sequence, relevant: Collection) -> int:
    """How many relevant items a list holds that the baseline's list does not (article 004, section 9.4). Chapter *evaluation*.

    The article calls this coverage: interests of the reader that the traditional method did not find. Exchange both lists for what the
    baseline holds and the list does not: a random list has new hits too.
    """
    return len((set(check_ranked(ranked)) - set(check_ranked(baseline))) & check_relevant(relevant))


def beyond_accuracy(recommender: Ranker, ranked: pd.Series, vectors: Matrix, labels: Matrix) -> pd.DataFrame:
    """Novelty, diversity and miscalibration of each reader's list. Chapter *evaluation*.

    Parameters
    ----------
    recommender : Ranker
        Fitted: readers of an item and histories (what was liked) are those of its training part.
    ranked : Series of lists
        The column of that name of ``per_user``, indexed by ``user_id``.
    vectors, labels : ndarray or sparse matrix, n_items rows
        As in :func:`diversity` and :func:`miscalibration`.

    Returns
    -------
    DataFrame
        Indexed as `ranked`: ``novelty`` (bits), ``diversity``, ``miscalibration`` (nats).
    """
    seen, items = recommender.seen_, recommender.items_.index
    readers = pd.Series(np.bincount(seen.indices[seen.data > 0], minlength=len(items)), index=items)
    rows = seen[recommender.users_.get_indexer(id_index(ranked.index))]
    histories = [list(items[row.indices[row.data >= recommender.positive_]]) for row in map(csr_matrix, rows)]
    values = {
        "novelty": novelty(list(ranked), readers, seen.shape[0]),
        "diversity": diversity(list(ranked), vectors, items),
        "miscalibration": miscalibration(list(ranked), histories, labels, items),
    }
    return pd.DataFrame(values, index=ranked.index)


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else np.nan


def _places(lists: Sequence[Sequence], items: pd.Index) -> list[np.ndarray]:
    """Each list as positions in `items`."""
    found = []
    for ranked in check_list(lists, "lists"):
        ids = check_ranked(ranked)
        places = items.get_indexer(id_index(ids))
        if (places < 0).any():
            raise ValueError(f"{ids[int((places < 0).argmax())]!r} is not in items: lists and items must be of one catalogue")
        found.append(places)
    return found
