"""The encoder: the same vectors alone, in a batch, by hand with transformers, and by sentence-transformers."""

import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from growth import assert_linear

from tokrec.datasets.shelf import load_shelf
from tokrec.features import cache, hub
from tokrec.features import encoder as enc
from tokrec.features.cache import cached, shipped_path, shipped_vectors, vectors_key
from tokrec.text import item_texts

TEXTS = [
    "I am interested in technology and programming.",
    "想要购买一款智能手表",
    "我喜欢看电影",
    "A",
    "",
    "机器学习 in natural language processing, C++ 😀",
    "the quick brown fox " * 20,
    "长" * 400,
]


@pytest.fixture(scope="module")
def encoder() -> enc.Encoder:
    return enc.load_encoder(device="cpu")


@pytest.fixture(scope="module")
def by_hand() -> dict[str, np.ndarray]:
    """States of each text alone by transformers, pooled with a mask in NumPy; no tokrec involved but for the folder."""
    import torch
    from safetensors.numpy import load_file
    from transformers import AutoModel, AutoTokenizer

    folder = enc.bundled_folder()
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    matrix = load_file(folder / "2_Dense" / "model.safetensors")["linear.weight"].astype(np.float32)
    states = []
    for text in TEXTS:
        with torch.inference_mode():
            states.append(model(**tokenizer(text, return_tensors="pt", truncation=True, max_length=256)).last_hidden_state[0].numpy())
    mean = np.stack([rows.mean(axis=0) for rows in states])
    return {"cls": np.stack([rows[0] for rows in states]), "mean": mean, "sentence": mean @ matrix.T}


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("pooling", ["sentence", "mean", "cls"])
def test_equals_transformers_by_hand(encoder: enc.Encoder, by_hand: dict[str, np.ndarray], pooling: str):
    np.testing.assert_allclose(encoder.encode(TEXTS, pooling=pooling), unit(by_hand[pooling]), atol=1e-5)
    raw = encoder.encode(TEXTS, pooling=pooling, normalize=False)
    np.testing.assert_allclose(raw, by_hand[pooling], atol=1e-4, rtol=1e-4)
    assert not np.allclose(np.linalg.norm(raw, axis=1), 1)


def test_equals_sentence_transformers(encoder: enc.Encoder):
    library = pytest.importorskip("sentence_transformers", reason="pip install sentence-transformers")
    model = library.SentenceTransformer(str(enc.bundled_folder()), device="cpu")
    np.testing.assert_allclose(encoder.encode(TEXTS), model.encode(TEXTS, normalize_embeddings=True), atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 64])
def test_alone_equals_batch(encoder: enc.Encoder, batch_size: int):
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(encoder.encode(TEXTS, batch_size=batch_size), alone, atol=1e-4)


def test_names_find_their_translations(encoder: enc.Encoder):
    """A floor under the shipped weights: the lower end of the 95 % interval on the day they were made."""
    entities = load_shelf().entities
    plain = entities[~entities["name_en"].str.contains("[一-鿿]") & ~entities["name_zh"].str.contains("[A-Za-z]")]
    plain = plain.drop_duplicates("name_en").drop_duplicates("name_zh").iloc[::3].head(600)
    en, zh = encoder.encode(plain["name_en"].tolist()), encoder.encode(plain["name_zh"].tolist())
    own = np.arange(len(plain))
    found = [float(((a @ b.T).argmax(axis=1) == own).mean()) for a, b in ((zh, en), (en, zh))]
    assert len(plain) == 600
    assert found[0] > 0.58 and found[1] > 0.58


def test_order_is_kept(encoder: enc.Encoder):
    order = np.random.default_rng(0).permutation(len(TEXTS))
    shuffled = encoder.encode([TEXTS[i] for i in order], batch_size=2)
    np.testing.assert_allclose(shuffled, encoder.encode(TEXTS)[order], atol=1e-4)
    assert np.linalg.norm(shuffled - encoder.encode(TEXTS), axis=1).max() > 0.1  # the texts do differ


