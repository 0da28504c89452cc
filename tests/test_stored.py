"""Stored results: the same with and without the extra, checked where they can be, and out of date when what they depend on changes."""

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from tokrec import stored as module
from tokrec.stored import checksum, differences, glue, has_extra, path_of, read, stale, statements, store, stored

ROOT = Path(__file__).parents[1]
NAMES = sorted(path.stem for path in module.FOLDER.glob("*.json"))
VALUE = {"mean": 0.25, "names": ["三体", "Dune"], "n": 3}
FACTOR = {"now": 1.0}  # what compute() multiplies by


def compute() -> dict:
    """As a chapter's function; loud, to see that it stays unheard."""
    print("computing")
    print("progress", file=sys.stderr)
    return VALUE | {"mean": VALUE["mean"] * FACTOR["now"]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr(module, "PACKAGE", tmp_path / "package")
    monkeypatch.setattr(compute, "__module__", "tokrec.somewhere")
    monkeypatch.setitem(FACTOR, "now", 1.0)
    (tmp_path / "package" / "data").mkdir(parents=True)
    (tmp_path / "package" / "model.py").write_text("import a\nx = 1\n")
    (tmp_path / "package" / "data" / "table.csv").write_text("a,b\n1,2\n")
    store("example", VALUE, "python -m tokrec.stored example", ["model.py", "data"], "tokrec.somewhere:compute", seed=4, seconds=2.34)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_no_result_is_out_of_date(name: str):
    assert stale(name) == [], f"what {name} depends on has changed: run {read(name)['command']}"


@pytest.mark.parametrize("name", NAMES)
def test_every_result_says_how_it_was_made_and_is_used(name: str):
    record = read(name)
    assert record["name"] == name and record["command"].startswith("python -m tokrec.") and record["checksums"]
    assert {"python", "numpy", "torch", "tokrec"} <= set(record["versions"]) and record["machine"]
    chapters = "\n".join(cell.source for path in (ROOT / "notebooks").glob("*.ipynb") for cell in nbformat.read(path, as_version=4).cells)
    package = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tokrec").rglob("*.py"))
    assert re.search(rf'stored\(\s*"{name}"', chapters) or f'read("{name}")' in package, f"nobody shows or uses {name}"


def test_there_are_results():
    assert len(NAMES) >= 7


def test_value_and_line_are_the_same_with_and_without_the_extra(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    seen = []
    for installed in (True, False):
        monkeypatch.setattr(module, "has_extra", lambda extra, installed=installed: installed)
        seen.append((stored("example", compute, needs="graph"), *capsys.readouterr()))
    assert seen[0] == seen[1] == (VALUE, seen[0][1], "")
    line = "example: stored, made by `python -m tokrec.stored example`; computed anew and compared where tokrec[graph] is installed\n"
    assert seen[0][1] == line


def test_a_result_that_differs_is_noticed_where_it_can_be(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(FACTOR, "now", 1.1)
    with pytest.raises(ValueError, match=r"example\['mean'\] is 0\.275.* here and 0\.25 as stored: run python -m tokrec\.stored example"):
        stored("example", compute)
    assert stored("example", compute, tolerance=0.1) == VALUE
    monkeypatch.setattr(module, "has_extra", lambda extra: False)
    assert stored("example", compute, needs="graph") == VALUE
    assert stored("example") == VALUE


def test_the_function_must_be_the_one_that_made_it(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compute, "__module__", "tokrec.elsewhere")
    with pytest.raises(ValueError, match="was made by tokrec.somewhere:compute, not by tokrec.elsewhere:compute"):
        stored("example", compute)
    with pytest.raises(ValueError, match="must be a function of tokrec"):
        path_of(lambda: 1)


def test_unknown_name_lists_the_known_ones(folder: Path):
    with pytest.raises(FileNotFoundError, match="no stored result 'nothing': it is one of example"):
        stored("nothing")


def test_record_holds_what_is_asked_for(folder: Path):
    record = json.loads((folder / "example.json").read_text(encoding="utf-8"))
    assert (record["seed"], record["seconds"], record["compute"]) == (4, 2.3, "tokrec.somewhere:compute")
    assert set(record["checksums"]) == {"model.py", "data"} and "三体" in (folder / "example.json").read_text(encoding="utf-8")


def test_tables_come_back_as_tables(folder: Path):
    table = pd.DataFrame({"name": ["三体", "Dune"], "score": [0.1234567891, None], "n": [1, 2]})
    store("table", table, "python -m tokrec.stored table")
    pd.testing.assert_frame_equal(stored("table"), table)


@pytest.mark.parametrize(
    ("path", "content", "old"),
    [
        ("model.py", "import a\nx = 2\n", True),
        ("model.py", '"""Told anew."""\n\nfrom a import b  # another place\n\nx = 1  # the same\n', False),
        ("data/table.csv", "a,b\n1,3\n", True),
        ("data/more.csv", "", True),
    ],
)
def test_changes_that_count_and_changes_that_do_not(folder: Path, path: str, content: str, old: bool):
    assert stale("example") == []
    (folder / "package" / path).write_text(content)
    assert stale("example") == ([path.split("/")[0] if "/" in path else path] if old else [])


def test_a_file_that_is_gone_counts_as_changed(folder: Path):
    (folder / "package" / "model.py").unlink()
    assert stale("example") == ["model.py"]


def test_statements_keep_what_a_function_does():
    first = statements('def f():\n    "Says so."\n    import a\n    return 1\n')
    assert first == statements("def f():\n    return 1\n") != statements("def f():\n    return 2\n")
    assert statements("x = 'text'") != statements("x = 'other text'")


def test_differences_by_hand():
    assert list(differences([1, 2.0, {"a": "x"}], [1, 2.05, {"a": "y"}], 0.1)) == [("[2]['a']", "x", "y")]
    assert list(differences([1, 2], [1], 0)) == [("", [1, 2], [1])]
    assert list(differences({"a": 1}, {"b": 1}, 0)) == [("", {"a": 1}, {"b": 1})]
    assert list(differences(True, 1, 0)) == [("", True, 1)] and list(differences(None, 0.0, 1)) == [("", None, 0.0)]
    assert list(differences(float("nan"), 1.0, 1))  # not a number agrees with nothing


def test_extras(monkeypatch: pytest.MonkeyPatch):
    asked = ["numpy>=1", "pytest>=1; extra == 'test'", "no-such-thing>=1; extra == 'graph'", "pytest>=99; extra == 'rank'"]
    asked += ["tokrec[test]; extra == 'all'", "tokrec[test,graph]; extra == 'dev'"]
    monkeypatch.setattr(module, "requires", lambda name: asked)
    found = {extra: has_extra(extra) for extra in ("test", "graph", "rank", "all", "dev")}
    assert found == {"test": True, "graph": False, "rank": False, "all": True, "dev": False}
    with pytest.raises(ValueError, match="no extra 'magic'"):
        has_extra("magic")

    def not_installed(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "requires", not_installed)
    assert not has_extra("graph")


def test_command_makes_a_result_anew(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(module.importlib, "import_module", lambda name: {"tokrec.somewhere": sys.modules[__name__]}[name])
    (folder / "package" / "somewhere.py").write_text("y = 1\n")
    monkeypatch.setitem(FACTOR, "now", 2.0)
    module.main(["example"])
    record = read("example")
    assert record["value"]["mean"] == 0.5 and record["seed"] == 4 and set(record["checksums"]) == {"data", "model.py", "somewhere.py"}
    (folder / "table.csv").write_text("a,b\n1,x\n")
    module.main(["table", "--file", str(folder / "table.csv"), "--command", "python -m tokrec.training", "--uses", "data"])
    assert stored("table").to_dict("list") == {"a": [1], "b": ["x"]}
    for wrong in (["table"], ["new"], ["new", "--file", "x.csv"]):
        with pytest.raises(SystemExit):
            module.main(wrong)


@pytest.mark.parametrize("installed", [True, False])
def test_a_notebook_passes_with_and_without_the_extra(tmp_path: Path, installed: bool):
    """nbval compares the output that was stored without the extra, in a process that has it and in one that has it not."""
    source = f"""from tokrec import stored as module
module.has_extra = lambda extra: {installed}
from tokrec.distill.report import teachers_on_titles
module.stored("teachers_on_titles", teachers_on_titles, needs="distill")"""
    output = f"teachers_on_titles: stored, made by `{read('teachers_on_titles')['command']}`"
    output += "; computed anew and compared where tokrec[distill] is installed\n"
    cell = nbformat.v4.new_code_cell(source, execution_count=1)
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=output),
        nbformat.v4.new_output("execute_result", {"text/plain": str(read("teachers_on_titles")["value"])}, execution_count=1),
    ]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    nbformat.write(notebook, tmp_path / "chapter.ipynb")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--nbval",
        "--nbval-current-env",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "chapter.ipynb",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout


@pytest.mark.parametrize(("value", "kept"), [(3, "3"), (0.5, "0.5"), ("a [b]", "'a [b]'"), (np.float32(0.5), "0.5"), (np.int64(3), "3")])
def test_a_value_for_the_prose_is_kept_as_myst_nb_keeps_it(value, kept: str, monkeypatch: pytest.MonkeyPatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **options: shown.append((data, options)))
    glue("wins", value)
    metadata = {"scrapbook": {"name": "wins", "mime_prefix": "application/papermill.record/"}}
    assert shown == [({"application/papermill.record/text/plain": kept}, {"raw": True, "metadata": metadata})]


@pytest.mark.parametrize("value", [[1, 2], None, {"a": 1}])
def test_what_is_no_number_and_no_text_is_not_kept(value):
    with pytest.raises(TypeError, match="glue keeps a number or a text, and wins is a"):
        glue("wins", value)


def test_checksum_of_a_file_is_sha256(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    assert checksum(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
