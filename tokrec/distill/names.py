"""Names of things and people: questions about names that were held out, and names that stood in the lists beside names that did not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

Embed = Callable[[list[str]], np.ndarray]
SOURCE = "dbp15k"
QUESTIONS = (  # about a name that was held out; no text of the training asks them, but it asks others of their form
    ("What is the name of the person who founded {}?", "创立{}的人叫什么名字?"),
    ("In which year was {} destroyed?", "{}在哪一年被毁?"),
    ("How large is the area covered by {}?", "{}覆盖的面积有多大?"),
    ("Who defeated {} in the final?", "谁在决赛中击败了{}?"),
    ("What language is used in {}?", "{}使用什么语言?"),
    ("Which award did {} receive?", "{}获得了哪个奖项?"),
    ("To which group does {} belong?", "{}属于哪个群体?"),
    ("What did critics say about {}?", "评论家如何评价{}?"),
)


def questions_found(embed: Embed, names: pd.DataFrame) -> dict[str, np.ndarray]:
    """For each name, how many of the Chinese questions about it find what they should among all English questions about all names.

    Parameters
    ----------
    embed : callable
        Texts to unit vectors.
    names : DataFrame
        Columns ``en, zh``.

    Returns
    -------
    dict of ndarray, shape (n_names,)
        In [0, 1]: ``both`` (the English question with the same name and the same wording), ``name`` (any question about the same
        name), ``wording`` (the same question about any name).
    """
    english, chinese = (
        [question[side].replace("{}", name) for name in names[language] for question in QUESTIONS]
        for side, language in ((0, "en"), (1, "zh"))
    )
    nearest = (embed(chinese) @ embed(english).T).argmax(axis=1).reshape(len(names), len(QUESTIONS))
    name = nearest // len(QUESTIONS) == np.arange(len(names))[:, None]
    wording = nearest % len(QUESTIONS) == np.arange(len(QUESTIONS))
    return {"both": (name & wording).mean(axis=1), "name": name.mean(axis=1), "wording": wording.mean(axis=1)}


def names_found(embed: Embed, held_out: pd.DataFrame, listed: pd.DataFrame) -> dict[str, np.ndarray]:
    """Whether each Chinese name finds its English one among the names of both tables: 0 or 1, for each table."""
    english, chinese = (pd.concat([held_out, listed])[side].tolist() for side in ("en", "zh"))
    right = ((embed(chinese) @ embed(english).T).argmax(axis=1) == np.arange(len(english))).astype(float)
    return {"held out": right[: len(held_out)], "in the training": right[len(held_out) :]}


def name_checks(
    embed: dict[str, Embed | None], train: pd.DataFrame, valid: pd.DataFrame, n: int = 150, random_state: int = 0
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Every check of names with every encoder: name of the check, name of the system, one value a name.

    `train` and `valid` have the columns ``source, en, zh``. As many names are drawn from the training as were held out.
    """
    source = SOURCE if (valid["source"] == SOURCE).any() else valid["source"].iloc[0]
    held_out, known = (pairs[(pairs["source"] == source) & (pairs["zh"] != "") & (pairs["en"] != "")] for pairs in (valid, train))
    listed = known.sample(len(held_out), random_state=random_state)
    tables = [
        lambda encode: {
            f"questions about {len(held_out[:n])} names{part}": values
            for part, values in zip(("", ", the name", ", the wording"), questions_found(encode, held_out[:n]).values(), strict=True)
        },
        lambda encode: {f"names {part}": values for part, values in names_found(encode, held_out, listed).items()},
    ]
    for table in tables:
        found = {system: table(encode) for system, encode in embed.items() if encode}
        for check in next(iter(found.values())):
            yield from ((check, system, values[check]) for system, values in found.items())