def test_padding_never_enters(encoder: enc.Encoder):
    states, mask = encoder._states([[2, 50, 3], [2, *range(50, 90), 3]])
    padded, alone = states.detach().numpy(), encoder._states([[2, 50, 3]])[0].detach().numpy()
    assert mask[0].tolist() == [1, 1, 1] + [0] * 39
    np.testing.assert_allclose(padded[0, :3], alone[0], atol=1e-4)
    assert np.abs(padded[0, 3:]).max() > 0.1  # padding has states, which a mean without a mask would take in


@pytest.mark.parametrize(("pooling", "width"), [("sentence", 384), ("mean", 384), ("cls", 384)])
def test_shapes(encoder: enc.Encoder, pooling: str, width: int):
    for texts in ([], ["a"], TEXTS):
        rows = encoder.encode(texts, pooling=pooling)
        assert rows.shape == (len(texts), width) and rows.dtype == np.float32
        assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-5)


def test_blank_texts_have_the_vector_of_two_special_tokens(encoder: enc.Encoder):
    rows = encoder.encode(["", " \n\u3000"])
    assert np.isfinite(rows).all() and rows[0] == pytest.approx(rows[1])
    assert encoder.token_vectors("").tokens == ["[CLS]", "[SEP]"]


def test_long_and_strange_texts(encoder: enc.Encoder):
    assert len(encoder.token_vectors("长" * 5000).tokens) == 256 == encoder.max_length
    assert encoder.token_vectors("长" * 5000).tokens[-1] == "[SEP]"
    assert np.isfinite(encoder.encode(["\ud800", "😀" * 50, "\x00", "א" * 9, "a\u0301" * 40])).all()


def test_time_grows_with_the_length_of_a_text(encoder: enc.Encoder):
    assert_linear(lambda size: encoder.encode(["smart watch 智能手表。" * (size // 20)]), 250_000)


def test_token_vectors_pool(encoder: enc.Encoder, by_hand: dict[str, np.ndarray]):
    found = encoder.token_vectors(TEXTS[1])
    assert found.tokens == ["[CLS]", *TEXTS[1], "[SEP]"] and found.vectors.shape == (12, 384)
    np.testing.assert_allclose(found.pool(), by_hand["mean"][1], atol=1e-4)
    # Weights are divided by their sum: (1 · first + 3 · last) / 4.
    weights = [1, *[0] * 10, 3]
    np.testing.assert_allclose(found.pool(weights), (found.vectors[0] + 3 * found.vectors[-1]) / 4, atol=1e-6)
    for wrong in ([1.0], [0] * 12, [-1] + [1] * 11):
        with pytest.raises(ValueError, match="weights must be 12 numbers, one a token, none negative and not all zero"):
            found.pool(wrong)


def test_context_changes_a_token(encoder: enc.Encoder):
    kitchen, shop = (encoder.token_vectors(text) for text in ("苹果和香蕉放进碗里", "苹果发布新手机"))
    assert kitchen.tokens[1:3] == shop.tokens[1:3] == ["苹", "果"]
    assert float(np.dot(*unit(np.stack([kitchen.vectors[1], shop.vectors[1]])))) < 0.999


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ("one", TypeError, "texts must be a list of values, not one str: wrap it in a list"),
        (["a", None], TypeError, r"texts\[1\] must be a string, got None: drop missing values"),
        ([float("nan")], TypeError, r"texts\[0\] must be a string, got nan"),
        ([b"a"], TypeError, r"texts\[0\] must be a string, not bytes: decode it first"),
    ],
)
def test_bad_texts(encoder: enc.Encoder, texts, error: type, message: str):
    with pytest.raises(error, match=message):
        encoder.encode(texts)


def test_bad_options(encoder: enc.Encoder):
    with pytest.raises(ValueError, match="pooling must be 'sentence', 'mean', 'cls' or 'pooler', not 'max'"):
        encoder.encode(["a"], pooling="max")
    with pytest.raises(ValueError, match="tokrec-mini has no pooling layer"):
        encoder.encode(["a"], pooling="pooler")
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        encoder.encode(["a"], batch_size=0)
    with pytest.raises(ValueError, match="dtype must name a floating-point format.*'int8'"):
        enc.load_encoder(dtype="int8")
    with pytest.raises(ValueError, match="device 'nonsense' cannot be used here.*take 'cpu'"):
        enc.load_encoder(device="nonsense")


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-5), ("bfloat16", 0.05)])
def test_number_formats(encoder: enc.Encoder, dtype: str, tolerance: float):
    rows = enc.load_encoder(device="cpu", dtype=dtype).encode(TEXTS)
    assert rows.dtype == np.float32 and np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    np.testing.assert_allclose(rows, encoder.encode(TEXTS), atol=tolerance)


