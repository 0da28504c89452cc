"""Other people's encoders: the right vectors, or a refusal at loading that says why."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, DistilBertConfig, GPT2Config, PreTrainedTokenizerFast, RobertaConfig, T5Config

from tokrec.features.encoder import load_encoder
from tokrec.features.hub import longest_text

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "watch", "smart", "智", "能", "手", "表", "red"]


def tokenizer() -> PreTrainedTokenizerFast:
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, "[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=100_000, **special)


def saved(folder: Path, config: transformers.PretrainedConfig, with_tokenizer: bool = True) -> Path:
    torch.manual_seed(0)
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    if with_tokenizer:
        tokenizer().save_pretrained(folder)
    return folder


SMALL = {
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "pad_token_id": 0,
}
CONFIGS = {
    "bert": BertConfig(**SMALL, max_position_embeddings=20),
    "roberta": RobertaConfig(**SMALL, max_position_embeddings=20, type_vocab_size=1),
    "distilbert": DistilBertConfig(vocab_size=len(WORDS), dim=16, hidden_dim=16, n_layers=1, n_heads=2, max_position_embeddings=20),
    "gpt2": GPT2Config(vocab_size=len(WORDS), n_embd=16, n_layer=1, n_head=2, n_positions=20),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_encoders_of_several_kinds_read_long_texts(tmp_path: Path, kind: str):
    encoder = load_encoder(saved(tmp_path, CONFIGS[kind]))
    long = " ".join(["smart watch"] * 500)
    vectors = encoder.encode(["smart watch", long, ""])
    assert vectors.shape == (3, 16) and np.isfinite(vectors).all()
    np.testing.assert_allclose(encoder.encode([long])[0], vectors[1], atol=1e-5)
    assert len(encoder.token_vectors(long).tokens) == encoder.max_length == {"roberta": 19}.get(kind, 20)


def test_longest_text_by_hand():
    made = tokenizer()
    assert longest_text(RobertaConfig(max_position_embeddings=514, pad_token_id=1), made) == 512
    assert longest_text(RobertaConfig(max_position_embeddings=130, pad_token_id=1), made) == 128
    assert (
        longest_text(BertConfig(max_position_embeddings=512), made) == 512 == longest_text(BertConfig(max_position_embeddings=8192), made)
    )
    made.model_max_length = 64
    assert longest_text(BertConfig(max_position_embeddings=512), made) == 64


def test_an_encoder_decoder_is_refused_at_loading(tmp_path: Path):
    config = T5Config(vocab_size=len(WORDS), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    with pytest.raises(ValueError, match=r"\(t5\) can't read a text by itself .*: give a folder with config.json, safetensors weights"):
        load_encoder(saved(tmp_path, config))


def test_a_folder_without_tokenizer_is_refused(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="has no tokenizer files"):
        load_encoder(saved(tmp_path, CONFIGS["bert"], with_tokenizer=False))
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
    with pytest.raises(ValueError, match="a tokenizer without a vocabulary"):
        load_encoder(tmp_path)


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path):
    folder = saved(tmp_path, BertConfig(**(SMALL | {"vocab_size": 6}), max_position_embeddings=20))
    with pytest.raises(ValueError, match="a tokenizer with ids up to .* and a model for 6 tokens: the two don't belong together"):
        load_encoder(folder)


def test_pickled_weights_are_refused(tmp_path: Path):
    folder = saved(tmp_path, CONFIGS["bert"])
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match=r"has its weights in pickle \(pytorch_model\.bin\), which can run a stranger's code"):
        load_encoder(folder)
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(FileNotFoundError, match="has no weights"):
        load_encoder(folder)
    (folder / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match="has no config.json"):
        load_encoder(folder)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path):
    from safetensors.torch import load_file, save_file

    folder = saved(tmp_path, CONFIGS["bert"])
    weights = load_file(folder / "model.safetensors")
    weights["embeddings.word_embeddings.weight"][:] = float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match="gives vectors that are not finite"):
        load_encoder(folder)


def test_weights_of_another_architecture_are_refused(tmp_path: Path):
    folder = saved(tmp_path, CONFIGS["bert"])
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(ValueError, match="lacks weights of its own architecture"):
        load_encoder(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "no-such-thing"}))
    with pytest.raises(ValueError, match="can't be loaded as an encoder"):
        load_encoder(folder)


@pytest.mark.parametrize(
    "name", [r"C:\models\bert", "D:/models/bert", r"models\bert", r"\\server\models", "./models", "../x", "/models/bert", "~/bert", "a/b/c"]
)
def test_a_path_that_does_not_exist_is_no_hub_id(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tokrec.features.hub._check_reachable", lambda name: pytest.fail("asked the hub"))
    with pytest.raises(FileNotFoundError, match="there is no folder .*: give a folder with config.json, or a hub id"):
        load_encoder(name)
