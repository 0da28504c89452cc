"""Tokens: vocabularies, padding, the bundled tokenizer, what gets lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokrec.text import well_formed
from tokrec.tokens import (
    SPECIAL_TOKENS,
    Vocabulary,
    bert_base_uncased_han,
    load_tokenizer,
    pad_batch,
    pieces_of,
    segment,
    token_statistics,
)

any_text = settings(max_examples=150, deadline=None)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)
TOKEN_LISTS = st.lists(st.lists(st.text(max_size=4), max_size=6), max_size=8)


@pytest.fixture(scope="module")
def reference():
    """The bundled tokenizer as transformers reads it."""
    from transformers import AutoTokenizer

    from tokrec.features.encoder import bundled_folder

    return AutoTokenizer.from_pretrained(bundled_folder(), local_files_only=True)


def test_vocabulary_by_hand():
    # Counts: b 3, a 2, c 2, d 1. Ties (a and c) stand in alphabetical order, after the five special tokens.
    vocabulary = Vocabulary().fit([["b", "a", "b"], ["c", "a", "c"], ["b", "d"]])
    assert vocabulary.tokens_ == [*SPECIAL_TOKENS, "b", "a", "c", "d"]
    assert vocabulary.encode(["b", "d", "z"]) == [5, 8, 1]
    assert vocabulary.encode(["a"], special=True) == [2, 6, 3]
    assert vocabulary.decode([2, 6, 1, 3]) == ["[CLS]", "a", "[UNK]", "[SEP]"]
    assert len(vocabulary) == 9


def test_vocabulary_limits():
    sequences = [["b", "a", "b"], ["c", "a", "[SEP]"]]
    assert Vocabulary(min_count=2).fit(sequences).tokens_ == [*SPECIAL_TOKENS, "a", "b"]
    assert Vocabulary(max_size=6).fit(sequences).tokens_ == [*SPECIAL_TOKENS, "a"]
    assert Vocabulary().fit([]).tokens_ == list(SPECIAL_TOKENS)
    with pytest.raises(ValueError, match="max_size must be at least 5"):
        Vocabulary(max_size=4).fit(sequences)


@pytest.mark.parametrize("number", [-1, 6])
def test_vocabulary_refuses_unknown_ids(number: int):
    with pytest.raises(ValueError, match="outside this vocabulary of 6 tokens"):
        Vocabulary().fit([["a"]]).decode([5, number])


@any_text
@given(TOKEN_LISTS)
def test_vocabulary_round_trip(sequences: list[list[str]]):
    vocabulary = Vocabulary().fit(sequences)
    assert [vocabulary.decode(vocabulary.encode(sequence)) for sequence in sequences] == sequences
    assert len(set(vocabulary.tokens_)) == len(vocabulary) == len(vocabulary.ids_)


def test_pad_batch_by_hand():
    ids, mask = pad_batch([[7, 8, 9], [4], []])
    assert ids.tolist() == [[7, 8, 9], [4, 0, 0], [0, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    ids, mask = pad_batch([[7, 8, 9], [4]], length=2, pad_id=99)
    assert ids.tolist() == [[7, 8], [4, 99]] and mask.tolist() == [[1, 1], [1, 0]]
    assert [array.shape for array in pad_batch([])] == [(0, 1), (0, 1)]
    with pytest.raises(ValueError, match="length must be at least 1, got 0"):
        pad_batch([[1]], length=0)


@any_text
@given(st.lists(st.lists(st.integers(0, 2**40), max_size=9), max_size=9), st.integers(1, 12) | st.none(), st.integers(0, 9))
def test_pad_batch_properties(sequences: list[list[int]], length: int | None, pad_id: int):
    ids, mask = pad_batch(sequences, length, pad_id)
    width = length or max([1, *map(len, sequences)])
    assert ids.shape == mask.shape == (len(sequences), width)
    assert ids.dtype == mask.dtype == np.int64
    for row, marks, sequence in zip(ids, mask, sequences, strict=True):
        assert row[marks == 1].tolist() == sequence[:width]
        assert (row[marks == 0] == pad_id).all()
        assert (np.diff(marks) <= 0).all()  # ones first, then zeros


@any_text
@given(ANY_TEXT)
def test_tokenizer_takes_any_text(text: str):
    tokenizer = load_tokenizer()
    encoded = tokenizer.encode(well_formed(text))
    assert all(0 <= number < tokenizer.get_vocab_size() for number in encoded.ids)
    assert encoded.tokens[0] == "[CLS]" and encoded.tokens[-1] == "[SEP]"
    assert pieces_of(tokenizer, text) == encoded.tokens[1:-1] == segment(text, "subword")


@pytest.mark.parametrize("text", ["Smart watches, C++ and naïve café.", "想要购买一款智能手表", "机器学习 in NLP 😀", "龘 Ω", ""])
def test_bundled_tokenizer_is_the_one_of_transformers(text: str, reference):
    assert load_tokenizer().encode(text).ids == reference(text)["input_ids"]
    assert pieces_of(reference, text) == pieces_of(load_tokenizer(), text)


def test_bundled_tokenizer_has_the_special_tokens():
    ids = [load_tokenizer().token_to_id(token) for token in SPECIAL_TOKENS]
    assert ids == [0, 1, 2, 3, 4]


def test_long_texts_are_not_cut_when_counting():
    assert len(segment("我" * 5000, "subword")) == 5000
    assert token_statistics(["watch " * 3000])["tokens"].item() >= 3000


def test_chinese_is_cut_into_characters():
    assert segment("我喜欢看电影", "subword") == list("我喜欢看电影")


class FewCharacters:
    """A tokenizer that knows a and b only."""

    def tokenize(self, text: str) -> list[str]:
        return [char if char in "ab" else "[UNK]" for char in text if not char.isspace()]


def test_token_statistics_by_hand():
    table = token_statistics(["ab c", "  ", "xyz"], FewCharacters())
    assert table["characters"].tolist() == [3, 0, 3]
    assert table["tokens"].tolist() == [3, 0, 3]
    assert table["unknown"].tolist() == [1, 0, 3]
    assert table["unknown_rate"].tolist() == pytest.approx([1 / 3, 0, 1])


def test_pieces_of_refuses_what_is_no_text():
    with pytest.raises(TypeError, match="got None"):
        pieces_of(load_tokenizer(), None)


def test_characters_of_bert_base_uncased():
    known = bert_base_uncased_han()
    assert len(known) == 244 and all(len(char) == 1 and "\u3400" <= char for char in known)
    # The article's sentence 我喜欢看电影: five of its six characters become [UNK].
    assert [char for char in "我喜欢看电影" if char in known] == ["我"]
