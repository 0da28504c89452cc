"""Other people's encoders: the right vectors, or a refusal at loading that says why."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BartConfig, BertConfig, DistilBertConfig, GPT2Config, PreTrainedTokenizerFast, RobertaConfig, T5Config

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


T5 = T5Config(vocab_size=len(WORDS), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
BART = BartConfig(
    vocab_size=len(WORDS),
    d_model=16,
    encoder_layers=1,
    decoder_layers=1,
    encoder_attention_heads=2,
    decoder_attention_heads=2,
    encoder_ffn_dim=16,
    decoder_ffn_dim=16,
    max_position_embeddings=20,
    pad_token_id=0,
    bos_token_id=2,
    eos_token_id=3,
    decoder_start_token_id=3,
)


@pytest.mark.parametrize("config", [T5, BART], ids=["t5", "bart"])
def test_an_encoder_decoder_is_refused_at_loading(tmp_path: Path, config: transformers.PretrainedConfig):
    with pytest.raises(
        ValueError, match=r"\((t5|bart)\) can't read a text by itself .*: give a folder with config.json, safetensors weights"
    ):
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


def sentence_folder(folder: Path, pooling: str = "mean_tokens", **files: object) -> Path:
    """A small BERT as sentence-transformers stores one."""
    saved(folder, CONFIGS["bert"])
    for name, content in {"1_Pooling/config.json": {f"pooling_mode_{pooling}": True}, **files}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder


def test_pooling_of_sentence_transformers_is_followed(tmp_path: Path):
    texts = ["smart watch", "red"]
    by_cls = load_encoder(sentence_folder(tmp_path / "cls", "cls_token"))
    np.testing.assert_allclose(by_cls.encode(texts), by_cls.encode(texts, pooling="cls"))
    assert np.abs(by_cls.encode(texts) - by_cls.encode(texts, pooling="mean")).max() > 0.01
    by_mean = load_encoder(sentence_folder(tmp_path / "mean", **{"sentence_bert_config.json": {"max_seq_length": 8}}))
    np.testing.assert_allclose(by_mean.encode(texts), by_mean.encode(texts, pooling="mean"))
    assert by_mean.max_length == 8
    with pytest.raises(ValueError, match="pools by max_tokens, which is not known here: use sentence-transformers"):
        load_encoder(sentence_folder(tmp_path / "max", "max_tokens"))


@pytest.mark.parametrize("fault", ["bias", "width", "activation", "nonsense"])
def test_a_last_layer_that_is_no_plain_map_is_refused(tmp_path: Path, fault: str):
    from safetensors.torch import save_file

    folder = sentence_folder(
        tmp_path,
        **{
            "2_Dense/config.json": {
                "activation_function": "torch.nn.modules.activation.Tanh" if fault == "activation" else "torch.nn.Identity"
            }
        },
    )
    weights = {"linear.weight": torch.ones(4, 3 if fault == "width" else 16)} | ({"linear.bias": torch.ones(4)} if fault == "bias" else {})
    save_file(weights, folder / "2_Dense" / "model.safetensors")
    if fault == "nonsense":
        (folder / "2_Dense" / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ValueError, match="a last layer that is not a plain linear map of 16 numbers|can't be read"):
        load_encoder(folder)


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1", None])
def test_weights_that_are_none_are_refused(tmp_path: Path, content: bytes | None):
    path = saved(tmp_path, CONFIGS["bert"]) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-50] if content is None else content)
    with pytest.raises(ValueError, match="can't be loaded as an encoder"):
        load_encoder(tmp_path)


def test_a_tokenizer_without_special_tokens_gives_blank_texts_the_vector_zero(tmp_path: Path):
    folder = saved(tmp_path, CONFIGS["gpt2"], with_tokenizer=False)
    bare = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, "[UNK]"))
    bare.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=bare, unk_token="[UNK]").save_pretrained(folder)
    for pooling in ("sentence", "cls"):
        vectors = load_encoder(folder).encode(["watch", "", "smart watch"], pooling=pooling)
        assert np.isfinite(vectors).all() and not vectors[1].any() and vectors[0].any()


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "int8", "magic", torch.float16])
def test_number_formats(dtype: object):
    with pytest.raises(ValueError, match="dtype must name a floating-point format of torch, one of float16, bfloat16, float32, float64"):
        load_encoder(dtype=dtype)
