"""From the trained student to a folder that transformers, sentence-transformers and tokrec load alike."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from tokrec.distill.student import Student


def export(model: Student, tokenizer_folder: Path, out: Path, max_length: int, version: int) -> dict[str, str]:
    """Write compact weights, configuration, tokenizer and pooling description; returns the SHA-256 of each weight file."""
    shutil.copytree(tokenizer_folder, out, dirs_exist_ok=True)
    config = model.bert.config.to_dict() | {"architectures": ["BertModel"], "dtype": "float32", "torch_dtype": "float32"}
    config["tokrec_mini_version"] = version
    config.pop("_name_or_path", None)
    write_json(out / "config.json", config)
    save_compact(model.bert.state_dict(), out / "model.safetensors")
    hidden, output = model.dense.in_features, model.dense.out_features
    modules = {"": "Transformer", "1_Pooling": "Pooling", "2_Dense": "Dense", "3_Normalize": "Normalize"}
    for folder in list(modules)[1:]:
        (out / folder).mkdir(exist_ok=True)
    described = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(modules.items())
    ]
    write_json(out / "modules.json", described)
    write_json(out / "sentence_bert_config.json", {"max_seq_length": max_length, "do_lower_case": False})
    write_json(
        out / "1_Pooling" / "config.json",
        {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False},
    )
    activation = "torch.nn.modules.linear.Identity"
    write_json(
        out / "2_Dense" / "config.json", {"in_features": hidden, "out_features": output, "bias": False, "activation_function": activation}
    )
    save_file(
        {"linear.weight": model.dense.weight.detach().cpu().half().contiguous()}, out / "2_Dense" / "model.safetensors", {"format": "pt"}
    )
    write_json(out / "3_Normalize" / "config.json", {})
    sums = {
        str(path.relative_to(out).as_posix()): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.rglob("*.safetensors"))
    }
    write_json(out / "sha256.json", sums)
    return sums


def save_compact(state: dict[str, torch.Tensor], path: Path) -> None:
    """Write matrices as float8 (e4m3: one byte a weight, three bits of mantissa) and vectors as float16.

    Every float8 number is a float32 number, so loading loses nothing more, and transformers reads the file as it is.
    """
    compact = {}
    for name, tensor in state.items():
        kind = torch.float8_e4m3fn if tensor.dim() == 2 else torch.float16
        compact[name] = tensor.detach().cpu().to(kind).contiguous()
    save_file(compact, path, metadata={"format": "pt"})


@torch.no_grad()
def order_dimensions(model: Student, vectors: np.ndarray) -> np.ndarray:
    """Turn the output space so that its first dimensions hold as much of `vectors` ``(n, output_size)`` as so many can.

    A rotation onto the principal axes leaves every cosine as it was; afterwards the first 64 or 128 numbers of a vector are a
    good shorter vector. Returns the rotation: teacher vectors ``t`` lie at ``t @ rotation.T`` from then on.
    """
    exact = vectors.astype(np.float64)
    _, _, axes = np.linalg.svd(exact.T @ exact)
    model.dense.weight.copy_(torch.tensor(axes, dtype=torch.float32, device=model.dense.weight.device) @ model.dense.weight)
    return axes


def write_json(path: Path, content: object) -> None:
    """Write readable JSON."""
    path.write_text(json.dumps(content, indent=2, sort_keys=isinstance(content, dict), ensure_ascii=False) + "\n", encoding="utf-8")
