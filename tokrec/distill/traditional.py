"""Traditional Chinese characters as simplified ones inside the tokenizer, so that every program that reads it sees the same."""

from __future__ import annotations

import base64
import io
import json
from functools import cache
from importlib.util import find_spec
from typing import Any

import opencc

from tokrec.features.encoder import bundled_folder


@cache
def traditional_characters() -> dict[str, str]:
    """Traditional characters with their simplified form by OpenCC, where that is one character of GB2312. Chapter *small_encoder*.

    A character has one form here, whatever word it is in: 乾 is 干 in 乾隆 too, where :func:`tokrec.text.simplified` keeps it.
    """
    convert = opencc.OpenCC("t2s").convert
    forms = {char: convert(char) for char in map(chr, range(0x4E00, 0xA000))}
    return {char: simple for char, simple in forms.items() if simple != char and len(simple) == 1 and in_gb2312(simple)}


def in_gb2312(char: str) -> bool:
    """Whether the usual set of simplified characters has this one."""
    try:
        return bool(char.encode("gb2312"))
    except UnicodeEncodeError:
        return False


def charsmap() -> bytes:
    """:func:`traditional_characters` as the trie that the normaliser ``Precompiled`` takes.

    Built by sentencepiece's trainer; where that is not installed, the one that the bundled tokenizer carries, which is the same.
    """
    return built_charsmap() if find_spec("sentencepiece") else bundled_charsmap()


def bundled_charsmap() -> bytes:
    """The trie in the bundled tokenizer."""
    described = json.loads((bundled_folder() / "tokenizer.json").read_text(encoding="utf-8"))
    (own,) = [part for part in described["normalizer"]["normalizers"] if part["type"] == "Precompiled"]
    return base64.b64decode(own["precompiled_charsmap"])


def built_charsmap() -> bytes:
    """The trie, made anew."""
    import tempfile
    from pathlib import Path

    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    with tempfile.TemporaryDirectory() as folder:
        rules, model = Path(folder) / "rules.tsv", io.BytesIO()
        rules.write_text("".join(f"{ord(a):X}\t{ord(b):X}\n" for a, b in traditional_characters().items()), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["a b c"]),
            model_writer=model,
            vocab_size=8,
            model_type="char",
            normalization_rule_tsv=str(rules),
            minloglevel=2,
        )
    proto: Any = sentencepiece_model_pb2  # its classes are made when it is imported
    return proto.ModelProto.FromString(model.getvalue()).normalizer_spec.precompiled_charsmap
