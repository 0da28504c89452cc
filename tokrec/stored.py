"""Stored results: what takes long, needs an extra or another machine is computed by a command and kept (page *setup*).

A result is one JSON file in ``tokrec/data/stored``. It says how it was made and holds checksums of the code, data and weights that it
depends on, so that a test notices when it is out of date. ``python -m tokrec.stored NAME`` makes it anew.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import json
import math
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
from packaging.requirements import Requirement

PACKAGE = Path(str(files("tokrec")))
FOLDER = PACKAGE / "data" / "stored"
LIBRARIES = ("tokrec", "numpy", "scipy", "pandas", "scikit-learn", "torch", "transformers", "tokenizers")


def stored(name: str, compute: Callable[[], Any] | None = None, needs: str | None = None, tolerance: float = 1e-6) -> Any:
    """The stored result of that name; computed anew and compared where that can be done. Page *setup*.

    Prints one line that tells where the result comes from. Line and value are the same whether it was computed anew or not.

    Parameters
    ----------
    name : str
    compute : callable, optional
        What makes it, a function of this package without arguments. Without it the result is only shown: a long training, another
        machine.
    needs : str, optional
        The extra of tokrec that `compute` needs; where it is not installed, the result is only shown.
    tolerance : float
        How far numbers may lie apart.

    Returns
    -------
    DataFrame, dict, list, str or number

    Raises
    ------
    FileNotFoundError
        If there is no such result.
    ValueError
        If what is computed here differs from what is stored.
    """
    record = read(name)
    told = f"{name}: stored, made by `{record['command']}`"
    if needs:
        told += f"; computed anew and compared where tokrec[{needs}] is installed"
    print(told)
    if compute is not None:
        if record["compute"] != path_of(compute):
            raise ValueError(f"{name} was made by {record['compute']}, not by {path_of(compute)}: {renew(name)}")
        if needs is None or has_extra(needs):
            with redirect_stdout(StringIO()), redirect_stderr(StringIO()):  # progress, which would be seen only where it is computed
                fresh = plain(to_json(compute()))
            for place, old, new in differences(record["value"], fresh, tolerance):
                raise ValueError(f"{name}{place} is {new!r} here and {old!r} as stored: {renew(name)} if that is right")
    return from_json(record["value"])


def glue(name: str, value: Any) -> None:
    """Keep a value in the notebook's outputs, unseen, for the number that its prose states. Page *setup*.

    In the prose the number is written out and followed by an invisible mark, ``67%<!-- wins:.0% -->``; ``make execute`` puts a new value
    of ``wins`` in its place, and a test compares them.

    Parameters
    ----------
    name : str
        Letters, digits, ``_`` and ``-``.
    value : int, float or str
        NumPy's numbers too.

    Raises
    ------
    TypeError
        If the value is anything else.
    """
    from IPython.display import display

    value = value.item() if hasattr(value, "item") else value
    if not isinstance(value, int | float | str):
        raise TypeError(f"glue keeps a number or a text, and {name} is a {type(value).__name__}: take one number out of it")
    record = {"application/papermill.record/text/plain": repr(value)}
    display(record, raw=True, metadata={"scrapbook": {"name": name, "mime_prefix": "application/papermill.record/"}})


def read(name: str) -> dict[str, Any]:
    """The whole record of a result: how it was made, checksums, value. Page *setup*."""
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in FOLDER.glob("*.json")))
        raise FileNotFoundError(f"there is no stored result {name!r}: it is one of {known}")
    return json.loads(path.read_text(encoding="utf-8"))


def store(
    name: str, value: Any, command: str, uses: Sequence[str] = (), compute: str | None = None, seed: int | None = None, seconds: float = 0.0
) -> Path:
    """Write a result with all that it depends on. Page *setup*.

    Parameters
    ----------
    name : str
    value : DataFrame, dict, list, str or number
    command : str
        What makes it anew.
    uses : sequence of str
        Files and folders below ``tokrec/`` that it depends on: modules, data, weights.
    compute : str, optional
        ``module:function``, for what this machine can compute.
    seed : int, optional
    seconds : float
        How long it took.
    """
    record = {
        "name": name,
        "command": command,
        "compute": compute,
        "seed": seed,
        "seconds": round(seconds, 1),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version(), **{library: version(library) for library in LIBRARIES}},
        "checksums": {used: checksum(PACKAGE / used) for used in sorted(uses)},
        "value": to_json(value),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return path


def stale(name: str) -> list[str]:
    """What has changed since the result was made: paths below ``tokrec/``. Page *setup*."""
    return [used for used, kept in read(name)["checksums"].items() if not (PACKAGE / used).exists() or checksum(PACKAGE / used) != kept]


def checksum(path: Path) -> str:
    """SHA-256 of a file or folder; of a module its statements: comments, docstrings and imports don't count. Page *setup*."""
    if path.is_dir():
        parts = [f"{file.relative_to(path).as_posix()} {checksum(file)}" for file in sorted(path.rglob("*")) if file.is_file()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    content = path.read_bytes()
    return hashlib.sha256(statements(content.decode("utf-8")).encode() if path.suffix == ".py" else content).hexdigest()


def statements(source: str) -> str:
    """A module's syntax tree as text, without imports, comments and docstrings. Page *setup*."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [part for part in body if not isinstance(part, (ast.Import, ast.ImportFrom))]
            first = kept[0] if kept else None
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
            node.body = kept[1:] if documented else kept  # type: ignore[attr-defined]
    return ast.dump(tree)


def has_extra(extra: str) -> bool:
    """Whether all packages of an extra of tokrec are installed, in versions that fit. Page *setup*.

    Raises
    ------
    ValueError
        If tokrec has no such extra.
    """
    try:
        lines = [Requirement(line) for line in requires("tokrec") or []]
    except PackageNotFoundError:  # a bare folder on the path
        return False
    asked = [line for line in lines if line.marker and line.marker.evaluate({"extra": extra}) and not line.marker.evaluate({"extra": ""})]
    if not asked and not any(f'extra == "{extra}"' in str(line.marker) for line in lines):
        raise ValueError(f"tokrec has no extra {extra!r}: see pyproject.toml")
    return all(map(_fits, asked))


def _fits(requirement: Requirement) -> bool:
    if requirement.name == "tokrec":
        return all(map(has_extra, requirement.extras))
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False


def path_of(compute: Callable[[], Any]) -> str:
    """``module:function`` of a function of this package. Page *setup*."""
    if not getattr(compute, "__module__", "").startswith("tokrec."):
        raise ValueError(f"compute must be a function of tokrec, so that the command line finds it too, not {compute!r}")
    return f"{compute.__module__}:{compute.__qualname__}"


def renew(name: str) -> str:
    """The advice for a result that is out of date. Page *setup*."""
    return f"run python -m tokrec.stored {name}"


def to_json(value: Any) -> Any:
    """A value as JSON can hold it; a DataFrame becomes its columns and rows. Page *setup*."""
    if isinstance(value, pd.DataFrame):
        return {"columns": list(value.columns), "rows": json.loads(value.to_json(orient="values", double_precision=10))}
    return value


def from_json(value: Any) -> Any:
    """What :func:`to_json` was given. Page *setup*."""
    if isinstance(value, dict) and set(value) == {"columns", "rows"}:
        return pd.DataFrame(value["rows"], columns=value["columns"])
    return value


def plain(value: Any) -> Any:
    """A value after a journey through JSON: tuples are lists, keys are strings. Page *setup*."""
    return json.loads(json.dumps(value))


def differences(old: Any, new: Any, tolerance: float, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Places at which two values differ by more than `tolerance`, with both. Page *setup*."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key in old:
            yield from differences(old[key], new[key], tolerance, f"{place}[{key!r}]")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (first, second) in enumerate(zip(old, new, strict=True)):
            yield from differences(first, second, tolerance, f"{place}[{number}]")
    elif not same(old, new, tolerance):
        yield place, old, new


def same(old: Any, new: Any, tolerance: float) -> bool:
    """Whether two single values agree. Page *setup*."""
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (old, new))
    return math.isclose(old, new, rel_tol=0, abs_tol=tolerance) if numbers else type(old) is type(new) and old == new


def main(arguments: list[str] | None = None) -> None:
    """Compute a result and store it, or take it over from a file that another command wrote. Page *setup*."""
    parser = argparse.ArgumentParser(prog="python -m tokrec.stored", description="Make a stored result anew.")
    parser.add_argument("name", help="the result; for a known one nothing else is needed")
    parser.add_argument("--compute", help="module:function that makes it")
    parser.add_argument("--file", type=Path, help="a CSV file with the result, where a command of its own makes it")
    parser.add_argument("--command", help="that command")
    parser.add_argument("--uses", nargs="+", help="files and folders below tokrec/ that it depends on, besides the function's module")
    parser.add_argument("--seed", type=int)
    options = parser.parse_args(arguments)
    known = read(options.name) if (FOLDER / f"{options.name}.json").is_file() else {}
    uses = options.uses if options.uses is not None else list(known.get("checksums", []))
    seed = options.seed if options.seed is not None else known.get("seed")
    command = options.command or known.get("command")
    compute = options.compute or known.get("compute")
    if options.file:
        if not command:
            parser.error("--file needs --command: what made the file")
        print(store(options.name, pd.read_csv(options.file), command, uses, seed=seed))
        return
    if not compute:
        advice = f"{options.name} is not made here: run {command}, then store what it writes" if known else "give --compute or --file"
        parser.error(advice)

    module, _, function = compute.partition(":")
    started = time.perf_counter()
    value = getattr(importlib.import_module(module), function)()
    uses = {*uses, f"{module.removeprefix('tokrec.').replace('.', '/')}.py"}
    command = f"python -m tokrec.stored {options.name}"
    print(store(options.name, value, command, sorted(uses), compute, seed, time.perf_counter() - started))


if __name__ == "__main__":
    main()