def test_default_device_and_name(encoder: enc.Encoder):
    import torch

    assert str(encoder.device) == "cpu" and encoder.name == "tokrec-mini" and encoder.dimension == 384
    assert "tokrec-mini" in repr(encoder)
    if not (torch.cuda.is_available() or torch.backends.mps.is_available()):
        assert enc.best_device() == "cpu"


def test_gpu_equals_cpu(encoder: enc.Encoder):
    if enc.best_device() == "cpu":
        pytest.skip("no GPU here")
    np.testing.assert_allclose(enc.load_encoder().encode(TEXTS), encoder.encode(TEXTS), atol=1e-3)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(enc.bundled_folder(), tmp_path / "copy"))


def test_a_folder_loads_like_the_bundled_model(encoder: enc.Encoder, copy: Path):
    other = enc.load_encoder(copy, device="cpu")
    assert other.dimension == 384 and other.max_length == 256
    np.testing.assert_allclose(other.encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)
    with pytest.raises(ValueError, match="has no pooling layer"):
        other.encode(["a"], pooling="pooler")
    assert other.token_vectors("我喜欢").tokens == ["[CLS]", "我", "喜", "欢", "[SEP]"]


def test_weights_are_the_ones_that_were_shipped(copy: Path):
    enc.check_weights(copy)
    assert sum(path.stat().st_size for path in copy.rglob("*") if path.is_file()) <= 16_000_000


@pytest.mark.parametrize("name", ["model.safetensors", "2_Dense/model.safetensors"])
def test_damaged_weights_are_refused(copy: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    path = copy / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    monkeypatch.setattr(enc, "bundled_folder", lambda: copy)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged.*reinstall tokrec"):
        enc.load_encoder()
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors is missing: reinstall tokrec"):
        enc.load_encoder()


def test_unknown_folder():
    with pytest.raises(FileNotFoundError, match="there is no folder ./nowhere"):
        enc.load_encoder("./nowhere")


def test_unreachable_hub_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with pytest.raises(ConnectionError, match=r"nobody/no-such-model.*127\.0\.0\.1:9.*HF_ENDPOINT.*load_encoder\(\)"):
        enc.load_encoder("nobody/no-such-model")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConnectionError, match="HF_HUB_OFFLINE is set"):
        enc.load_encoder("nobody/no-such-model")


def test_a_hub_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        with pytest.raises(ConnectionError, match=r"did not give it \((timed out|no answer)"):
            hub._check_reachable("nobody/no-such-model", seconds=0.2)


def test_stored_vectors_name_the_encoder_that_made_them(tmp_path: Path):
    version = enc.load_encoder().version
    assert version == enc.bundled_version() and re.fullmatch(r"tokrec-mini \d+ \([0-9a-f]{16}\)", version)
    with np.load(shipped_path(), allow_pickle=False) as archive:
        assert str(archive["encoder"]) == version, "run python -m tokrec.datasets"
        assert len(archive.files) == 3
    cached(["a"], lambda texts: np.zeros((len(texts), 2), np.float32), "tokrec-mini 7 (0)", tmp_path)
    with sqlite3.connect(tmp_path / "vectors.sqlite") as database:
        assert database.execute("SELECT encoder FROM vectors").fetchall() == [("tokrec-mini 7 (0)",)]


