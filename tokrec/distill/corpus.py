"""Sentence pairs for distillation, and the part of them that is never trained on."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer

from tokrec.cutting import simplified
from tokrec.distill.compose import compose

CJK = re.compile(r"[\u3400-\u9fff]")
NOT_A_GLOSS = re.compile(r"(surname|variant|old variant|used in|abbr|classifier|CL:|see |also written|particle|suffix|prefix)")
PARENTHESES = re.compile(r"\([^()]*\)|（[^（）]*）")


def normalise(text: str) -> str:
    """NFKC, simplified characters, single spaces, trimmed."""
    return simplified(" ".join(unicodedata.normalize("NFKC", text).split()))


def read_parallel(folder: Path) -> pd.DataFrame:
    """English–Chinese pairs of every ``*.tsv`` in a folder: columns ``source, en, zh``. Questions of Tatoeba are a source of their own."""
    rows = []
    for path in sorted(folder.glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            en, zh = (normalise(field) for field in line.split("\t")[:2])
            if en and CJK.search(zh) and not CJK.search(en):
                asked = path.stem == "tatoeba" and en.endswith("?") and zh.endswith("?")
                rows.append(("questions" if asked else path.stem, en, zh))
    return pd.DataFrame(rows, columns=["source", "en", "zh"]).drop_duplicates(["en", "zh"], ignore_index=True)


def read_mono(folder: Path, language: str) -> pd.DataFrame:
    """One-language sentences (``en-*.txt`` or ``zh-*.txt``): columns ``source, en, zh``, the other language empty."""
    rows = []
    for path in sorted(folder.glob(f"{language}-*.txt")):
        lines = {normalise(line) for line in path.read_text(encoding="utf-8").splitlines()}
        rows += [(path.stem, line) for line in sorted(lines) if len(line) >= 4]
    frame = pd.DataFrame(rows, columns=["source", language])
    frame["zh" if language == "en" else "en"] = ""
    return frame[["source", "en", "zh"]]


def hold_out(pairs: pd.DataFrame, sizes: dict[str, int], random_state: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take ``sizes[source]`` pairs of each source out of `pairs`, with everything that is nearly the same.

    Returns the rest and the held-out pairs. A training row is dropped when its English or its Chinese side has a cosine of
    0.8 or more (character 3-grams, TF-IDF) with a held-out sentence.
    """
    rng = np.random.default_rng(random_state)
    held = []
    for source, size in sizes.items():
        rows = pairs.index[pairs.source == source]
        rows = rows[~pairs.loc[rows].duplicated("en", keep=False) & ~pairs.loc[rows].duplicated("zh", keep=False)]
        held.append(rng.choice(rows, size=min(size, len(rows) // 4), replace=False))
    held_rows = np.sort(np.concatenate(held))
    valid, train = pairs.loc[held_rows], pairs.drop(held_rows)
    near = np.zeros(len(train), bool)
    for side, low in (("en", 3), ("zh", 2)):
        near |= near_duplicates(train[side], valid[side], low)
    return train[~near].reset_index(drop=True), valid.reset_index(drop=True)


def near_duplicates(texts: pd.Series, references: pd.Series, low: int, threshold: float = 0.8) -> np.ndarray:
    """Mark the texts whose character n-grams have a cosine of at least `threshold` with some reference."""
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(low, low), dtype=np.float32).fit(references[references != ""])
    bank = vectorizer.transform(references[references != ""])
    marked = []
    for start in range(0, len(texts), 4096):
        block = vectorizer.transform(texts.iloc[start : start + 4096]) @ bank.T
        marked.append(block.max(axis=1).toarray().ravel() >= threshold)
    return np.concatenate(marked)


def gloss_tables(cedict: pd.DataFrame) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Word tables from dictionary rows: Chinese word → first English gloss, English word → Chinese words."""
    to_english: dict[str, str] = {}
    to_chinese: dict[str, list[str]] = {}
    for en, zh in zip(cedict.en, cedict.zh, strict=True):
        glosses = [re.sub(r"^(to be|to|a|an|the) ", "", g.strip()) for g in PARENTHESES.sub("", en).split(";")]
        glosses = [" ".join(g.split()) for g in glosses if g.strip() and not NOT_A_GLOSS.match(g.strip())]
        if glosses and len(zh) > 1:
            to_english.setdefault(zh, glosses[0].split(",")[0])
        for gloss in glosses[:3]:
            if re.fullmatch(r"[a-z]{3,}", gloss) and len(zh) <= 4:
                to_chinese.setdefault(gloss, []).append(zh)
    return to_english, to_chinese


def build_corpus(data: Path, out: Path, config: dict, random_state: int) -> None:
    """Write ``train.tsv``, ``valid.tsv`` and the dictionary that training uses; skipped when they are there.

    At most ``config["cap"]`` sentences are drawn from each one-language source, ``config["hold_out"]`` pairs of a source are held
    out, and ``config["compose"]`` texts are made of others.
    """
    if (out / "dictionary.json").exists():
        return
    pairs = read_parallel(data / "parallel")
    train, valid = hold_out(pairs, config["hold_out"], random_state)
    to_chinese = gloss_tables(train[train.source == "cc-cedict"])[1]
    english, chinese = read_mono(data / "mono", "en"), read_mono(data / "mono", "zh")
    english, chinese = english[english.en.str.len() <= 240], chinese[chinese.zh.str.len().between(4, 90)]
    mono = pd.concat([english, chinese]).groupby("source", group_keys=False).sample(frac=1, random_state=random_state)
    mono = mono.groupby("source").head(config["cap"]).reset_index(drop=True)
    mono = mono[~near_duplicates(mono.en, valid.en, 3) & ~near_duplicates(mono.zh, valid.zh, 2)].copy()
    train = pd.concat([train, mono], ignore_index=True)
    train = pd.concat([train, compose(train, to_chinese, config["compose"], random_state)], ignore_index=True)
    for name, frame in (("valid", valid), ("train", train)):
        frame.to_csv(out / f"{name}.tsv", sep="\t", index=False, quoting=3, escapechar="\\")
    (out / "dictionary.json").write_text(json.dumps(to_chinese, ensure_ascii=False), encoding="utf-8")


def read_pairs(path: Path) -> pd.DataFrame:
    """Read back what :func:`build_corpus` wrote."""
    return pd.read_csv(path, sep="\t", quoting=3, escapechar="\\", keep_default_na=False, dtype=str)
