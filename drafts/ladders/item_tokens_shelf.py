"""Items as tokens on the shelf: readers' choices, wishes in words, and what the codes know (chapter *item_tokens*).

``python -m tokrec.stored item_tokens_shelf`` and ``item_tokens_codes`` make the tables anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tokrec.datasets.movielens import load_movielens
from tokrec.datasets.shelf import load_shelf
from tokrec.evaluate import bootstrap_interval, judge_queries, paired_difference, warm_split
from tokrec.ladders.item_tokens import EXCLUDE, OURS, SMALL, judge, rivals, rows
from tokrec.recommend import ContentRecommender, HybridRecommender, ItemTokensRecommender
from tokrec.recommend.item_tokens import neighbours_kept, own_codes, purity, residual_kmeans, share_alone


def shelf() -> dict[str, Any]:
    """The shelf: later choices of readers, and wishes in words that a decoder reads which learned from the items' texts alone.

    Chapter *item_tokens*.
    """
    data = load_shelf()
    train, test = warm_split(data.interactions)
    reading = ItemTokensRecommender(**SMALL | {"codes": 32, "epochs": 30}, wishes=True)
    methods = rivals() | {"encoder, mean profile": [ContentRecommender()], OURS: [reading]}
    frames = judge(methods, train, test, data.items)
    table = [row for exclude in EXCLUDE for row in rows(frames[exclude], len(data.items), exclude=exclude)]
    asked = data.queries[data.queries["half"] == "test"]
    answers = {"TF-IDF": ContentRecommender("tfidf"), "encoder": ContentRecommender(), "words and meaning": HybridRecommender()}
    wishes = []
    for language in ("en", "zh"):
        texts, values = asked[f"text_{language}"].tolist(), {}
        for name, method in (answers | {OURS: reading}).items():
            scores = (method if name == OURS else method.fit(None, data.items)).score_text(texts)
            values[name] = judge_queries(scores, asked.index.tolist(), data.items.index.tolist(), data.relevance)
        for name, found in values.items():
            low, high = bootstrap_interval(found)
            apart = paired_difference(values[OURS], found)
            numbers = {"ndcg": found.mean(), "low": low, "high": high, "ahead": apart[0], "ahead_low": apart[1], "ahead_high": apart[2]}
            wishes.append({"language": language, "method": name} | {key: round(float(value), 4) for key, value in numbers.items()})
    return {"table": table, "wishes": wishes, "curve": np.round(reading.losses_, 4).tolist()}


def codes() -> pd.DataFrame:
    """Codes of the shelf and of MovieLens: how many items have theirs alone, what the first code means, which neighbours stay.

    Chapter *item_tokens*.
    """
    from tokrec.recommend.item_tokens.rqvae import train_rqvae

    table = []
    for data, items, size in (("shelf", load_shelf().items, 32), ("MovieLens", load_movielens()[1], 64)):
        vectors = ContentRecommender().fit(None, items).vectors_
        books = residual_kmeans(vectors, size)
        learned = train_rqvae(vectors, size)[0]
        genres = items["genre"] if data == "shelf" else items["text"].str.split().str[0]
        labels = {"domain": items["domain"].to_numpy() if data == "shelf" else None, "genre": genres.to_numpy()}
        for name, found in (("residual k-means", books.encode(vectors)), ("RQ-VAE", learned)):
            alone = {f"alone, {level} levels": round(share_alone(found[:, :level]), 4) for level in (1, 2, 3, 4)}
            pure = {f"purity, {label}": None if of is None else round(purity(found[:, 0], of), 4) for label, of in labels.items()}
            table.append({"data": data, "codes": name} | alone | pure)
        kept = {
            level: round(float(neighbours_kept(vectors, books.decode(own_codes(vectors, books)[:, :level])).mean()), 4)
            for level in (1, 2, 3, 4)
        }
        table[-2] |= {f"neighbours, {level} levels": share for level, share in kept.items()}
    return pd.DataFrame(table)
