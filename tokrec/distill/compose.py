"""Texts made of other texts: longer ones, entries of a catalogue, and the questions and wishes that readers type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

COMPOSED = ("joined", "listed", "asked")
QUESTIONS = Path(__file__).with_name("questions.tsv")  # English ⇥ Chinese, with {} where a name or a word goes


def joined(pairs: pd.DataFrame, rng: np.random.Generator) -> tuple[str, str]:
    """Up to six texts of one source, one after another, with their translations if they have any."""
    limit, rows = rng.integers(100, 400), pairs.iloc[rng.integers(len(pairs), size=6)]
    english, chinese = rows["en"].astype(str).tolist(), rows["zh"].astype(str).tolist()
    lengths = [len(a) or 4 * len(b) for a, b in zip(english, chinese, strict=True)]
    whole = 1 + int((np.cumsum(lengths)[1:] <= limit).sum())
    return " ".join(english[:whole]), "".join(chinese[:whole])


def listed(names: pd.DataFrame, words: list[tuple[str, str]], rng: np.random.Generator) -> tuple[str, str]:
    """A name, half of the time a year, and one to four words, in both languages."""
    english, chinese = names.iloc[rng.integers(len(names))][["en", "zh"]]
    year = f" ({rng.integers(1920, 2027)})" if rng.random() < 0.5 else ""
    comma = ", " if rng.random() < 0.5 else " "
    chosen = [words[i] for i in rng.integers(len(words), size=rng.integers(1, 5))]
    of_language = zip(*chosen, strict=True)
    english, chinese = (f"{name}{year} {comma.join(parts)}" for name, parts in zip((english, chinese), of_language, strict=True))
    return english, chinese


def asked(questions: list[tuple[str, str]], names: pd.DataFrame, words: list[tuple[str, str]], rng: np.random.Generator) -> tuple[str, str]:
    """A question or a wish about a name or, as often, about one or two common words, in both languages."""
    english, chinese = questions[rng.integers(len(questions))]
    if rng.random() < 0.5:
        about = names.iloc[rng.integers(len(names))][["en", "zh"]].tolist()
    else:
        chosen = [words[i] for i in rng.integers(len(words), size=rng.integers(1, 3))]
        about = [" ".join(word for word, _ in chosen), "".join(word for _, word in chosen)]
    return english.replace("{}", about[0]), chinese.replace("{}", about[1])


def read_questions() -> list[tuple[str, str]]:
    """The patterns of questions and wishes: English and Chinese, ``{}`` where the thing asked about goes."""
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    return [(english, chinese) for english, chinese in (line.split("\t") for line in lines)]


def common_words(pairs: pd.DataFrame, dictionary: dict[str, list[str]], least: int = 5, stop: int = 200) -> list[tuple[str, str]]:
    """Dictionary words that the texts use at least `least` times, but for the `stop` commonest, with the usual translation.

    Of a word's translations, those of two or more characters come first, and of these the one that the Chinese texts have most often.
    """
    english = Counter(word for text in pairs.en for word in text.lower().split())
    chinese = Counter(text[i : i + size] for text in pairs.zh for size in (1, 2, 3, 4) for i in range(len(text) - size + 1))
    too_common = {word for word, _ in english.most_common(stop)}
    words = [word for word in dictionary if english[word] >= least and word not in too_common]
    return [(word, max(dictionary[word], key=lambda zh: (min(len(zh), 2), chinese[zh]))) for word in words]


def compose(pairs: pd.DataFrame, dictionary: dict[str, list[str]], config: dict, random_state: int) -> pd.DataFrame:
    """Composed texts: columns ``source, en, zh``, the source "joined", "listed" or "asked".

    Parameters
    ----------
    pairs : DataFrame
        The texts that they are made of: columns ``source, en, zh``.
    dictionary : dict
        English word to its Chinese translations.
    config : dict
        How many texts of each kind (``joined``, ``listed``, ``asked``), and from which sources (``joined_from``, and ``listed_from`` for
        both others, each a string of names with spaces between them). A kind whose sources are not there is left out.
    random_state : int
    """
    rng = np.random.default_rng(random_state)
    sentences = pairs[pairs.source.isin(config["joined_from"].split())]
    names = pairs[pairs.source.isin(config["listed_from"].split())]
    sources, words = [own for _, own in sentences.groupby("source")], common_words(sentences, dictionary)
    makers: dict[str, Callable[[], tuple[str, str]]] = {}
    if sources:
        makers["joined"] = lambda: joined(sources[rng.integers(len(sources))], rng)
    if len(names) and words:
        makers["listed"] = lambda: listed(names, words, rng)
        questions = read_questions()
        makers["asked"] = lambda: asked(questions, names, words, rng)
    rows = [(kind, *make()) for kind, make in makers.items() for _ in range(config[kind])]
    return pd.DataFrame(rows, columns=["source", "en", "zh"])
