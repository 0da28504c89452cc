"""Tokens: three ways to cut a text, vocabularies, ids, fixed-length batches, and what gets lost on the way (chapter *tokens*)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import as_file, files
from typing import Any, Literal

import numpy as np
import pandas as pd

from tokrec.checks import check_text
from tokrec.text import lexical_tokens, well_formed

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def segment(text: str, by: Literal["word", "char", "subword"] = "word", tokenizer: Any = None) -> list[str]:
    """Cut a text into words, characters or subwords. Chapter *tokens* (article 001, section 3.2).

    Parameters
    ----------
    text : str
        Any string, in Chinese, English or both.
    by : {"word", "char", "subword"}
        Words: jieba for Chinese runs, spaCy for the rest (runs without spaces are cut after 200 characters). Characters: every
        character but white space. Subwords: the pieces of `tokenizer`, without special tokens.
    tokenizer : tokenizers.Tokenizer or transformers tokenizer, optional
        For ``by="subword"``; the bundled encoder's by default.

    Returns
    -------
    list of str
        Pieces in the text's order; empty for a blank text.

    Raises
    ------
    ValueError
        If `by` is none of the three.
    """
    check_text(text)
    if by == "char":
        return [char for char in text if not char.isspace()]
    if by == "word":
        return lexical_tokens(text)
    if by == "subword":
        return pieces_of(tokenizer if tokenizer is not None else load_tokenizer(), text)
    raise ValueError(f"by must be 'word', 'char' or 'subword', not {by!r}")


class Vocabulary:
    """Tokens and their ids: the special tokens first, then the others by falling count. Chapter *tokens*.

    Parameters
    ----------
    max_size : int, optional
        Keep at most so many tokens, special ones included.
    min_count : int
        Keep tokens seen at least so often.

    Attributes
    ----------
    tokens_ : list of str
        Token of each id.
    ids_ : dict of str to int
        Id of each token.
    """

    def __init__(self, max_size: int | None = None, min_count: int = 1) -> None:
        self.max_size = max_size
        self.min_count = min_count

    def fit(self, sequences: Iterable[Sequence[str]]) -> Vocabulary:
        """Count the tokens of `sequences` (each a list of strings); ties stand in alphabetical order."""
        counts = Counter(token for sequence in sequences for token in sequence if token not in SPECIAL_TOKENS)
        kept = sorted((token for token, count in counts.items() if count >= self.min_count), key=lambda token: (-counts[token], token))
        self.tokens_ = list(SPECIAL_TOKENS) + kept
        if self.max_size is not None:
            if self.max_size < len(SPECIAL_TOKENS):
                raise ValueError(f"max_size must be at least {len(SPECIAL_TOKENS)} (the special tokens), got {self.max_size}")
            self.tokens_ = self.tokens_[: self.max_size]
        self.ids_ = {token: number for number, token in enumerate(self.tokens_)}
        return self

    def __len__(self) -> int:
        return len(self.tokens_)

    def encode(self, tokens: Sequence[str], special: bool = False) -> list[int]:
        """Ids of tokens, ``[UNK]`` for unknown ones; with `special`, between ``[CLS]`` and ``[SEP]``."""
        ids = [self.ids_.get(token, self.ids_["[UNK]"]) for token in tokens]
        return [self.ids_["[CLS]"], *ids, self.ids_["[SEP]"]] if special else ids

    def decode(self, ids: Sequence[int]) -> list[str]:
        """Tokens of ids.

        Raises
        ------
        ValueError
            For an id that the vocabulary does not have.
        """
        wrong = [number for number in ids if not 0 <= number < len(self)]
        if wrong:
            raise ValueError(f"ids {wrong[:5]} are outside this vocabulary of {len(self)} tokens")
        return [self.tokens_[number] for number in ids]


def pad_batch(sequences: Sequence[Sequence[int]], length: int | None = None, pad_id: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Make id sequences equally long. Chapter *tokens* (article 001, section 2.2).

    Parameters
    ----------
    sequences : sequence of sequences of int
        Ids of each text.
    length : int, optional
        Common length; longer sequences are cut at the end. By default the longest sequence's.
    pad_id : int
        Id that fills up the short ones.

    Returns
    -------
    ids, mask : ndarray of int64, shape (n, length)
        The mask is 1 at real tokens and 0 at padding.

    Raises
    ------
    ValueError
        If `length` is not positive.
    """
    if length is None:
        length = max((len(sequence) for sequence in sequences), default=1) or 1
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    ids = np.full((len(sequences), length), pad_id, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        cut = list(sequence)[:length]
        ids[row, : len(cut)] = cut
        mask[row, : len(cut)] = 1
    return ids, mask


@cache
def load_tokenizer() -> Any:
    """The bundled bilingual WordPiece tokenizer, a :class:`tokenizers.Tokenizer`. Chapter *tokens*."""
    from tokenizers import Tokenizer

    with as_file(files("tokrec").joinpath("data", "tokrec-mini", "tokenizer.json")) as path:
        tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()  # the encoder cuts long texts itself; here every piece counts
    return tokenizer


def pieces_of(tokenizer: Any, text: str) -> list[str]:
    """Subword pieces of a text without special tokens, by a tokenizer of `tokenizers` or of `transformers`. Chapter *tokens*."""
    text = well_formed(text)
    if hasattr(tokenizer, "tokenize"):
        return list(tokenizer.tokenize(text))
    return list(tokenizer.encode(text, add_special_tokens=False).tokens)


def token_statistics(texts: Sequence[str], tokenizer: Any = None) -> pd.DataFrame:
    """Length and unknown tokens of each text. Chapter *tokens*.

    Parameters
    ----------
    texts : sequence of str
    tokenizer : tokenizers.Tokenizer or transformers tokenizer, optional
        The bundled one by default.

    Returns
    -------
    DataFrame
        One row a text: ``characters`` (white space not counted), ``tokens``, ``unknown`` (``[UNK]`` pieces), ``unknown_rate`` in [0, 1].
    """
    tokenizer = tokenizer if tokenizer is not None else load_tokenizer()
    rows = []
    for text in texts:
        pieces = pieces_of(tokenizer, text)
        unknown = sum(piece == "[UNK]" for piece in pieces)
        rows.append((sum(not char.isspace() for char in text), len(pieces), unknown, unknown / len(pieces) if pieces else 0.0))
    return pd.DataFrame(rows, columns=["characters", "tokens", "unknown", "unknown_rate"])


@cache
def bert_base_uncased_han() -> frozenset[str]:
    """The Chinese characters in the vocabulary of ``bert-base-uncased``, the articles' model. Chapter *tokens*.

    A small table that ships with the package; its head names the source.
    """
    text = files("tokrec").joinpath("data", "bert_base_uncased_han.txt").read_text(encoding="utf-8")
    return frozenset("".join(line for line in text.splitlines() if not line.startswith("#")))
