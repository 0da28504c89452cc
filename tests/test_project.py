"""The files around the package agree with each other."""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import tokrec
from tokrec.features.encoder import bundled_folder

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import lock  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUN_TIME = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = {extra: [Requirement(line) for line in lines] for extra, lines in PROJECT["optional-dependencies"].items()}
OTHERS = [line for lines in EXTRAS.values() for line in lines if line.name != "tokrec"]
LOCK = [Requirement(line) for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
NOT_IN_CONDA = {"manimgx-fonts-cjk", "opencc"}  # pip brings it
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


def toc_files() -> list[str]:
    """Pages and notebooks of the table of contents, without suffix."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]


def tracked_files() -> list[Path]:
    """What git knows, present in the working tree."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def texts_of(paths: list[Path]) -> dict[str, str]:
    """Contents of the files that are UTF-8 text."""
    texts = {}
    for path in paths:
        try:
            texts[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return texts


def test_conda_environment_asks_for_what_pyproject_asks_for():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = {line for line in environment if isinstance(line, str)}
    expected = {
        f"{CONDA_NAMES.get(requirement.name, requirement.name)}{requirement.specifier}"
        for requirement in RUN_TIME
        if requirement.name not in NOT_IN_CONDA
    }
    assert conda == expected | {f"python{PROJECT['requires-python']}", "pip"}
    assert {"pip": ["-e .[book,test,all]"]} in environment


def test_lock_is_exact_and_unique():
    assert all(re.fullmatch(r"==[A-Za-z0-9.!]+", str(line.specifier)) and not line.extras for line in LOCK)
    names = [canonicalize_name(line.name) for line in LOCK]
    assert len(names) == len(set(names)) > 150


def environments() -> list[dict[str, str]]:
    """The platforms and Python versions of the lock file's markers."""
    platforms = [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("darwin", "x86_64"), ("win32", "AMD64")]
    return [
        {"sys_platform": system, "platform_machine": machine, "python_version": python}
        for system, machine in platforms
        for python in ("3.11", "3.12", "3.13", "3.14")
    ]


def test_lock_speaks_for_the_platforms_that_have_a_wheel():
    torch = next(line for line in LOCK if line.name == "torch")
    assert str(torch.specifier) == "==2.13.0"
    spoken = [here for here in environments() if torch.marker is None or torch.marker.evaluate(here)]
    assert {here["sys_platform"] for here in spoken} == {"linux", "darwin", "win32"}
    assert not [
        here for here in spoken if (here["sys_platform"], here["platform_machine"]) == ("darwin", "x86_64")
    ]  # no such wheel any more
    for line in LOCK:  # a marker that holds nowhere would be a typing error
        assert line.marker is None or any(line.marker.evaluate(here) for here in environments()), line


def test_marker_of_wheels_by_hand():
    tags = ["cp311-abi3-manylinux_2_28_x86_64", "cp311-cp311-win_amd64", "cp312-cp312-win_amd64", "cp313-cp313t-win_amd64"]
    found = Requirement(f"x==1 ; {lock.marker(tags)}").marker
    holds = {(here["sys_platform"], here["platform_machine"], here["python_version"]) for here in environments() if found.evaluate(here)}
    assert holds == {("linux", "x86_64", f"3.{minor}") for minor in (11, 12, 13, 14)} | {("win32", "AMD64", f"3.{m}") for m in (11, 12)}
    assert lock.marker(["py3-none-any"]) == ""
    assert not lock.fits("cp312-cp312-macosx_11_0_arm64", "3.12", "sys_platform == 'darwin' and platform_machine == 'x86_64'")


@pytest.mark.parametrize("requirement", RUN_TIME + OTHERS, ids=str)
def test_lock_has_a_fitting_version_of_every_direct_dependency(requirement):
    pinned = {canonicalize_name(line.name): str(line.specifier).removeprefix("==") for line in LOCK}
    assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])
    assert any(part.operator == ">=" for part in requirement.specifier), "a tested lower bound is missing"


CHAPTER_EXTRAS = {"rank", "tune", "graph", "language", "explain", "speech", "vision", "privacy", "serve", "postgres", "distributed", "ann"}


def test_extras_have_two_levels():
    """Book and test are levels, all is the union of the chapters' extras, and what only authors need is never in it."""
    assert set(EXTRAS) <= CHAPTER_EXTRAS | {"book", "test", "all", "distill", "dev"}
    chapters = {extra for extra in EXTRAS if extra in CHAPTER_EXTRAS}
    assert {line.name for line in EXTRAS["all"]} <= {"tokrec"}
    assert {extra for line in EXTRAS["all"] for extra in line.extras} == chapters
    assert "distill" in {extra for line in EXTRAS["dev"] for extra in line.extras}


def test_make_installs_two_levels():
    commands = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r'install -q -c requirements\.lock -e "\.\[([a-z,]+)\]"', commands) == ["book", "book,test,all", "book"]
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert run.rstrip().endswith("make test\nmake test-book")


def test_licences():
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Creative Commons Attribution 4.0 International" in (ROOT / "LICENSE-text-and-data").read_text(encoding="utf-8")
    assert "Creative Commons Attribution-ShareAlike 4.0 International" in (ROOT / "LICENSE-weights").read_text(encoding="utf-8")
    assert "may not use this information for any commercial" in (ROOT / "LICENSE-MovieLens").read_text(encoding="utf-8")
    assert PROJECT["license"] == "Apache-2.0 AND CC-BY-4.0 AND CC-BY-SA-4.0 AND LicenseRef-MovieLens"
    assert PROJECT["license-files"] == sorted(path.name for path in ROOT.glob("LICENSE*"))


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == tokrec.__version__ == version("tokrec")


def test_changelog_tells_this_version_and_the_weights_of_this_encoder():
    told = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\d\S+)$", told, flags=re.MULTILINE)[0] == tokrec.__version__
    folder = bundled_folder()
    number = json.loads((folder / "config.json").read_text(encoding="utf-8"))["tokrec_mini_version"]
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    rows = dict(re.findall(r"^\| (\d+) \| `([0-9a-f]{12})…`", told, flags=re.MULTILINE))
    assert max(map(int, rows)) == number and rows[str(number)] == weights[:12], "new weights need a new version, in config.json and here"
    assert len(set(rows.values())) == len(rows) >= 3
    config = tomllib.loads((ROOT / "tokrec" / "distill" / "config.toml").read_text(encoding="utf-8"))
    assert config["version"] == number


def test_table_of_contents_lists_every_notebook_and_page():
    listed = toc_files()
    present = {
        path.relative_to(ROOT).with_suffix("").as_posix() for pattern in ("notebooks/*.ipynb", "book/*.md") for path in ROOT.glob(pattern)
    }
    assert len(listed) == len(set(listed))
    assert set(listed) == present


def test_readme_names_targets_that_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"book", "test", "lab", "execute"} <= named & targets


def test_files_name_no_registry_and_no_folder_of_one_machine():
    forbidden = re.compile(r"(?:pypi|pythonhosted|npmjs|anaconda)\.(?:org|com)|(?<![\w.])/(?:work|root)/\w")
    found = {name: forbidden.findall(text) for name, text in texts_of(tracked_files()).items()}
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_scripts_of_others_are_installed_not_committed():
    scripts = [path.relative_to(ROOT).as_posix() for path in tracked_files() if path.suffix in (".js", ".mjs", ".woff2", ".ttf")]
    assert scripts == ["book/static/print.js", "book/static/search.js"]