def test_vectors_of_another_version_are_not_used(tmp_path: Path):
    texts = item_texts(load_shelf().items, "en", labels=True)
    assert shipped_vectors(texts, enc.bundled_version()) is not None
    assert shipped_vectors(texts, "tokrec-mini 2 (0)") is None
    for number, version in enumerate(("tokrec-mini 2 (0)", "tokrec-mini 3 (0)")):
        found = cached(["a"], lambda texts, number=number: np.full((1, 2), number, np.float32), version, tmp_path)
        assert found.tolist() == [[number, number]]


class Counting:
    """A stand-in for an encoder: the vector of a text is its length and a one; counts what it reads."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, texts):
        self.read += texts
        return np.array([[len(text), 1] for text in texts], np.float32).reshape(len(texts), 2)


def test_cached_computes_once(tmp_path: Path):
    compute = Counting()
    assert cached(["a", "bbb"], compute, "model", tmp_path / "deep" / "cache").tolist() == [[1, 1], [3, 1]]
    assert cached(["bbb", "cc", "a", "bbb"], compute, "model", tmp_path / "deep" / "cache").tolist() == [[3, 1], [2, 1], [1, 1], [3, 1]]
    assert compute.read == ["a", "bbb", "cc"]
    cached(["a"], compute, "another model", tmp_path / "deep" / "cache")
    assert compute.read == ["a", "bbb", "cc", "a"]
    assert cached([], compute, "model", tmp_path).shape == (0, 2)
    assert cached(["\ud800", "a\x00b"], compute, "model", tmp_path).tolist() == [[1, 1], [3, 1]]


def test_keys_do_not_collide(tmp_path: Path):
    lists = [["a", "b"], ["a\x00b"], ["ab"], ["a", "", "b"], ["", "a", "b"]]
    assert len({vectors_key(texts, "m") for texts in lists} | {vectors_key(["b"], "m\x00a"), vectors_key(["a", "b"], "")}) == 7


def test_a_damaged_cache_is_found_out(tmp_path: Path):
    compute, path = Counting(), tmp_path / "vectors.sqlite"
    texts = [f"{number} " + "x" * (number % 7) for number in range(40)]
    right = cached(texts, compute, "model", tmp_path).tolist()
    whole = path.read_bytes()
    for place in range(0, len(whole), 97):  # one flipped byte: found out, or without effect
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        assert cached(texts, compute, "model", tmp_path).tolist() == right, place
    for damaged in (b"", whole[:100], whole[:5000], b"nonsense" * 1000):
        path.write_bytes(damaged)
        assert cached(texts, compute, "model", tmp_path).tolist() == right
        before = len(compute.read)
        cached(texts, compute, "model", tmp_path)
        cached(texts, compute, "model", tmp_path)
        assert len(compute.read) <= before + len(texts)  # mended at the latest by the second call
    (tmp_path / "file").write_text("in the way")
    assert cached(["a"], compute, "model", tmp_path / "file").tolist() == [[1, 1]]  # nowhere to store: still an answer


def test_eight_threads_compute_once(tmp_path: Path):
    compute, texts = Counting(), [f"text {number}" for number in range(50)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: cached(texts, compute, "model", tmp_path).tolist(), range(8)))
    assert len(compute.read) == 50 and all(answer == answers[0] for answer in answers)


def test_two_processes_share_a_cache(tmp_path: Path):
    code = """
import sys, numpy as np
from pathlib import Path
from tokrec.features.cache import cached
texts = [f"text {number}" for number in range(3000)]
found = cached(texts, lambda part: np.array([[len(text)] for text in part], np.float32), "model", Path(sys.argv[1]))
assert found[:, 0].tolist() == [len(text) for text in texts]
"""
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    compute = Counting()
    cached(["text 7"], compute, "model", tmp_path)
    assert compute.read == []


def test_an_interruption_keeps_the_finished_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cache, "BLOCK", 10)
    compute, texts = Counting(), [f"text {number}" for number in range(35)]

    def interrupted(part):
        if len(compute.read) >= 20:
            raise KeyboardInterrupt
        return compute(part)

    with pytest.raises(KeyboardInterrupt):
        cached(texts, interrupted, "model", tmp_path)
    again = Counting()
    assert cached(texts, again, "model", tmp_path)[:, 0].tolist() == [len(text) for text in texts]
    assert len(again.read) == 15
