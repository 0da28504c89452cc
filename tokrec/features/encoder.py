"""The encoder: from texts to vectors, with the bundled model or any other BERT (chapter *bert_features*)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tokrec.checks import check_text, check_texts
from tokrec.text import well_formed

if TYPE_CHECKING:
    import torch

BUNDLED = "tokrec-mini"
Pooling = Literal["sentence", "mean", "cls", "pooler"]


@dataclass(frozen=True)
class TokenVectors:
    """Tokens of one text, special ones included, and their last hidden states.

    Attributes
    ----------
    tokens : list of str
    vectors : ndarray of float32, shape (len(tokens), hidden_size)
    """

    tokens: list[str]
    vectors: np.ndarray

    def pool(self, weights: Sequence[float] | None = None) -> np.ndarray:
        """``f(T) = sum of w_i f(t_i)`` over the sum of the weights (equal weights by default): shape (hidden_size,).

        Article 001, section 4.2, without its mistake: weights that are not divided by their sum make long texts long vectors.

        Raises
        ------
        ValueError
            If there is not one weight a token, one is negative, or all are zero.
        """
        w = np.ones(len(self.tokens)) if weights is None else np.asarray(weights, dtype=float)
        if w.shape != (len(self.tokens),) or (w < 0).any() or not w.any():
            raise ValueError(
                f"weights must be {len(self.tokens)} numbers, one a token, none negative and not all zero, got shape {w.shape}"
            )
        return (w @ self.vectors / w.sum()).astype(np.float32)


class Encoder:
    """Texts in, vectors out. Made by :func:`load_encoder`; chapter *bert_features*.

    Attributes
    ----------
    name : str
        ``"tokrec-mini"``, a hub id or a folder.
    version : str
        Name, version and checksum of the bundled encoder, which stored vectors name; the name alone for others.
    dimension : int
        Length of the sentence vectors.
    max_length : int
        Longer texts are cut after so many tokens.
    device : torch.device
    """

    def __init__(self, name: str, model: Any, tokenizer: Any, projection: Any, max_length: int, pooling: str = "mean") -> None:
        self.name, self.model, self.tokenizer, self.projection, self.max_length = name, model, tokenizer, projection, max_length
        self.pooling = pooling
        self._pad_id: int = getattr(model.config, "pad_token_id", None) or 0
        self.version = bundled_version() if name == BUNDLED else name
        self.device: torch.device = next(model.parameters()).device
        self.dimension: int = model.config.hidden_size if projection is None else projection.shape[0]

    def __repr__(self) -> str:
        return f"Encoder({self.name!r}, dimension={self.dimension}, max_length={self.max_length}, device={str(self.device)!r})"

    def encode(
        self,
        texts: Sequence[str],
        pooling: Pooling = "sentence",
        batch_size: int = 64,
        normalize: bool = True,
        show_progress: bool | None = None,
    ) -> np.ndarray:
        """Vectors of texts.

        Texts are sorted by length, so that a batch holds little padding, and padding never enters a mean: a text has the same
        vector alone and in any batch (to rounding).

        Parameters
        ----------
        texts : sequence of str
            Blank texts are allowed; they get the vector of ``[CLS][SEP]``.
        pooling : {"sentence", "mean", "cls", "pooler"}
            ``"sentence"`` is what the model was trained for: the mean over unmasked tokens and, in the bundled model, a linear map to
            384 numbers; for others what their files for sentence-transformers say, the mean where they say nothing. ``"mean"`` is the
            mean alone, ``"cls"`` the state of the first token, ``"pooler"`` that state through the pooling layer (article 001,
            section 5.3, takes it for a mean).
        batch_size : int
        normalize : bool
            Scale rows to unit length.
        show_progress : bool, optional
            A progress bar; by default when there are more than 2,000 texts.

        Returns
        -------
        ndarray of float32, shape (n_texts, d)

        Raises
        ------
        TypeError
            If `texts` is one string, or holds something that is not a string.
        ValueError
            For an unknown pooling, a pooler that the model lacks, or a batch size below 1.
        """
        import torch

        texts = check_texts(texts)
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        if pooling not in ("sentence", "mean", "cls", "pooler"):
            raise ValueError(f"pooling must be 'sentence', 'mean', 'cls' or 'pooler', not {pooling!r}")
        if pooling == "pooler" and getattr(self.model, "pooler", None) is None:
            raise ValueError(f"{self.name} has no pooling layer: use 'sentence', 'mean' or 'cls'")
        ids = [self._ids(text) for text in texts]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        blocks: Iterable[list[int]] = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
        if len(texts) > 2000 if show_progress is None else show_progress:
            from tqdm import tqdm

            blocks = tqdm(blocks, desc="encode", unit="batch")
        result: np.ndarray | None = None
        with torch.inference_mode():
            for rows in blocks:
                vectors = self._pooled([ids[i] for i in rows], pooling).float()
                if normalize:
                    vectors = torch.nn.functional.normalize(vectors, dim=1)
                if result is None:
                    result = np.zeros((len(texts), vectors.shape[1]), np.float32)
                result[rows] = vectors.cpu().numpy()
        width = self.dimension if pooling == "sentence" else self.model.config.hidden_size
        return np.zeros((0, width), np.float32) if result is None else result

    def token_vectors(self, text: str) -> TokenVectors:
        """The tokens of one text and their vectors, which depend on all the others: 苹果 in a kitchen is not 苹果 in a shop window."""
        import torch

        ids = self._ids(check_text(text))
        with torch.inference_mode():
            states, _ = self._states([ids])
        return TokenVectors(self._token_names(ids), states[0].float().cpu().numpy())

    def _pooled(self, ids: list[list[int]], pooling: Pooling) -> torch.Tensor:
        states, mask = self._states(ids)
        read = mask.any(dim=1, keepdim=True)  # a text of no token at all has the vector 0
        if pooling == "cls" or (pooling == "sentence" and self.pooling == "cls"):
            vectors = states[:, 0]
        elif pooling == "pooler":
            vectors = self.model.pooler(states)
        else:
            weights = mask.unsqueeze(-1).to(states.dtype)
            vectors = (states * weights).sum(1) / weights.sum(1).clamp(min=1)
        if pooling == "sentence" and self.projection is not None:
            vectors = vectors @ self.projection.T
        return vectors.where(read, vectors.new_zeros(()))

    def _states(self, ids: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        from tokrec.tokens import pad_batch

        padded, mask = (torch.from_numpy(array).to(self.device) for array in pad_batch(ids, pad_id=max(0, self._pad_id)))
        return self.model(input_ids=padded, attention_mask=mask).last_hidden_state, mask

    def _ids(self, text: str) -> list[int]:
        text = well_formed(text)
        if hasattr(self.tokenizer, "tokenize"):
            return self.tokenizer(text, truncation=True, max_length=self.max_length)["input_ids"]
        ids = self.tokenizer.encode(text).ids
        return ids if len(ids) <= self.max_length else [*ids[: self.max_length - 1], ids[-1]]

    def _token_names(self, ids: list[int]) -> list[str]:
        if hasattr(self.tokenizer, "convert_ids_to_tokens"):
            return list(self.tokenizer.convert_ids_to_tokens(ids))
        return [self.tokenizer.id_to_token(number) for number in ids]


def load_encoder(name: str | Path = BUNDLED, device: str | None = None, dtype: str = "float32") -> Encoder:
    """Load the bundled bilingual encoder, or any other. Chapter *bert_features*.

    Parameters
    ----------
    name : str or Path
        ``"tokrec-mini"`` (inside the package), a folder with a saved model, or a hub id such as ``"google-bert/bert-base-chinese"``
        (downloaded by transformers when it is not in its cache; ``trust_remote_code`` stays off).
    device : str, optional
        ``"cpu"``, ``"cuda"``, ``"mps"``; by default a GPU when there is one.
    dtype : str
        Number format of the weights, a name of torch such as ``"float32"`` or ``"float16"``.

    Returns
    -------
    Encoder

    Raises
    ------
    FileNotFoundError
        If `name` looks like a folder that does not exist.
    ConnectionError
        If a hub id is neither in the cache nor to be had within seconds.
    ValueError
        If the bundled weights are damaged, or `device` or `dtype` cannot be used.
    """
    from tokrec.features.hub import load_parts

    name = str(name)
    encoder = _load_bundled(dtype) if name == BUNDLED else Encoder(name, *load_parts(name, number_format(dtype)))
    try:
        encoder.model.to(device or best_device())
    except (AssertionError, RuntimeError) as error:
        raise ValueError(f"device {device!r} cannot be used here ({error}): take 'cpu', or leave device out") from error
    encoder.device = next(encoder.model.parameters()).device
    if encoder.projection is not None:
        encoder.projection = encoder.projection.to(encoder.device)
    return encoder


def number_format(name: str) -> torch.dtype:
    """The torch format that `name` names, or ``ValueError``. Chapter *bert_features*."""
    import torch

    known = ("float16", "bfloat16", "float32", "float64")
    if name not in known:
        raise ValueError(f"dtype must name a floating-point format of torch, one of {', '.join(known)}, not {name!r}")
    return getattr(torch, name)


def best_device() -> str:
    """``"cuda"`` or ``"mps"`` when there is such a GPU, else ``"cpu"``. Chapter *bert_features*."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def bundled_folder() -> Path:
    """Where the bundled model lies: a folder for ``transformers.AutoModel.from_pretrained``. Chapter *bert_features*."""
    return Path(str(files("tokrec").joinpath("data", BUNDLED)))


