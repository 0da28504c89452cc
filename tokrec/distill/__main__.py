"""``python -m tokrec.distill --data ../shared/data --out runs/mini``: the whole way from text to the exported encoder."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

import numpy as np

from tokrec.distill.corpus import build_corpus
from tokrec.distill.export import export, order_dimensions
from tokrec.distill.report import write_report
from tokrec.distill.target import make_targets
from tokrec.distill.tokenizer import choose_tokenizer
from tokrec.distill.train import train


def run(data: Path, out: Path, config: dict) -> dict[str, str]:
    """All stages; each is skipped when its files are there."""
    out.mkdir(parents=True, exist_ok=True)
    build_corpus(data, out, config["corpus"], config["random_state"])
    choose_tokenizer(config, out, out)
    make_targets(out, out, config["model"]["output_size"], config["target"]["second"])
    student = train(config, out)
    np.save(out / "rotation.npy", order_dimensions(student, np.load(out / "target_train.npy", mmap_mode="r")[::10]))
    sums = export(student, out / "tokenizer", out / "tokrec-mini", config["tokenizer"]["max_length"], config["version"])
    write_report(out)
    return sums


def main(arguments: list[str] | None = None) -> None:
    """Read the options, run all stages, print the files with their checksums."""
    parser = argparse.ArgumentParser(prog="python -m tokrec.distill", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with parallel/*.tsv and mono/*.txt")
    parser.add_argument("--out", type=Path, required=True, help="folder for everything made; a run goes on from what is there")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("config.toml"))
    options = parser.parse_args(arguments)
    if not (options.data / "parallel").is_dir():
        parser.error(f"{options.data} has no folder parallel/ with TSV files of English and Chinese sentences")
    sums = run(options.data, options.out, tomllib.loads(options.config.read_text(encoding="utf-8")))
    for name, digest in sums.items():
        print(f"{digest}  {name}")


if __name__ == "__main__":
    main()
