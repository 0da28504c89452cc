"""What a run reached: scores on the held-out pairs with intervals, beside the teachers', and the curve of the training."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from tokrec.datasets.shelf import load_shelf
from tokrec.distill.corpus import read_pairs
from tokrec.distill.target import Target, teachers, unit
from tokrec.distill.teacher import teacher_vectors, use_vectors
from tokrec.evaluate import bootstrap_interval
from tokrec.features.encoder import load_encoder


def translation_found(zh: np.ndarray, en: np.ndarray) -> np.ndarray:
    """For each Chinese vector, whether its own English one is the nearest: array of 0 and 1. Chapter *small_encoder*."""
    return ((zh @ en.T).argmax(axis=1) == np.arange(len(zh))).astype(float)


def held_out_scores(out: Path) -> pd.DataFrame:
    """One row a source of held-out pairs, for the exported student and its teachers. Chapter *small_encoder*.

    Returns
    -------
    DataFrame
        ``source, pairs``; ``student`` (top-1, Chinese to English, in [0, 1]) with its 95 % bootstrap interval ``low, high``; ``teacher``
        and ``second`` (the same by the English-only teacher and by the multilingual one); ``joined`` (by both side by side, the
        English-only one's vector of a Chinese text guessed from the other's) and ``reduced`` (the same, cut to the student's size);
        ``traditional`` (by the student, the Chinese in traditional
        characters); ``cos_en, cos_zh`` (mean cosine of the student to the target).
    """
    valid, student = read_pairs(out / "valid.tsv"), load_encoder(out / "tokrec-mini")
    en, zh = student.encode(valid.en.tolist()), student.encode(valid.zh.tolist())
    found = {"student": (zh, en), "traditional": (student.encode(traditional(valid.zh)), en)}
    by = teachers("valid", out)
    found |= {"teacher": (by["minilm_zh"], by["minilm_en"]), "second": (by["use_zh"], by["use_en"])}
    target = Target.load(out / "target.npz")
    found["joined"] = (target.joined(by["use_zh"]), target.joined(by["use_en"], by["minilm_en"]))
    zh_reduced, en_reduced = (unit(vectors @ target.axes) for vectors in found["joined"])
    found["reduced"] = (zh_reduced, en_reduced)
    aim = np.load(out / "target_valid.npy") @ np.load(out / "rotation.npy").T
    rows = []
    for source, at in valid.groupby("source").indices.items():
        hits = {name: translation_found(left[at], right[at]) for name, (left, right) in found.items()}
        low, high = bootstrap_interval(hits["student"])
        cosines = {f"cos_{side}": (vectors[at] * aim[at]).sum(axis=1).mean() for side, vectors in (("en", en), ("zh", zh))}
        means = {name: values.mean() for name, values in hits.items()}
        rows.append({"source": source, "pairs": len(at), "student": means.pop("student"), "low": low, "high": high} | means | cosines)
    return pd.DataFrame(rows).round(4)


def traditional(texts: Iterable[str]) -> list[str]:
    """Chinese texts in traditional characters, by OpenCC."""
    import opencc

    convert = opencc.OpenCC("s2t").convert
    return [convert(text) for text in texts]


def teachers_on_titles() -> dict[str, float]:
    """How each teacher does on the shelf's titles: top-1, Chinese to English, in [0, 1]. Chapter *small_encoder*."""
    items = load_shelf().items
    found: dict[str, float] = {"titles": len(items)}
    for name, vectors_of in (("teacher", teacher_vectors), ("second", use_vectors)):
        zh, en = (vectors_of(items[f"title_{language}"].tolist()).astype(np.float32) for language in ("zh", "en"))
        found[name] = round(float(translation_found(zh, en).mean()), 6)
    return found


def curve(out: Path) -> pd.DataFrame:
    """The log of the training, one row a logged step. Chapter *small_encoder*."""
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return pd.DataFrame(rows).round(4)


def write_report(out: Path) -> None:
    """Store ``scores.csv`` and ``curve.csv`` in the run's folder. Chapter *small_encoder*."""
    held_out_scores(out).to_csv(out / "scores.csv", index=False, lineterminator="\n")
    curve(out).to_csv(out / "curve.csv", index=False, lineterminator="\n")
