"""Where training puts a text: what both teachers say of it, side by side, in as many numbers as the student has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.linalg import eigh, solve

from tokrec.distill.corpus import read_pairs
from tokrec.distill.teacher import kept, teacher_vectors, use_vectors

RIDGE = 10.0  # strength of the pull to zero of a map from one space to another


def teachers(part: str, out: Path) -> dict[str, np.ndarray]:
    """Vectors of the texts of a part ("train" or "valid") by each teacher, kept in `out`; zero where there is no text.

    Keys ``minilm_en`` ``(n, 384)``, ``use_en`` and ``use_zh`` ``(n, 512)``; for "valid" also ``minilm_zh``, which no training reads.
    """
    pairs, vectors = read_pairs(out / f"{part}.tsv"), {}
    for name, compute in (("minilm", teacher_vectors), ("use", use_vectors)):
        for side in ("en", "zh"):
            if (name, side, part) != ("minilm", "zh", "train"):
                there = (pairs[side] != "").to_numpy()
                found = kept(compute, pairs[side][there].tolist(), out / f"{name}_{part}_{side}.npy", desc=f"{name}, {part}, {side}")
                vectors[f"{name}_{side}"] = np.zeros((len(pairs), found.shape[1]), np.float16)
                vectors[f"{name}_{side}"][there] = found
    return vectors


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1; a row of zeros stays."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def join(first: np.ndarray, second: np.ndarray, share: float = 0.5) -> np.ndarray:
    """Unit vectors of two spaces side by side: the cosine of two joined ones is the mean of both, the second's weight `share`."""
    return np.hstack([np.sqrt(1 - share) * unit(first), np.sqrt(share) * unit(second)]).astype(np.float32)


def fit_map(there: np.ndarray, here: np.ndarray) -> np.ndarray:
    """The linear map, by ridge regression, that best takes the rows of ``there`` ``(n, d)`` to those of ``here`` ``(n, e)``: ``(d, e)``."""
    there, here = there.astype(np.float64), here.astype(np.float64)
    return solve(there.T @ there + RIDGE * np.eye(there.shape[1]), there.T @ here, assume_a="pos").astype(np.float32)


def principal_axes(vectors: np.ndarray, size: int) -> np.ndarray:
    """The directions, shape ``(d, size)``, that keep as much as so many can of the dot products between rows of `vectors`."""
    exact = vectors.astype(np.float64)
    width = exact.shape[1]
    return eigh(exact.T @ exact, subset_by_index=(width - size, width - 1))[1][:, ::-1].astype(np.float32)


@dataclass(frozen=True)
class Target:
    """Both teachers' space, reduced: fitted on the training texts, applied to any.

    Attributes
    ----------
    to_first : ndarray, shape (512, 384)
        From the second teacher's space to the first's: where the first might put a text that it cannot read.
    axes : ndarray, shape (896, size)
        Of the joined space.
    from_first : ndarray, shape (384, size)
        From the first teacher's space to the targets: how a student that starts as the first teacher gets there.
    share : float
        Weight of the second teacher, in [0, 1].
    """

    to_first: np.ndarray
    axes: np.ndarray
    from_first: np.ndarray
    share: float = 0.5

    @classmethod
    def fit(cls, vectors: dict[str, np.ndarray], size: int, share: float = 0.5) -> Target:
        """Learn the three maps from every fifth text of :func:`teachers`."""
        some = {name: table[::5] for name, table in vectors.items()}
        english = some["minilm_en"].any(axis=1)
        to_first = fit_map(some["use_en"][english], some["minilm_en"][english])
        target = cls(to_first, np.eye(896, size, dtype=np.float32), np.eye(384, size, dtype=np.float32), share)
        target = replace(target, axes=principal_axes(target.joined_pairs(some), size))
        return replace(target, from_first=fit_map(some["minilm_en"][english], target(some)[english]))

    @classmethod
    def load(cls, path: Path) -> Target:
        """Read what :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as maps:
            return cls(maps["to_first"], maps["axes"], maps["from_first"], float(maps["share"]))

    def save(self, path: Path) -> None:
        """Keep the maps in one ``.npz`` file."""
        np.savez(path, **vars(self))

    def joined(self, second: np.ndarray, first: np.ndarray | None = None) -> np.ndarray:
        """Both spaces side by side, ``(n, 896)``; where the first teacher's vector is missing or zero, it is guessed from the second's."""
        second = unit(second.astype(np.float32))
        first = np.zeros((len(second), 384), np.float32) if first is None else first.astype(np.float32)
        return join(np.where(first.any(axis=1, keepdims=True), first, second @ self.to_first), second, self.share)

    def joined_pairs(self, vectors: dict[str, np.ndarray]) -> np.ndarray:
        """What the teachers say of each pair: the first of its English text, the second of its texts in both languages."""
        return self.joined(vectors["use_en"].astype(np.float32) + vectors["use_zh"], vectors["minilm_en"])

    def __call__(self, vectors: dict[str, np.ndarray]) -> np.ndarray:
        """Unit vectors ``(n, size)``: the targets of training."""
        parts = range(0, len(vectors["minilm_en"]), 65536)
        rows = ({name: table[start : start + 65536] for name, table in vectors.items()} for start in parts)
        return np.concatenate([unit(self.joined_pairs(part) @ self.axes) for part in rows])


def make_targets(out: Path, folder: Path, size: int, share: float) -> None:
    """Write the targets of the training texts and of the held-out ones of the run in `out`; skipped when `folder` has them."""
    if (folder / "target_train.npy").exists():
        return
    folder.mkdir(exist_ok=True)
    known = teachers("train", out)
    target = Target.fit(known, size, share)
    target.save(folder / "target.npz")
    np.save(folder / "target_valid.npy", target(teachers("valid", out)))
    np.save(folder / "target_train.npy", target(known).astype(np.float16))
