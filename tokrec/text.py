"""Text: what an item says, cleaning, language, stop words, words (chapter *tokens*)."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import cache
from html import unescape
from html.parser import HTMLParser
from importlib.resources import files
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

from tokrec.checks import check_text, is_missing
from tokrec.cutting import CJK, HAN, jieba_ready, script_runs, simplified, spacy_tokens, trained_spacy

if TYPE_CHECKING:
    import pandas as pd

# A Latin word keeps what belongs to it: C++, C#, .NET, 4K, x86-64, don't, 3.5, 1,299.
_LATIN = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!,?\d)|\.?[^\W_]+(?:[.'’\-][^\W_]+)*(?:\+\+|#)?")
# Comments, scripts and styles (one that is never closed to the end) are cut out here: the parser would look for each end anew.
_UNSEEN = re.compile(r"<!--(?:-?>|.*?--!?>)|<(script|style)\b.*?(?:</\1[^>]*>|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|&#?\w{1,8};")
# Soft hyphen, zero-width space, marks of direction, byte-order mark, tags. The joiners (200C, 200D) stay where a script or an emoji needs
# them: not beside a Latin letter, a digit or a Chinese character.
_PLAIN = rf"[0-9A-Za-zÀ-ɏ{CJK}]"
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
    rf"|[\u200c\u200d](?={_PLAIN})|(?<={_PLAIN})[\u200c\u200d]"
)

ITEM_TEXT = ("title_en", "title_zh", "text_en", "text_zh")
LABELS = {"genre": "en", "tags": "en", "genre_zh": "zh", "tags_zh": "zh"}

Language = Literal["zh", "en", "und"]


def well_formed(text: str) -> str:
    """Replace lone surrogates, halves of characters that no tokenizer takes, by U+FFFD. Chapter *tokens*."""
    return check_text(text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class _Visible(HTMLParser):
    """Collects the text that a browser would show, scripts and comments left out before."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _few_marks(text: str) -> str:
    """At most 30 combining marks in a row, as Unicode's stream-safe form has it: ordering more takes quadratic time."""
    if not any(map(unicodedata.combining, text)):
        return text
    kept, row = [], 0
    for char in text:
        row = row + 1 if unicodedata.combining(char) else 0
        if row <= 30:
            kept.append(char)
    return "".join(kept)


def _shown(text: str) -> str:
    """What a browser would show of markup, in time that grows with the length of the text whatever it holds."""
    closed = max(text.rfind("-->"), text.rfind("--!>"))  # what looks like a comment and begins later is none
    text = text[: closed + 1] + text[closed + 1 :].replace("<!--", "&lt;!--")
    text = _UNSEEN.sub(lambda match: "" if match[0].startswith("<!--") else " ", text)
    end = text.rfind(">") + 1  # what follows holds no whole tag; the parser would look for its end again and again
    parser = _Visible()
    parser.feed(text[:end].replace("<![", "<!"))  # a section such as <![if IE]> is skipped as a comment; as a section it may raise
    parser.close()
    return "".join(parser.parts) + unescape(text[end:])


def clean(text: str) -> str:
    """Remove markup and noise, and nothing that carries meaning.

    HTML tags, scripts, styles and comments go, entities are decoded, characters are put into their usual form
    (Unicode NFKC: full-width letters become normal ones), control characters and invisible ones (soft hyphens, zero-width spaces) go,
    white space becomes single spaces.
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
        text = _shown(text)
    text = _few_marks("".join(char for char in text if char.isspace() or unicodedata.category(char) not in ("Cc", "Cs", "Co")))
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return " ".join(unicodedata.normalize("NFKC", text).split())  # once more: what stood on both sides may belong together


def check_query(text: str) -> str:
    """Return `text` cleaned; ``ValueError`` if nothing is left of it. Chapter *recommender*."""
    cleaned = clean(text)
    if not cleaned:
        raise ValueError("the query is blank: say in a few words what you are looking for")
    return cleaned


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

    Traditional characters become simplified ones. Chinese runs are cut by jieba in search mode (智能手表 gives 智能 and 手表 even where
    the dictionary holds the whole), Latin runs by a pattern that keeps ``c++``, ``4k`` and ``don't`` whole and writes 1,299 as ``1299``.
    Words of jieba's dictionary that mix both stay whole, such as ``t恤``, and so do those that were added to it. Punctuation goes.
    One-character words stay. Chapter *keywords*.
    """
    found: list[str] = []
    for piece, whole in script_runs(simplified(clean(text)).replace("’", "'")):
        piece = piece.lower()
        if whole:
            found.append(piece)
        else:
            found += jieba_ready().lcut_for_search(piece) if HAN.match(piece) else [word.replace(",", "") for word in _LATIN.findall(piece)]
    unwanted = stop_words() if drop_stop_words else frozenset()
    return [word for word in found if word not in unwanted]


