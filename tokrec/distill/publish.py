"""``python -m tokrec.distill.publish --out RUN``: take the tables of a finished run over into the package's stored results."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from tokrec.stored import store

CODE = ("compose", "corpus", "start", "student", "target", "teacher", "tokenizer", "traditional", "train")
TRAINING = (*(f"{name}.py" for name in CODE), "config.toml", "questions.tsv")
WEIGHTS = "data/tokrec-mini/sha256.json"
SHELF = ("data/shelf/items", "data/shelf/queries.jsonl", "data/shelf/relevance.tsv")
RUN = "python -m tokrec.distill --data DATA --out RUN"
CHECKS = "python -m tokrec.distill.checks --out RUN --movielens"
ABLATION = "python -m tokrec.distill.ablation --out RUN"
RESULTS = {  # table of a run: the command that makes it, and what it depends on
    "curve": (RUN, [*(f"distill/{name}" for name in TRAINING), WEIGHTS]),
    "scores": (RUN, [*(f"distill/{name}" for name in (*TRAINING, "report.py")), WEIGHTS]),
    "checks": (CHECKS, ["distill/checks.py", *SHELF, "data/ml-latest-small", WEIGHTS]),
    "sizes": (CHECKS, ["distill/checks.py", WEIGHTS]),
    "ablation": (ABLATION, [*(f"distill/{name}" for name in (*TRAINING, "ablation.py", "ablation.toml"))]),
}


def publish(out: Path) -> None:
    """Store each table of a run as ``encoder_NAME``. Chapter *small_encoder*."""
    for name, (command, uses) in RESULTS.items():
        print(store(f"encoder_{name}", pd.read_csv(out / f"{name}.csv"), command, uses, seed=0))


def main(arguments: list[str] | None = None) -> None:
    """Read the option and store the tables."""
    parser = argparse.ArgumentParser(prog="python -m tokrec.distill.publish", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of a finished run, with its checks and its ablation")
    publish(parser.parse_args(arguments).out)


if __name__ == "__main__":
    main()