@cache
def bundled_version() -> str:
    """What stored vectors name: ``tokrec-mini``, the version in its ``config.json``, and its weights' checksum. Chapter *small_encoder*."""
    number = json.loads((bundled_folder() / "config.json").read_text(encoding="utf-8"))["tokrec_mini_version"]
    checksums = hashlib.sha256((bundled_folder() / "sha256.json").read_bytes()).hexdigest()
    return f"{BUNDLED} {number} ({checksums[:16]})"


def check_weights(folder: Path) -> None:
    """Compare a folder's weight files with its ``sha256.json``. Chapter *small_encoder*.

    Raises
    ------
    ValueError
        If a file differs; the message names it.
    FileNotFoundError
        If one is missing.
    """
    for name, expected in json.loads((folder / "sha256.json").read_text(encoding="utf-8")).items():
        path = folder / name
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing: reinstall tokrec")
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise ValueError(f"{path} is damaged or not the file that was shipped (SHA-256 differs): reinstall tokrec")


def _load_bundled(dtype: str) -> Encoder:
    from safetensors.torch import load_file

    from tokrec.features.bert import Bert
    from tokrec.tokens import load_tokenizer

    folder = bundled_folder()
    check_weights(folder)
    model = Bert.from_folder(folder).to(number_format(dtype))
    projection = load_file(folder / "2_Dense" / "model.safetensors")["linear.weight"].to(number_format(dtype))
    return Encoder(BUNDLED, model, load_tokenizer(), projection, model.config.max_position_embeddings)


@cache
def default_encoder() -> Encoder:
    """The bundled encoder, loaded once a process. Chapter *recommender*."""
    return load_encoder()