def lexical_tokens(text: str) -> list[str]:
    """Words and punctuation as they stand: jieba for Chinese runs, spaCy for the rest, no white space. Chapter *tokens*."""
    tokens: list[str] = []
    for piece, whole in script_runs(well_formed(text)):
        if whole:
            tokens.append(piece)
        else:
            tokens += jieba_ready().lcut(piece) if HAN.match(piece) else [token.text for token in spacy_tokens(piece)]
    return tokens


def part_of_speech(text: str) -> list[tuple[str, str]]:
    """Words with their part-of-speech tags. Chapter *tokens* (article 001, section 3.2).

    Chinese runs get jieba's tags (``n`` noun, ``v`` verb, ``a`` adjective, ``r`` pronoun …); other runs get spaCy's universal tags
    if its trained pipeline ``en_core_web_sm`` is installed, and ``x`` (unknown) if not.
    """
    import jieba.posseg

    jieba_ready()
    english = trained_spacy()
    tagged: list[tuple[str, str]] = []
    for piece, whole in script_runs(well_formed(text)):
        if whole:
            tagged.append((piece, jieba.posseg.dt.word_tag_tab.get(piece, "x")))
        elif HAN.match(piece):
            tagged += [(pair.word, pair.flag) for pair in jieba.posseg.lcut(piece)]
        else:
            tagged += [(token.text, token.pos_ or "x") for token in spacy_tokens(piece, english)]
    return tagged


def item_texts(items: pd.DataFrame, language: str | None = None, labels: bool = False) -> list[str]:
    """One text an item: its title and text columns joined, in one language or both. Chapter *recommender*.

    Parameters
    ----------
    items : DataFrame
    language : {"en", "zh"}, optional
        Take the columns of this language, and those that say none; all by default.
    labels : bool
        Add the shelf's genre and tags, as a shop's search does. Recommenders do; chapters that predict tags must not.

    Raises
    ------
    ValueError
        If `items` has none of the columns ``title_en, title_zh, text_en, text_zh, title, text``.
    """
    wanted = [
        name
        for name in (*ITEM_TEXT, "title", "text")
        if name in items and (language is None or name.endswith(language) or name in ("title", "text"))
    ]
    if not wanted:
        raise ValueError(
            f"items has no text column: name one of {', '.join(ITEM_TEXT)}, title or text (it has {', '.join(map(str, items.columns))})"
        )
    if labels:
        wanted += [name for name, spoken in LABELS.items() if name in items and language in (None, spoken)]
    cells = [[_plain(value, str(name), row) for row, value in enumerate(items[name])] for name in wanted]
    return [" ".join(filter(None, parts)) for parts in zip(*cells, strict=True)]


def _plain(value: Any, column: str, row: int) -> str:
    """A cell as text: a list of tags joined, a missing value as nothing, a number as it is written."""
    if isinstance(value, str):
        return value
    if is_missing(value):
        return ""
    if isinstance(value, (list, tuple, set, frozenset)) or getattr(value, "ndim", 0) == 1:
        return " ".join(_plain(part, column, row) for part in value)
    if isinstance(value, Real):
        return str(int(float(value))) if float(value).is_integer() else str(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"items has {value!r} in column {column!r}, row {row}: text columns hold strings, numbers or lists of strings")
