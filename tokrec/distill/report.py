"""What a run reached: scores on the held-out pairs with intervals, beside the teacher's, and the curve of the training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from tokrec.datasets.shelf import load_shelf
from tokrec.distill.corpus import read_pairs
from tokrec.distill.teacher import cached_teacher_vectors, teacher_vectors
from tokrec.evaluate import bootstrap_interval
from tokrec.features.encoder import load_encoder


def translation_found(zh: np.ndarray, en: np.ndarray) -> np.ndarray:
    """For each Chinese vector, whether its own English one is the nearest: array of 0 and 1. Chapter *small_encoder*."""
    return ((zh @ en.T).argmax(axis=1) == np.arange(len(zh))).astype(float)


def held_out_scores(out: Path) -> pd.DataFrame:
    """One row a source of held-out pairs, for the exported student and the teacher. Chapter *small_encoder*.

    Returns
    -------
    DataFrame
        ``source, pairs``; ``student`` (top-1, Chinese to English, in [0, 1]) with its 95 % bootstrap interval ``low, high``; ``teacher``
        (the same by the English-only teacher); ``cos_en, cos_zh`` (mean cosine of the student to the teacher's English vector).
    """
    valid, student = read_pairs(out / "valid.tsv"), load_encoder(out / "tokrec-mini")
    en, zh = student.encode(valid.en.tolist()), student.encode(valid.zh.tolist())
    teacher_en = np.asarray(cached_teacher_vectors(valid.en.tolist(), out / "teacher_valid.npy"), np.float32)
    teacher_zh = np.asarray(cached_teacher_vectors(valid.zh.tolist(), out / "teacher_valid_zh.npy"), np.float32)
    target = teacher_en @ np.load(out / "rotation.npy").T
    rows = []
    for source, at in valid.groupby("source").indices.items():
        found = translation_found(zh[at], en[at])
        low, high = bootstrap_interval(found)
        by_teacher = translation_found(teacher_zh[at], teacher_en[at]).mean()
        cosines = [float((vectors[at] * target[at]).sum(axis=1).mean()) for vectors in (en, zh)]
        rows.append((source, len(at), found.mean(), low, high, by_teacher, *cosines))
    return pd.DataFrame(rows, columns=["source", "pairs", "student", "low", "high", "teacher", "cos_en", "cos_zh"]).round(4)


def teacher_on_titles() -> dict[str, float]:
    """How the English-only teacher does on the shelf's titles: ``top_1`` (Chinese to English, in [0, 1]). Chapter *small_encoder*."""
    items = load_shelf().items
    zh, en = (teacher_vectors(items[f"title_{language}"].tolist()) for language in ("zh", "en"))
    return {"titles": len(items), "top_1": round(float(translation_found(zh, en).mean()), 6)}


def curve(out: Path) -> pd.DataFrame:
    """The log of the training, one row a logged step. Chapter *small_encoder*."""
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return pd.DataFrame(rows).round(4)


def write_report(out: Path) -> None:
    """Store ``scores.csv`` and ``curve.csv`` in the run's folder. Chapter *small_encoder*."""
    held_out_scores(out).to_csv(out / "scores.csv", index=False, lineterminator="\n")
    curve(out).to_csv(out / "curve.csv", index=False, lineterminator="\n")
