"""Text: cleaning, language, stop words, and the three ways to cut a text into pieces (chapter *tokens*)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from importlib.util import find_spec
from typing import Any, Literal

CJK = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HAN = re.compile(f"[{CJK}]")
_RUNS = re.compile(f"[{CJK}]+|[^{CJK}]+")
# A Latin word keeps what belongs to it: C++, C#, .NET, 4K, x86-64, don't, 3.5, 1,299.
_LATIN = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!,?\d)|\.?[^\W_]+(?:[.'’\-][^\W_]+)*(?:\+\+|#)?")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|&#?\w{1,8};")
_LONG = re.compile(r"\S{200}(?=\S)")  # spaCy's time grows with the square of the length of a run without spaces

Language = Literal["zh", "en", "und"]


def check_text(text: object, name: str = "text") -> str:
    """Return `text` if it is a string. Chapter *tokens*.

    Raises
    ------
    TypeError
        If it is anything else (``None``, ``NaN``, bytes); the message names the argument and the remedy.
    """
    if isinstance(text, str):
        return text
    if isinstance(text, bytes):
        raise TypeError(f"{name} must be a string, not bytes: decode it first, for example {name}.decode('utf-8')")
    remedy = "drop missing values or replace them by ''" if text is None or text != text else "convert it with str()"
    raise TypeError(f"{name} must be a string, got {text!r}: {remedy}")


def check_texts(texts: Sequence[str]) -> list[str]:
    """Return `texts` as a list of strings, or raise ``TypeError`` with the position of the first that is none. Chapter *tokens*."""
    if isinstance(texts, (str, bytes)):
        raise TypeError("texts must be a list of strings, not one string: wrap it in a list")
    return [check_text(text, f"texts[{position}]") for position, text in enumerate(texts)]


def well_formed(text: str) -> str:
    """Replace lone surrogates, halves of characters that no tokenizer takes, by U+FFFD. Chapter *tokens*."""
    return check_text(text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class _Visible(HTMLParser):
    """Collects the text that a browser would show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in ("script", "style") and not self.hidden:
            self.hidden = tag
        self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == self.hidden:
            self.hidden = ""
        self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def clean(text: str) -> str:
    """Remove markup and noise, and nothing that carries meaning.

    HTML tags, scripts, styles and comments go, entities are decoded, characters are put into their usual form
    (Unicode NFKC: full-width letters become normal ones), control characters go, white space becomes single spaces.
    Letter case, digits, punctuation, ``C++`` and emoticons stay.

    Parameters
    ----------
    text : str
        Any string.

    Returns
    -------
    str
        The cleaned text; cleaning it again changes nothing but nested markup.

    Notes
    -----
    Article 001, section 3.2, also deletes "special characters" and stop words at this stage. Chapter *tokens* shows what
    that destroys.
    """
    text = check_text(text)
    if _TAG.search(text):
        parser = _Visible()
        parser.feed(text.replace("<![", "<!"))  # a section such as <![if IE]> is skipped as a comment; as a section it may raise
        parser.close()
        text = "".join(parser.parts)
    text = "".join(char for char in text if char.isspace() or unicodedata.category(char) not in ("Cc", "Cs", "Co"))
    return " ".join(unicodedata.normalize("NFKC", text).split())


def guess_language(text: str) -> Language:
    """Tell Chinese from English by the script.

    Returns
    -------
    {"zh", "en", "und"}
        ``"zh"`` if Chinese characters are at least as many as Latin words, ``"en"`` if not, ``"und"`` (undetermined) if there is
        neither. Chapter *tokens*.
    """
    han = len(HAN.findall(check_text(text)))
    latin = len(re.findall(r"[A-Za-zÀ-ɏ]+", text))
    if not han and not latin:
        return "und"
    return "zh" if han >= latin else "en"


@cache
def stop_words(language: Language | None = None) -> frozenset[str]:
    """Words that say nothing about the topic, lower case (both languages by default). Chapter *keywords*.

    Raises
    ------
    ValueError
        For a language other than ``"zh"`` and ``"en"``.
    """
    if language is None:
        return stop_words("zh") | stop_words("en")
    if language not in ("zh", "en"):
        raise ValueError(f"no stop words for language {language!r}: use 'zh', 'en' or None for both")
    lines = files("tokrec").joinpath("data", "stopwords", f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def words(text: str, drop_stop_words: bool = True) -> list[str]:
    """Lower-case words of a text in either language, ready for counting: the analyzer of :class:`tokrec.TfidfFeatures`.

    Chinese runs are cut by jieba in search mode (智能手表 gives 智能 and 手表 even where the dictionary holds the whole), Latin runs
    by a pattern that keeps ``c++``, ``4k`` and ``don't`` whole and writes 1,299 as ``1299``. Punctuation goes. One-character words stay.
    Chapter *keywords*.
    """
    found: list[str] = []
    for run in _RUNS.findall(clean(text).lower()):
        found += _jieba().lcut_for_search(run) if HAN.match(run) else [word.replace(",", "") for word in _LATIN.findall(run)]
    unwanted = stop_words() if drop_stop_words else frozenset()
    return [word for word in found if word not in unwanted]


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
        pieces: list[str] = []
        for run in _RUNS.findall(well_formed(text)):
            pieces += _jieba().lcut(run) if HAN.match(run) else [token.text for token in _tokens(run)]
        return pieces
    if by == "subword":
        from tokrec.tokens import load_tokenizer, pieces_of

        return pieces_of(tokenizer if tokenizer is not None else load_tokenizer(), text)
    raise ValueError(f"by must be 'word', 'char' or 'subword', not {by!r}")


def part_of_speech(text: str) -> list[tuple[str, str]]:
    """Words with their part-of-speech tags. Chapter *tokens* (article 001, section 3.2).

    Chinese runs get jieba's tags (``n`` noun, ``v`` verb, ``a`` adjective, ``r`` pronoun …); other runs get spaCy's universal tags
    if its trained pipeline ``en_core_web_sm`` is installed, and ``x`` (unknown) if not.
    """
    import jieba.posseg

    _jieba()
    english = _spacy_trained()
    tagged: list[tuple[str, str]] = []
    for run in _RUNS.findall(well_formed(text)):
        if HAN.match(run):
            tagged += [(pair.word, pair.flag) for pair in jieba.posseg.lcut(run)]
        else:
            tagged += [(token.text, token.pos_ or "x") for token in _tokens(run, english)]
    return tagged


def _tokens(run: str, pipeline: Any = None) -> list[Any]:
    """Tokens, by spaCy, of a run that holds no Chinese, white space left out."""
    return [token for token in (pipeline or _spacy_english())(_LONG.sub(r"\g<0> ", run)) if not token.is_space]


@cache
def _jieba() -> Any:
    import logging

    import jieba

    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    return jieba


@cache
def _spacy_english() -> Any:
    import spacy

    return spacy.blank("en").tokenizer


@cache
def _spacy_trained() -> Any:
    if find_spec("en_core_web_sm") is None:
        return None
    import spacy

    return spacy.load("en_core_web_sm")
