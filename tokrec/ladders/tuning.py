"""Settings sought by a library: EASE's, by Optuna, inside the training data and, as a warning, on the test (chapter *league_table*).

``python -m tokrec.stored tuning_ease`` makes the result anew; it needs ``pip install 'tokrec[tune]'``.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from tqdm import tqdm

from tokrec.datasets.movielens import load_movielens
from tokrec.evaluate import bootstrap_interval, paired_difference, warm_split
from tokrec.ladders.warm import Cut, inner_splits
from tokrec.recommend import EaseRecommender

TRIALS, SEED = 100, 0
PENALTIES = (25, 50, 100, 200, 400, 800, 1600)


class Tried:
    """EASE with any setting on one cut; what is slow is done once a penalty. Chapter *league_table*."""

    def __init__(self, cut: Cut) -> None:
        self.cut = cut
        self.fitted = {penalty: EaseRecommender(penalty)._learn_beside(cut.fitted) for penalty in PENALTIES}

    def ndcg(self, penalty: int, half_life: float | None, floor: float) -> np.ndarray:
        """NDCG@10 of each reader."""
        ease = self.fitted[penalty]
        ease.half_life, ease.floor = half_life, floor
        return self.cut.ndcg(ease._score_events(self.cut.history, self.cut.times))


def tuning_ease() -> dict[str, Any]:
    """EASE as it comes, tuned inside the training data, and tuned on the test, on MovieLens. Chapter *league_table*.

    Returns
    -------
    dict
        ``trials``: a record a trial, in order: settings, ``inner`` (mean NDCG@10 at the two earlier cuts) and ``test``; ``default``,
        ``tuned`` and ``fake`` (the best of all trials on the test) with settings, ``inner``, ``test, low, high``; ``tuned_gain`` and
        ``fake_gain`` over the default, paired, with intervals; ``between``: fake − tuned.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    interactions, items = load_movielens()
    train, test = warm_split(interactions)
    *inner, outer = [Tried(Cut.of(*split, items, "rated")) for split in (*inner_splits("warm", train), (train, test))]
    trials: list[dict[str, Any]] = []
    values: list[np.ndarray] = []

    def tried(penalty: int, half_life: float | None, floor: float) -> dict[str, Any]:
        inside = float(np.mean([part.ndcg(penalty, half_life, floor).mean() for part in inner]))
        values.append(outer.ndcg(penalty, half_life, floor))
        low, high = bootstrap_interval(values[-1])
        settings = {"penalty": penalty, "half_life": half_life, "floor": floor}
        return settings | {
            "inner": round(inside, 5),
            "test": round(float(values[-1].mean()), 5),
            "low": round(low, 5),
            "high": round(high, 5),
        }

    def objective(trial: optuna.Trial) -> float:
        penalty = int(trial.suggest_categorical("penalty", PENALTIES))
        trials.append(tried(penalty, trial.suggest_float("half_life", 0.5, 200, log=True), trial.suggest_float("floor", 0, 1)))
        bar.update()
        return trials[-1]["inner"]

    default = tried(200, None, 0.0)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=SEED))
    with tqdm(total=TRIALS, desc="trials", disable=None, file=sys.stderr) as bar:
        study.optimize(objective, n_trials=TRIALS)
    tuned, fake = (int(np.argmax([trial[column] for trial in trials])) for column in ("inner", "test"))
    pairs = {"tuned_gain": (tuned + 1, 0), "fake_gain": (fake + 1, 0), "between": (fake + 1, tuned + 1)}
    differences = {name: [round(x, 5) for x in paired_difference(values[a], values[b])] for name, (a, b) in pairs.items()}
    return {"trials": trials, "default": default, "tuned": trials[tuned], "fake": trials[fake]} | differences
