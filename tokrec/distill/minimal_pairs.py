"""What a *not* or a number does to a vector, beside a word that changes little and a paraphrase in other words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import HashingVectorizer

from tokrec.distill.corpus import CJK
from tokrec.distill.teacher import teacher_vectors, use_vectors
from tokrec.evaluate import bootstrap_interval, paired_difference
from tokrec.features.encoder import load_encoder

PAIRS = Path(__file__).with_name("minimal_pairs.tsv")
OTHERS = ("changed", "harmless", "paraphrase")
Embed = Callable[[list[str]], np.ndarray]


def read_minimal_pairs() -> pd.DataFrame:
    """Texts, each with three others: ``kind, language, text, changed, harmless, paraphrase``. Chapter *small_encoder*.

    ``changed`` says the opposite (kind "negation") or names a number ten or more times as large or small (kind "number"), by a word or
    two; ``harmless`` differs by as little and means nearly the same; ``paraphrase`` means the same in other words.
    """
    return pd.read_csv(PAIRS, sep="\t")


def cosines(embed: Embed, pairs: pd.DataFrame) -> pd.DataFrame:
    """Cosine of each text with its three others: columns ``changed, harmless, paraphrase``, in [-1, 1]."""
    vectors = {name: np.asarray(embed(pairs[name].tolist()), np.float32) for name in ("text", *OTHERS)}
    return pd.DataFrame({name: (vectors["text"] * vectors[name]).sum(axis=1) for name in OTHERS}, index=pairs.index)


def units(text: str) -> list[str]:
    """Characters of a Chinese text, words of an English one."""
    return list(text) if CJK.search(text) else text.lower().split()


def counts(texts: list[str]) -> np.ndarray:
    """Counted words of English texts and characters of Chinese ones, scaled to length 1: the control, which understands nothing."""
    counter = HashingVectorizer(analyzer=units, n_features=2**14, alternate_sign=False)
    return counter.transform(texts).toarray()


def minimal_pairs() -> pd.DataFrame:
    """How each encoder sees the minimal pairs, and how counting does; the English-only teacher reads English. Chapter *small_encoder*.

    Returns
    -------
    DataFrame
        One row a kind, language and system: ``n``; mean cosines ``changed, harmless, paraphrase``; ``noticed`` (mean of harmless −
        changed, paired) with its 95 % interval ``low, high``; ``right`` (share of texts whose paraphrase is nearer than what was
        changed, in [0, 1]) with its interval ``right_low, right_high``.
    """
    systems: dict[str, Embed] = {
        "counts": counts,
        "teacher": partial(teacher_vectors, max_length=256),
        "second": use_vectors,
        "student": load_encoder().encode,
    }
    rows = []
    for (kind, language), pairs in read_minimal_pairs().groupby(["kind", "language"]):
        for system, embed in systems.items():
            if system == "teacher" and language == "zh":
                continue
            found = cosines(embed, pairs)
            noticed = paired_difference(found["harmless"], found["changed"])
            nearer = (found["paraphrase"] > found["changed"]).to_numpy(float)
            rows.append((kind, language, system, len(pairs), *found.mean(), *noticed, nearer.mean(), *bootstrap_interval(nearer)))
    columns = ["kind", "language", "system", "n", *OTHERS, "noticed", "low", "high", "right", "right_low", "right_high"]
    return pd.DataFrame(rows, columns=columns).round(3)
