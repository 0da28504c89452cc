"""From the trained student to a folder that transformers, sentence-transformers and tokrec load alike."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from tokrec.distill.student import Student


def export(model: Student, tokenizer_folder: Path, out: Path, max_length: int) -> dict[str, str]:
    """Write half-precision weights, configuration, tokenizer and pooling description; returns the SHA-256 of each weight file."""
    shutil.copytree(tokenizer_folder, out, dirs_exist_ok=True)
    config = model.bert.config.to_dict() | {"architectures": ["BertModel"], "dtype": "float32", "torch_dtype": "float32"}
    config.pop("_name_or_path", None)
    write_json(out / "config.json", config)
    save_half(model.bert.state_dict(), out / "model.safetensors")
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
    save_half({"linear.weight": model.dense.weight}, out / "2_Dense" / "model.safetensors")
    write_json(out / "3_Normalize" / "config.json", {})
    sums = {
        str(path.relative_to(out).as_posix()): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.rglob("*.safetensors"))
    }
    write_json(out / "sha256.json", sums)
    return sums


def save_half(state: dict[str, torch.Tensor], path: Path) -> None:
    """Write tensors as float16."""
    save_file({name: tensor.detach().cpu().half().contiguous() for name, tensor in state.items()}, path, metadata={"format": "pt"})


def write_json(path: Path, content: object) -> None:
    """Write readable JSON."""
    path.write_text(json.dumps(content, indent=2, sort_keys=isinstance(content, dict), ensure_ascii=False) + "\n", encoding="utf-8")
