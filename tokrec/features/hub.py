"""Encoders from elsewhere: a local folder, or a model hub that may be out of reach (chapter *bert_features*)."""

from __future__ import annotations

import json
import os
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.bpe")
OFFSET = ("roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "roberta-prelayernorm", "mpnet", "longformer", "data2vec-text", "xmod")


def load_parts(name: str, dtype: torch.dtype) -> tuple[Any, Any, torch.Tensor | None, int, str]:
    """Model, tokenizer, projection, longest text and pooling ("mean" or "cls"), from a folder or a hub id. Chapter *bert_features*.

    For :func:`tokrec.load_encoder`, which tells the errors. Weights are read from ``safetensors`` files only, never from pickle.
    """
    from transformers import AutoModel, AutoTokenizer

    if Path(name).expanduser().is_dir():
        name = str(Path(name).expanduser())
        options: dict[str, Any] = {"local_files_only": True}
        _check_folder(Path(name))
    elif name.count("/") > 1 or name.startswith((".", "/", "~")) or re.match(r"[A-Za-z]:|.*\\", name):
        raise FileNotFoundError(
            f"there is no folder {name}: give a folder with config.json, or a hub id such as 'google-bert/bert-base-chinese'"
        )
    else:
        options = {"local_files_only": _in_cache(name)}
        if not options["local_files_only"]:
            _check_reachable(name)
    try:
        model, loading = AutoModel.from_pretrained(name, dtype=dtype, output_loading_info=True, use_safetensors=True, **options)
        tokenizer = AutoTokenizer.from_pretrained(name, **options)
    except Exception as error:  # configurations and weights by anybody fail in many ways
        raise ValueError(f"{name} can't be loaded as an encoder ({_told(error)}): {_WANTED}") from error
    if any(key.startswith("pooler") for key in loading["missing_keys"]):
        model.pooler = None  # the checkpoint has none: what transformers made up instead is random
    _check_parts(name, model.eval(), tokenizer, loading["missing_keys"])
    pooling, projection, length = _sentence_parts(name, dtype, model.config.hidden_size, options)
    return model, tokenizer, projection, min(length, longest_text(model.config, tokenizer)), pooling


def _told(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _sentence_parts(name: str, dtype: torch.dtype, width: int, options: dict[str, Any]) -> tuple[str, torch.Tensor | None, int]:
    """What sentence-transformers' own files ask for after the model: pooling, a linear map, a shorter length."""
    pooling = _described(name, "1_Pooling/config.json", options)
    asked = [key.removeprefix("pooling_mode_") for key, value in pooling.items() if key.startswith("pooling_mode_") and value is True]
    if any(kind not in ("mean_tokens", "cls_token") for kind in asked) or len(asked) > 1:
        raise ValueError(f"{name} pools by {' and '.join(asked)}, which is not known here: use sentence-transformers for it")
    length = _described(name, "sentence_bert_config.json", options).get("max_seq_length") or 512
    return "cls" if asked == ["cls_token"] else "mean", _projection(name, dtype, width, options), int(length)


def _described(name: str, file: str, options: dict[str, Any]) -> dict[str, Any]:
    """A JSON file beside the model, empty where there is none."""
    path = _beside(name, file, options)
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path else {}
    except ValueError as error:
        raise ValueError(f"{path} is no JSON ({error}): {_WANTED}") from error
    return found if isinstance(found, dict) else {}


def _beside(name: str, file: str, options: dict[str, Any]) -> Path | None:
    if Path(name).is_dir():
        return Path(name) / file if (Path(name) / file).is_file() else None
    from transformers.utils import cached_file

    try:
        return Path(cached_file(name, file, **options))
    except Exception:  # the model has none
        return None


def longest_text(config: Any, tokenizer: Any) -> int:
    """How many tokens a model takes, special ones included; at most 512. Chapter *bert_features*.

    RoBERTa and its relatives count positions from ``pad_token_id + 1``, so that many of them can't be used.
    """
    positions = getattr(config, "max_position_embeddings", None) or 512
    if config.model_type in OFFSET:
        positions -= (config.pad_token_id or 0) + 1
    return int(min(getattr(tokenizer, "model_max_length", 512), positions, 512))


_WANTED = "give a folder with config.json, safetensors weights and tokenizer files of a BERT-like encoder, as save_pretrained writes them"


def _check_folder(folder: Path) -> None:
    """Refuse a folder that transformers would complete from nothing."""
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"{folder} has no config.json: {_WANTED}")
    if not any(folder.glob("*.safetensors")):
        pickled = ", ".join(path.name for path in (*folder.glob("*.bin"), *folder.glob("*.pt")))
        told = f"has its weights in pickle ({pickled}), which can run a stranger's code" if pickled else "has no weights"
        raise FileNotFoundError(f"{folder} {told}: {_WANTED}")
    if not any((folder / file).is_file() for file in TOKENIZER_FILES):
        raise FileNotFoundError(f"{folder} has no tokenizer files (such as {', '.join(TOKENIZER_FILES[:3])}): {_WANTED}")


def _check_parts(name: str, model: Any, tokenizer: Any, missing: Any) -> None:
    """Run one text through: a model that can't be used, or is not trained, is refused here and not in the middle of work."""
    import torch

    lacking = [key for key in missing if not key.startswith("pooler")]
    if lacking:
        raise ValueError(f"{name} lacks weights of its own architecture ({', '.join(sorted(lacking)[:3])} …): {_WANTED}")
    if len(tokenizer) <= len(tokenizer.all_special_tokens) or tokenizer("a watch")["input_ids"] == tokenizer("")["input_ids"]:
        raise ValueError(f"{name} has a tokenizer without a vocabulary: {_WANTED}")
    if getattr(model.config, "is_encoder_decoder", False):
        raise ValueError(f"{name} ({model.config.model_type}) can't read a text by itself (encoder and decoder): {_WANTED}")
    size, highest = model.get_input_embeddings().weight.shape[0], max(tokenizer.get_vocab().values())
    if highest >= size:
        raise ValueError(f"{name} has a tokenizer with ids up to {highest} and a model for {size} tokens: the two don't belong together")
    ids = tokenizer("a smart watch 智能手表", truncation=True, max_length=16)["input_ids"]
    batch = torch.tensor([ids], device=next(model.parameters()).device)
    try:
        with torch.inference_mode():
            states = model(input_ids=batch, attention_mask=torch.ones_like(batch)).last_hidden_state
    except Exception as error:
        raise ValueError(f"{name} ({model.config.model_type}) can't read a text by itself ({_told(error)}): {_WANTED}") from error
    if not torch.isfinite(states).all():
        raise ValueError(f"{name} gives vectors that are not finite (damaged weights, or a number format too small for them): {_WANTED}")


def _projection(name: str, dtype: torch.dtype, width: int, options: dict[str, Any]) -> torch.Tensor | None:
    """The linear map after the mean, if there is one as sentence-transformers stores it."""
    path = _beside(name, "2_Dense/model.safetensors", options)
    if path is None:
        return None
    from safetensors.torch import load_file

    try:
        weights = load_file(path)
    except Exception as error:
        raise ValueError(f"{path} can't be read ({_told(error)}): {_WANTED}") from error
    activation = str(_described(name, "2_Dense/config.json", options).get("activation_function", "Identity"))
    matrix = weights.get("linear.weight")
    if matrix is None or "linear.bias" in weights or not activation.endswith("Identity") or matrix.shape[1:] != (width,):
        raise ValueError(f"{name} has a last layer that is not a plain linear map of {width} numbers: use sentence-transformers for it")
    return matrix.to(dtype)


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
