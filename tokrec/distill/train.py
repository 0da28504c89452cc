"""Distillation: the student learns to put a sentence, its translation and its mixed-language twin where the two teachers put them."""

from __future__ import annotations

import json
import math
import random
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from tokrec.distill.corpus import read_pairs
from tokrec.distill.start import new_student
from tokrec.distill.student import Student
from tokrec.distill.target import Target

WORD = re.compile(r"[a-z]+")


class Batches:
    """Batches of one group of sources and of about one length; batch number `step` depends on the seed and on `step` alone."""

    def __init__(self, pairs: pd.DataFrame, targets: np.ndarray, tokenizer: Any, dictionary: dict[str, list[str]], config: dict) -> None:
        self.targets, self.tokenizer, self.dictionary, self.config = targets, tokenizer, dictionary, config
        self.en, self.zh = pairs.en.tolist(), pairs.zh.tolist()
        shares = config["train"]["share"]
        length = pairs.en.str.len().to_numpy() / 4 + pairs.zh.str.len().to_numpy()
        members = [np.flatnonzero(pairs.source.isin(names.split())) for names in shares]
        pairs_of = [(rows[np.argsort(length[rows], kind="stable")], share) for rows, share in zip(members, shares.values(), strict=True)]
        self.groups = [(rows, share) for rows, share in pairs_of if len(rows)]

    def mix(self, sentence: str, rng: random.Random) -> str:
        """Replace some words by Chinese ones from the dictionary."""

        def swap(match: re.Match[str]) -> str:
            chinese = self.dictionary.get(match[0])
            return rng.choice(chinese[:3]) if chinese and rng.random() < self.config["train"]["mix_words"] else match[0]

        return WORD.sub(swap, sentence.lower())

    def tokens(self, texts: list[str]) -> dict[str, Tensor]:
        """Ids and mask of texts, padded to a multiple of four: few different shapes keep the training fast."""
        return self.tokenizer(
            texts, padding=True, pad_to_multiple_of=4, truncation=True, max_length=self.config["train"]["max_length"], return_tensors="pt"
        )

    def __call__(self, step: int) -> tuple[list[dict[str, Tensor]], Tensor]:
        """One or two views of the same texts (Chinese or mixed, and sometimes English) and their targets."""
        seed = self.config["random_state"]
        rng, words = np.random.default_rng([seed, step]), random.Random(seed * 1_000_003 + step)
        shares = np.array([share for _, share in self.groups])
        rows = self.groups[rng.choice(len(shares), p=shares / shares.sum())][0]
        start = int(rng.integers(len(rows)))
        probe = rows[min(start + 128, len(rows) - 1)]
        length = min(self.config["train"]["max_length"], 4 + len(self.zh[probe]) + len(self.en[probe]) // 5)
        size = min(512, max(32, self.config["train"]["batch_tokens"] // (2 * length)))
        window = rows[max(0, start - size) : start + 2 * size]
        chosen = rng.choice(window, size=min(size, len(window)), replace=False)
        views = [self.tokens([self.zh[i] or self.mix(self.en[i], words) for i in chosen])]
        if any(self.en[i] for i in chosen) and rng.random() < self.config["train"]["english"]:
            views.append(self.tokens([self.en[i] or self.zh[i] for i in chosen]))
        return views, torch.from_numpy(np.asarray(self.targets[chosen], dtype=np.float32))


def losses(vectors: Tensor, targets: Tensor, temperature: float) -> tuple[Tensor, Tensor, Tensor]:
    """Cosine distance to the targets, in-batch contrast against all of them, and difference of the two similarity matrices."""
    similar = targets @ targets.T
    logits = vectors @ targets.T / temperature
    same = (similar > 0.9) & ~torch.eye(len(targets), dtype=torch.bool, device=targets.device)
    contrast = cross_entropy(logits.masked_fill(same, -1e4), torch.arange(len(targets), device=targets.device))
    return 1 - (vectors * targets).sum(1).mean(), contrast, (vectors @ vectors.T - similar).pow(2).mean()


def encode(model: Student, tokenizer: Any, texts: list[str], batch: int = 256) -> np.ndarray:
    """Vectors of texts by the student as it is now."""
    device = next(model.parameters()).device
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    result = np.zeros((len(texts), model.dense.out_features), np.float32)
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            tokens = tokenizer([texts[i] for i in rows], padding=True, truncation=True, max_length=128, return_tensors="pt").to(device)
            result[rows] = model(tokens["input_ids"], tokens["attention_mask"]).cpu().numpy()
    model.train()
    return result


def evaluate(model: Student, tokenizer: Any, valid: pd.DataFrame, targets: np.ndarray) -> dict[str, float]:
    """On held-out pairs: translation found (top-1, zh→en) by source, cosine to the target in English and in Chinese."""
    en, zh = encode(model, tokenizer, valid.en.tolist()), encode(model, tokenizer, valid.zh.tolist())
    scores = {"cos_en": float((en * targets).sum(1).mean()), "cos_zh": float((zh * targets).sum(1).mean())}
    for source, rows in valid.groupby("source").indices.items():
        scores[f"top1_{source}"] = float(((zh[rows] @ en[rows].T).argmax(1) == np.arange(len(rows))).mean())
    return scores


def train(config: dict, out: Path, name: str = "") -> Student:
    """Train, or go on from the last checkpoint; returns the student with averaged weights.

    Reads what the earlier stages left in `out`; ``checkpoint.pt`` and ``log.jsonl`` go to its folder `name`, or to `out` itself. A
    tokenizer or targets in that folder come before those in `out`.
    """
    from transformers import AutoTokenizer

    torch.manual_seed(config["random_state"])
    settings, device = config["train"], torch.device("cuda" if torch.cuda.is_available() else "cpu")
    home = out / name if (out / name / "tokenizer").exists() else out
    tokenizer = AutoTokenizer.from_pretrained(home / "tokenizer")
    pairs, valid = read_pairs(out / "train.tsv"), read_pairs(out / "valid.tsv")
    aims = out / name if (out / name / "target.npz").exists() else out
    targets, valid_targets = np.load(aims / "target_train.npy", mmap_mode="r"), np.load(aims / "target_valid.npy")
    batches = Batches(pairs, targets, tokenizer, json.loads((out / "dictionary.json").read_text(encoding="utf-8")), config)
    model = new_student(config, tokenizer, pairs, home, Target.load(aims / "target.npz").from_first).to(device)
    average: Any = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(settings["average_decay"])
    )
    words = list(model.bert.embeddings.word_embeddings.parameters())
    layers = [weights for weights in model.parameters() if weights is not words[0]]
    rates = [{"params": words, "lr": settings["learning_rate"]}, {"params": layers, "lr": settings["layer_learning_rate"]}]
    optimizer = torch.optim.AdamW(rates, weight_decay=settings["weight_decay"], fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: learning_rate(step, settings["warmup"], settings["steps"]))
    (out / name).mkdir(exist_ok=True)
    checkpoint, done = out / name / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        for part, key in ((model, "model"), (average, "average"), (optimizer, "optimizer"), (schedule, "schedule")):
            part.load_state_dict(state[key])
        done = state["step"]
    log, started = (out / name / "log.jsonl").open("a", encoding="utf-8"), time.time()
    if not done:
        log.write(json.dumps({"step": 0, "seconds": 0.0} | evaluate(model, tokenizer, valid, valid_targets)) + "\n")
    for step in tqdm(range(done, settings["steps"]), initial=done, total=settings["steps"], desc="train", mininterval=10):
        views, target = batches(step)
        target, parts = target.to(device), torch.zeros(3, device=device)
        for view in views:
            view = {name: tensor.to(device) for name, tensor in view.items()}
            with torch.autocast(device.type, torch.bfloat16):
                vectors = model(view["input_ids"], view["attention_mask"]).float()
            parts = parts + torch.stack(losses(vectors, target, settings["temperature"])) / len(views)
        loss = settings["cosine"] * parts[0] + settings["contrast"] * parts[1] + settings["matrix"] * parts[2]
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
        record = {"step": step + 1, "loss": loss.item(), "seconds": round(time.time() - started, 1)}
        if (step + 1) % settings["evaluate_every"] == 0 or step + 1 == settings["steps"]:
            record |= evaluate(average.module, tokenizer, valid, valid_targets)
        if (step + 1) % 10 == 0 or "cos_en" in record:
            log.write(json.dumps(record) + "\n")
            log.flush()
        if (step + 1) % settings["checkpoint_every"] == 0 or step + 1 == settings["steps"]:
            parts_to_save: dict[str, Any] = {"model": model, "average": average, "optimizer": optimizer, "schedule": schedule}
            torch.save(
                {name: part.state_dict() for name, part in parts_to_save.items()} | {"step": step + 1}, checkpoint.with_suffix(".new")
            )
            checkpoint.with_suffix(".new").replace(checkpoint)
    log.close()
    return average.module


def learning_rate(step: int, warmup: int, steps: int) -> float:
    """Factor of the peak rate: linear warm-up, then a cosine down to 2 %."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.02 + 0.98 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup)))) / 2
