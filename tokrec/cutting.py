"""The tools that cut a text: jieba for Chinese, spaCy for the rest, OpenCC for traditional characters (chapter *tokens*)."""

from __future__ import annotations

import os
import re
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any

from tokrec.checks import check_text

CJK = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HAN = re.compile(f"[{CJK}]")
_RUNS = re.compile(f"[{CJK}]{{1,1000}}|[^{CJK}]+")  # jieba's time grows with the square of the length of a run
_ZONE = re.compile(rf"[^\W_]*(?:[{CJK}][^\W_{CJK}]|[^\W_{CJK}][{CJK}])[^\W_]*")  # letters, Chinese beside other ones
_LONG = re.compile(r"\S{200}(?=\S)")  # spaCy's time grows with the square of the length of a run without spaces


def simplified(text: str) -> str:
    """Traditional Chinese characters as simplified ones, by OpenCC's dictionary; whole words decide where one character does not.

    :func:`words` does it, so keywords and TF-IDF find 智慧手錶 and 智慧手表 alike; :func:`clean` and :func:`tokrec.segment` leave the
    writing as it is. Chapter *keywords*.
    """
    return _opencc().convert(text) if HAN.search(check_text(text)) else text


def script_runs(text: str) -> list[tuple[str, bool]]:
    """Runs of Chinese and of other characters (False), and between them the dictionary's words that mix both (True). Chapter *tokens*."""
    pattern, spelling = _mixed_words(len(jieba_ready().dt.FREQ), jieba_ready().dt.total)
    pieces: list[tuple[str, bool]] = []
    start = 0
    for place in _ZONE.finditer(text) if pattern.search(text) else ():
        zone = place[0]
        if not pattern.search(zone):
            continue
        spelled = pattern.sub(lambda match: spelling[match[0].lower()], zone)  # as the dictionary has it, equally long
        position = place.start()
        for token in jieba_ready().lcut(spelled):
            if token.lower() in spelling:
                pieces += [(run, False) for run in _RUNS.findall(text[start:position])]
                start = position + len(token)
                pieces.append((text[position:start], True))
            position += len(token)
    return pieces + [(run, False) for run in _RUNS.findall(text[start:])]


def spacy_tokens(run: str, pipeline: Any = None) -> list[Any]:
    """Tokens, by spaCy, of a run that holds no Chinese, white space left out. Chapter *tokens*."""
    return [token for token in (pipeline or _spacy_english())(_LONG.sub(r"\g<0> ", run)) if not token.is_space]


@lru_cache(maxsize=1)
def _mixed_words(size: int, total: int) -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of the words in jieba's dictionary that mix scripts, and how they are spelled there; anew when words were added."""
    counts = jieba_ready().dt.FREQ
    mixed = {word.lower(): word for word, count in counts.items() if count and _ZONE.fullmatch(word)}
    ordered = sorted(mixed, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered)) or "(?!)", re.IGNORECASE), mixed


@cache
def jieba_ready() -> Any:
    """jieba with its dictionary loaded; what it keeps for the next start lies in the user's cache folder.

    jieba itself takes a file of the shared temporary folder, which anybody could have put there. Chapter *tokens*.
    """
    import logging
    import tempfile

    import jieba
    from platformdirs import user_cache_path

    jieba.setLogLevel(logging.CRITICAL)  # that the cache can't be written is no reason for a traceback
    folder = user_cache_path("tokrec") / "jieba"
    shared = tempfile.tempdir
    with tempfile.TemporaryDirectory() as private:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            usable = os.access(folder, os.W_OK)
        except OSError:
            usable = False
        jieba.dt.tmp_dir = tempfile.tempdir = str(folder) if usable else private  # jieba writes aside in tempdir and moves
        try:
            jieba.initialize()
        finally:
            tempfile.tempdir = shared
    return jieba


@cache
def _opencc() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


@cache
def _spacy_english() -> Any:
    import spacy

    return spacy.blank("en").tokenizer


@cache
def trained_spacy() -> Any:
    """spaCy's trained English pipeline if it is installed, else None. Chapter *tokens*."""
    if find_spec("en_core_web_sm") is None:
        return None
    import spacy

    return spacy.load("en_core_web_sm")
