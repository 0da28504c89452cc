"""A WordPiece vocabulary for Chinese and English: learned, or with the English pieces that the teacher already knows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokrec.distill.compose import COMPOSED
from tokrec.distill.corpus import CJK, read_pairs
from tokrec.distill.teacher import teacher_folder
from tokrec.distill.traditional import charsmap, traditional_characters

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@cache
def normalizer() -> normalizers.Normalizer:
    """NFKC, traditional Chinese characters as simplified ones, lower case, no accents, spaces around each Chinese character."""
    return normalizers.Sequence([normalizers.NFKC(), normalizers.Precompiled(charsmap()), normalizers.BertNormalizer(lowercase=True)])


def wordpiece(pieces: Iterable[str] = ()) -> Tokenizer:
    """An uncased WordPiece tokenizer with these pieces, in this order; every Chinese character is a word of its own."""
    model = models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]", max_input_chars_per_word=100)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer(), pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def finish(tokenizer: Tokenizer, max_length: int) -> Tokenizer:
    """Put ``[CLS]`` before and ``[SEP]`` behind every text, and cut after `max_length` tokens."""
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_truncation(max_length)
    return tokenizer


def count_characters(texts: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    """How often each Chinese character, and each other character but the space, is in the normalised texts."""
    counts = Counter(char for text in texts for char in normalizer().normalize_str(text) if not char.isspace())
    chinese = Counter({char: count for char, count in counts.items() if CJK.match(char)})
    return chinese, counts - chinese


def train_wordpiece(texts: Iterable[str], vocab_size: int, max_length: int, min_count: int = 2) -> Tokenizer:
    """Learn the vocabulary; every Chinese character seen `min_count` times is a token of its own. Chapter *small_encoder*."""
    texts = list(texts)
    chinese, other = count_characters(texts)
    alphabet = [char for char, count in chinese.items() if count >= min_count]
    alphabet += [char for char, count in other.most_common(400) if count >= 20]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size, special_tokens=SPECIAL, initial_alphabet=alphabet, limit_alphabet=len(alphabet), show_progress=False
    )
    tokenizer = wordpiece()
    tokenizer.train_from_iterator(texts, trainer)
    return finish(tokenizer, max_length)


def inherit_wordpiece(english: list[str], chinese: list[str], known: Any, settings: dict) -> Tokenizer:
    """Choose the vocabulary: the commonest Chinese characters, and for the rest pieces that the teacher has. Chapter *small_encoder*.

    Of five English pieces, three are the commonest of the English texts and two the commonest of the language: the teacher's list
    (from piece 1,996 on, before which are single signs) has them by falling frequency. So a word that our texts hardly use, say
    *documentary*, can still be whole.

    Parameters
    ----------
    english, chinese : list of str
    known : transformers tokenizer
        The teacher's.
    settings : dict
        ``vocab_size``, ``characters`` (Chinese ones, at most) and ``max_length``.
    """
    characters, signs = count_characters([*english, *chinese])
    alphabet = [sign for sign, count in signs.most_common(400) if count >= 20]
    first = [*SPECIAL, *by_count(characters)[: settings["characters"]], *alphabet]
    first += [f"##{sign}" for sign in alphabet if sign.isalnum()]
    words = {piece for piece, number in known.get_vocab().items() if number >= 1996 and piece.isascii()}
    counts = Counter(piece for text in english for piece in known.tokenize(text) if piece in words)
    general = sorted(words, key=known.get_vocab().get)
    chosen = dict.fromkeys(chain(first, three_to_two(by_count(counts), general)))
    return finish(wordpiece(list(chosen)[: settings["vocab_size"]]), settings["max_length"])


def by_count(counts: Counter[str]) -> list[str]:
    """Keys by falling count; equal counts in alphabetical order, so that the list does not depend on chance."""
    return sorted(counts, key=lambda key: (-counts[key], key))


def three_to_two(first: list[str], second: list[str]) -> Iterator[str]:
    """Three of one list, two of the other, and so on to the end of both."""
    for turn in range(max(len(first), len(second))):
        yield from first[3 * turn : 3 * turn + 3]
        yield from second[2 * turn : 2 * turn + 2]


def choose_tokenizer(config: dict, out: Path, folder: Path) -> None:
    """The vocabulary for the texts of the run in `out`, composed texts left out; skipped when `folder` has one."""
    if (folder / "tokenizer" / "tokenizer.json").exists():
        return
    from transformers import AutoTokenizer

    pairs, settings = read_pairs(out / "train.tsv"), config["tokenizer"]
    pairs = pairs[~pairs.source.isin(COMPOSED)]
    english, chinese = pairs.en[pairs.en != ""].tolist(), pairs.zh[pairs.zh != ""].tolist()
    if settings["pieces"] not in ("learned", "inherited"):
        raise ValueError(f'[tokenizer] pieces is {settings["pieces"]!r}: use "inherited" or "learned"')
    if settings["pieces"] == "learned":
        tokenizer = train_wordpiece(english + chinese, settings["vocab_size"], settings["max_length"])
    else:
        tokenizer = inherit_wordpiece(english, chinese, AutoTokenizer.from_pretrained(teacher_folder()), settings)
    save_tokenizer(tokenizer, folder / "tokenizer", settings["max_length"])


def save_tokenizer(tokenizer: Tokenizer, folder: Path, max_length: int) -> None:
    """Write ``tokenizer.json``, the configuration with which transformers takes it as it is, and the plain map of traditional characters.

    ``BertTokenizer`` would rebuild the normaliser without NFKC, and full-width punctuation would become unknown.
    """
    from transformers import PreTrainedTokenizerFast

    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=max_length, **names).save_pretrained(folder)
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))  # again, without a line and an indent for each piece
    (folder / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    path = folder / "tokenizer_config.json"  # one class name that every version of transformers knows
    path.write_text(path.read_text(encoding="utf-8").replace("TokenizersBackend", "PreTrainedTokenizerFast"), encoding="utf-8")
    (folder / "traditional.json").write_text(json.dumps(traditional_characters(), ensure_ascii=False), encoding="utf-8")
