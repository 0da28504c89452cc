"""Encoders from elsewhere: a local folder, or a model hub that may be out of reach (chapter *bert_features*)."""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def load_parts(name: str, dtype: torch.dtype) -> tuple[Any, Any, torch.Tensor | None, int]:
    """Model, tokenizer, projection and longest text, from a folder or a hub id. Chapter *bert_features*.

    For :func:`tokrec.load_encoder`, which tells the errors.
    """
    from transformers import AutoModel, AutoTokenizer

    if Path(name).is_dir():
        options: dict[str, Any] = {"local_files_only": True}
    elif name.count("/") > 1 or name.startswith((".", "/", "~", "\\")):
        raise FileNotFoundError(
            f"there is no folder {name}: give a folder with config.json, or a hub id such as 'google-bert/bert-base-chinese'"
        )
    else:
        options = {"local_files_only": _in_cache(name)}
        if not options["local_files_only"]:
            _check_reachable(name)
    model, loading = AutoModel.from_pretrained(name, dtype=dtype, output_loading_info=True, **options)
    if any(key.startswith("pooler") for key in loading["missing_keys"]):
        model.pooler = None  # the checkpoint has none: what transformers made up instead is random
    tokenizer = AutoTokenizer.from_pretrained(name, **options)
    limits = (getattr(tokenizer, "model_max_length", 512), getattr(model.config, "max_position_embeddings", 512))
    return model.eval(), tokenizer, _projection(Path(name), dtype), int(min(*limits, 512))


def _projection(folder: Path, dtype: torch.dtype) -> torch.Tensor | None:
    """The linear map after the mean, if the folder has one as sentence-transformers stores it."""
    path = folder / "2_Dense" / "model.safetensors"
    if not path.exists():
        return None
    from safetensors.torch import load_file

    return load_file(path)["linear.weight"].to(dtype)


def _in_cache(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, "config.json"), str)


def _check_reachable(name: str, seconds: float = 5.0) -> None:
    """Ask the hub once, with a limit: transformers alone would try for minutes behind a firewall."""
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    outcome: list[str] = ["no answer"]

    def ask() -> None:
        try:
            request = urllib.request.Request(f"{endpoint}/{name}/resolve/main/config.json", method="HEAD")
            urllib.request.urlopen(request, timeout=seconds).close()
            outcome[0] = ""
        except urllib.error.HTTPError as error:
            outcome[0] = "" if error.code < 400 else f"HTTP {error.code}"
        except Exception as error:
            outcome[0] = str(error)

    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON")
    if offline:
        outcome[0] = "HF_HUB_OFFLINE is set"
    else:
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(seconds + 1)
    if outcome[0]:
        raise ConnectionError(
            f"model {name!r} is not in the local cache and {endpoint} did not give it ({outcome[0]}). Set HF_ENDPOINT to a mirror that you "
            f"can reach, pass a local folder, or use the bundled model: load_encoder()"
        )
