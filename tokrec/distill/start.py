"""Where training begins: what the teacher knows about each vocabulary piece and, if wanted, the teacher's own layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.linalg import solve
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from tokrec.distill.compose import COMPOSED
from tokrec.distill.corpus import CJK, PARENTHESES, gloss_tables
from tokrec.distill.student import Student
from tokrec.distill.teacher import cached_teacher_vectors, teacher_folder

SPECIAL = 5
RIDGE = 0.3  # strength of the pull of a rare character towards the average embedding
SENTENCE_WEIGHT = 4.0  # of a sentence or title in the regression; a dictionary entry weighs 1


def new_student(config: dict, tokenizer: Any, pairs: pd.DataFrame, out: Path, from_first: np.ndarray) -> Student:
    """The untrained student that ``config["model"]`` describes; ``from_first`` takes the first teacher's vectors to the targets.

    With ``start = "teacher"`` it has those of the teacher's layers that ``keep_layers`` names, and each piece begins at an input
    embedding in the first teacher's space (:func:`piece_embeddings`). With ``"words"`` it has layers of its own shape, and each piece
    begins at that teacher's sentence vector of it, reduced to that shape. With ``"random"`` nothing is known at all.
    """
    pairs = pairs[(pairs.en != "") & (pairs.zh != "") & ~pairs.source.isin(COMPOSED)]
    model = dict(config["model"])
    start, keep, max_length = model.pop("start"), model.pop("keep_layers", []), config["tokenizer"]["max_length"]
    if start == "teacher":
        teacher = AutoModel.from_pretrained(teacher_folder(), attn_implementation="eager")
        student = Student(len(tokenizer), max_length, **layer_shape(teacher.config, len(keep)), **model)
        stored = out / "piece_embeddings.npy"
        if not stored.exists():
            np.save(stored, piece_embeddings(tokenizer, pairs, teacher.embeddings.word_embeddings.weight))
        student.start_from_layers(teacher, keep, np.load(stored), from_first)
        return student
    student = Student(len(tokenizer), max_length, **model)
    if start == "words":
        student.start_from(piece_vectors(tokenizer, pairs[pairs.source == "cc-cedict"], out) @ from_first, SPECIAL)
    return student


def layer_shape(config: Any, layers: int) -> dict[str, Any]:
    """The settings of a BERT with `layers` layers of the teacher's shape."""
    names = ("hidden_size", "num_attention_heads", "intermediate_size", "hidden_act", "layer_norm_eps")
    return {name: getattr(config, name) for name in names} | {"num_hidden_layers": layers}


def piece_vectors(tokenizer: Any, dictionary_pairs: pd.DataFrame, out: Path) -> np.ndarray:
    """The teacher's sentence vector of every piece; a Chinese character gets its gloss's and the mean of its words'."""
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    single = dictionary_pairs[dictionary_pairs.zh.str.len() == 1].drop_duplicates("zh").set_index("zh").en
    text = [single.get(p.removeprefix("##"), p.removeprefix("##")) for p in pieces]
    vectors = np.array(cached_teacher_vectors(text, out / "teacher_pieces.npy", max_length=16, desc="pieces"), np.float32)
    words = {word: gloss for word, gloss in gloss_tables(dictionary_pairs)[0].items() if len(word) <= 3}
    of_words = np.asarray(cached_teacher_vectors(list(words.values()), out / "teacher_words.npy", max_length=16, desc="words"))
    of_character: dict[str, list] = {}
    for word, vector in zip(words, of_words, strict=True):
        for char in set(word):
            of_character.setdefault(char, []).append(vector)
    for i, piece in enumerate(pieces):
        if piece in of_character:
            mean = np.mean(np.array(of_character[piece], np.float32), axis=0)
            vectors[i] = (vectors[i] if piece in single.index else 0) + mean / np.linalg.norm(mean)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


def piece_embeddings(tokenizer: Any, pairs: pd.DataFrame, embeddings: Tensor) -> np.ndarray:
    """An input embedding in the teacher's space for every piece of the student's vocabulary, shape ``(vocab_size, width)``.

    A piece that the teacher has too keeps the teacher's embedding; another piece of Latin letters gets the mean of its parts. The
    Chinese characters are the solution of one ridge regression: over all translation pairs, the mean of a Chinese text's embeddings
    should be the mean of the English text's. No training step has been taken by then.
    """
    known, table = AutoTokenizer.from_pretrained(teacher_folder()), embeddings.detach().numpy()
    vocabulary, average = known.get_vocab(), table.mean(axis=0)

    def means(texts: list[str]) -> np.ndarray:
        ids = known(texts, add_special_tokens=False, truncation=True, max_length=64)["input_ids"]
        return np.array([table[row].mean(axis=0) if row else average for row in ids])

    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    chinese = np.array([bool(CJK.search(piece)) for piece in pieces])
    result = means([piece.removeprefix("##") for piece in pieces])
    for i, piece in enumerate(pieces):
        if piece in vocabulary:
            result[i] = table[vocabulary[piece]]
    to_english = gloss_tables(pairs[pairs.source == "cc-cedict"])[0]
    english = [to_english.get(zh, PARENTHESES.sub("", en).split(";")[0]) for en, zh in zip(pairs.en, pairs.zh, strict=True)]
    counts = count_matrix(tokenizer, pairs.zh.tolist())
    weight = sp.diags(np.where(pairs.source == "cc-cedict", 1.0, SENTENCE_WEIGHT))
    characters = counts[:, chinese]
    rest = means(english) - counts[:, ~chinese] @ result[~chinese] - characters @ np.tile(average, (chinese.sum(), 1))
    gram = (characters.T @ weight @ characters).toarray() + RIDGE * np.eye(chinese.sum())
    result[chinese] = average + solve(gram, characters.T @ (weight @ rest), assume_a="pos")
    return result.astype(np.float32)


def count_matrix(tokenizer: Any, texts: list[str]) -> sp.csr_matrix:
    """Share of each piece in each text, shape ``(n_texts, vocab_size)``; rows add up to 1."""
    ids = tokenizer(texts, add_special_tokens=False, truncation=True, max_length=64)["input_ids"]
    lengths = [max(1, len(row)) for row in ids]
    places = np.repeat(np.arange(len(ids)), [len(row) for row in ids])
    shares = np.concatenate([np.full(len(row), 1 / length) for row, length in zip(ids, lengths, strict=True)])
    return sp.csr_matrix((shares, (places, np.concatenate(ids).astype(int))), shape=(len(texts), len(tokenizer)))
