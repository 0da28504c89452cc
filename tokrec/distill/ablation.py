"""``python -m tokrec.distill.ablation --out runs/mini``: what each part of the recipe is worth, by short runs without it."""

from __future__ import annotations

import argparse
import json
import tomllib
from itertools import product
from pathlib import Path

import pandas as pd

from tokrec.distill.target import make_targets
from tokrec.distill.tokenizer import choose_tokenizer
from tokrec.distill.train import train


def changed(config: dict, changes: dict) -> dict:
    """`config` with the entries of `changes` in place of its own; tables are changed entry by entry."""
    inner = {name: changed(config.get(name, {}), value) for name, value in changes.items() if isinstance(value, dict)}
    return config | changes | inner


def ablation(out: Path, config: dict, plan: dict) -> pd.DataFrame:
    """Train every variant as ``plan["train"]`` says, once a seed, from the stages in `out`: its held-out scores before and after."""
    rows = []
    for variant, seed in product(plan["variant"], plan["seeds"]):
        changes = {name: value for name, value in variant.items() if name != "name"}
        short = changed(changed(config, {"train": plan["train"], "random_state": seed}), changes)
        folder = out / f"ablation {variant['name']} {seed}"
        if "tokenizer" in changes:
            choose_tokenizer(short, out, folder)
        if "target" in changes:
            make_targets(out, folder, short["model"]["output_size"], short["target"]["second"])
        train(short, out, folder.name)
        records = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        rows += [{"variant": variant["name"], "seed": seed} | record for record in records if "cos_en" in record]
    return pd.DataFrame(rows).drop(columns=["loss", "seconds"]).round(4)


def main(arguments: list[str] | None = None) -> None:
    """Run the plan, print and store ``ablation.csv``."""
    parser = argparse.ArgumentParser(prog="python -m tokrec.distill.ablation", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of a finished run")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("config.toml"))
    parser.add_argument("--plan", type=Path, default=Path(__file__).with_name("ablation.toml"))
    options = parser.parse_args(arguments)
    config, plan = (tomllib.loads(path.read_text(encoding="utf-8")) for path in (options.config, options.plan))
    table = ablation(options.out, config, plan)
    print(table.to_string(index=False))
    table.to_csv(options.out / "ablation.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
