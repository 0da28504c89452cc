"""``python -m tokrec.distill.richness --data FOLDER``: how rich in words the training texts are, to compare the shelf with."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tokrec.datasets.statistics import moving_ttr
from tokrec.stored import store
from tokrec.text import words

REAL_TEXTS = {  # name: file, and what a line must contain
    "English product reviews": ("en-product-reviews", ""),
    "Chinese Wikipedia": ("zh-cmrc2018", ""),
    "Chinese hotel catalogue": ("zh-crosswoz", "，酒店，"),
}


def richness_elsewhere(folder: str | Path) -> dict[str, float]:
    """:func:`moving_ttr` of texts that are not shipped, from ``mono/`` in a folder. Page *shelf_statistics*."""
    return {name: _richness_of_file(Path(folder) / "mono" / f"{file}.txt", part) for name, (file, part) in REAL_TEXTS.items()}


def _richness_of_file(path: Path, part: str, lines: int = 1000) -> float:
    every = [line for line in path.read_text(encoding="utf-8").splitlines() if part in line]
    chosen = np.random.default_rng(0).choice(len(every), size=min(lines, len(every)), replace=False)
    return round(moving_ttr(words(" ".join(every[row] for row in sorted(chosen)), drop_stop_words=False)), 6)


def main(arguments: list[str] | None = None) -> None:
    """Compute and store the result ``richness_elsewhere``."""
    parser = argparse.ArgumentParser(prog="python -m tokrec.distill.richness", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with mono/*.txt")
    options = parser.parse_args(arguments)
    uses = ["datasets/statistics.py", "distill/richness.py"]
    command = "python -m tokrec.distill.richness --data DATA"
    print(store("richness_elsewhere", richness_elsewhere(options.data), command, uses, seed=0))


if __name__ == "__main__":
    main()
