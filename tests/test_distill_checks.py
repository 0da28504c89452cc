"""What the checks of an encoder count, on planted encoders whose answers are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tokrec.distill.checks import found_by_size
from tokrec.distill.minimal_pairs import OTHERS, cosines, counts, minimal_pairs, read_minimal_pairs
from tokrec.distill.names import QUESTIONS, name_checks, names_found, questions_found
from tokrec.distill.report import held_out_differences, held_out_scores
from tokrec.stored import has_extra, read

NAMES = pd.DataFrame({"source": "dbp15k", "en": ["alpha", "beta", "gamma"], "zh": ["甲", "乙", "丙"]})
TRAINING = pd.DataFrame({"source": "dbp15k", "en": [f"word{i}" for i in range(9)], "zh": list("子丑寅卯辰巳午未申")})


def one_hot(place: int, size: int) -> np.ndarray:
    return np.eye(size)[place]


def oracle(texts: list[str]) -> np.ndarray:
    """One direction for each name and one for each wording."""
    every = pd.concat([NAMES, TRAINING])
    vectors = []
    for text in texts:
        name = next((i for i, row in enumerate(every.itertuples()) if row.en in text or row.zh in text), None)
        wording = next(
            (
                i
                for i, sides in enumerate(QUESTIONS)
                for side in sides
                if text.startswith(side.split("{}")[0]) and text.endswith(side.split("{}")[1])
            ),
            None,
        )
        both = [one_hot(name, len(every)) if name is not None else np.zeros(len(every))]
        both.append(one_hot(wording, len(QUESTIONS)) if wording is not None else np.zeros(len(QUESTIONS)))
        vectors.append(np.concatenate(both))
    return np.array(vectors)


def blind_to_names(texts: list[str]) -> np.ndarray:
    vectors = oracle(texts)
    vectors[:, : len(NAMES) + len(TRAINING)] *= 0
    return vectors


def test_a_question_counts_when_both_name_and_wording_are_found() -> None:
    for value in questions_found(oracle, NAMES).values():
        np.testing.assert_array_equal(value, 1)
    blind = questions_found(blind_to_names, NAMES)  # of equal questions the first is found: that of the first name
    np.testing.assert_array_equal(blind["wording"], 1)
    np.testing.assert_array_equal(blind["both"], [1, 0, 0])
    np.testing.assert_array_equal(blind["name"], [1, 0, 0])


def test_names_are_searched_in_one_pool_and_told_apart() -> None:
    def knows_the_training(texts: list[str]) -> np.ndarray:
        vectors = oracle(texts)
        vectors[:, : len(NAMES)] = 0
        return vectors

    found = names_found(knows_the_training, NAMES, TRAINING.iloc[:3])
    assert found["in the training"].tolist() == [1, 1, 1] and found["held out"].sum() <= 1
    checks = list(name_checks({"tfidf": None, "oracle": oracle}, TRAINING, NAMES))
    assert [check for check, _, _ in checks] == [
        "questions about 3 names",
        "questions about 3 names, the name",
        "questions about 3 names, the wording",
        "names held out",
        "names in the training",
    ]
    assert all(system == "oracle" and len(values) == 3 and values.all() for _, system, values in checks)


def test_differences_are_paired_by_text() -> None:
    hits = pd.DataFrame(
        {"source": ["a"] * 4, "student": [1, 1, 1, 0], "second": [1, 0, 1, 0], "joined": [1, 1, 1, 0], "teacher": [0, 0, 0, 0]}
    )
    hits = hits.assign(traditional=hits["student"], reduced=hits["joined"])
    table = held_out_differences(hits).set_index("other")
    assert table.loc["second", "difference"] == 0.25 and table.loc["joined", ["difference", "low", "high"]].tolist() == [0, 0, 0]
    cosines_to_target = pd.DataFrame({"source": ["a"] * 4, "cos_en": [1.0, 0.5, 1.0, 0.5], "cos_zh": [0.0] * 4})
    scores = held_out_scores(hits, cosines_to_target).iloc[0]
    assert (scores["pairs"], scores["student"], scores["second"], scores["cos_en"]) == (4, 0.75, 0.5, 0.75)


def test_leading_numbers_find_more_than_drawn_ones_when_they_hold_more() -> None:
    rng = np.random.default_rng(0)
    en = rng.normal(size=(200, 384)) * np.where(np.arange(384) < 64, 1.0, 0.05)
    vectors = {"en": en, "zh": en + 1.5 * rng.normal(size=en.shape)}
    table = found_by_size(vectors, pd.Series(["a"] * 200)).set_index("size")
    assert table.loc[64, "found"] > table.loc[64, "drawn"] + 0.3
    assert table.loc[384, "found"] == pytest.approx(table.loc[384, "drawn"])


def test_minimal_pairs_are_complete_and_their_cosines_those_of_the_encoder() -> None:
    pairs = read_minimal_pairs()
    assert pairs.groupby(["kind", "language"]).size().tolist() == [12] * 4
    assert not pairs.isna().to_numpy().any() and not pairs["text"].duplicated().any()
    for name in OTHERS:
        assert (pairs[name] != pairs["text"]).all()
    letters = cosines(lambda texts: np.array([[len(text), 1.0] for text in texts]), pairs)
    by_hand = [len(row.text) * len(row.changed) + 1.0 for row in pairs.itertuples()]
    np.testing.assert_allclose(letters["changed"], by_hand)


def test_counting_compares_words_in_english_and_characters_in_chinese() -> None:
    english, chinese = counts(["the soup is hot", "the soup is not hot"]), counts(["汤是热的", "汤不是热的"])
    assert english[0] @ english[1] == pytest.approx(4 / np.sqrt(4 * 5))
    assert chinese[0] @ chinese[1] == pytest.approx(4 / np.sqrt(4 * 5))


@pytest.mark.skipif(not has_extra("distill"), reason="needs the teachers: pip install tokrec[distill]")
def test_stored_minimal_pairs_are_what_the_encoders_say() -> None:
    stored = read("encoder_minimal_pairs")["value"]
    fresh = minimal_pairs()
    assert fresh.columns.tolist() == stored["columns"]
    for new, old in zip(fresh.itertuples(index=False), stored["rows"], strict=True):
        assert list(new[:4]) == old[:4]
        np.testing.assert_allclose(np.array(new[4:], float), old[4:], atol=5e-3)
