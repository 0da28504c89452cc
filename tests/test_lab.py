"""A chapter in JupyterLab: prose without markup that only the page understands, numbers in their sentences, folded solutions, pictures."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("selenium")
pytest.importorskip("jupyterlab")
from test_browser import PATIENCE, browser, count, wait_until  # noqa: E402, F401 (browser is a fixture)

ROOT = Path(__file__).parents[1]
CHAPTER = "tokens"
NOTEBOOK = nbformat.read(ROOT / "notebooks" / f"{CHAPTER}.ipynb", as_version=4)
QUIET = [
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port=0",
    "--IdentityProvider.token=",
    "--ServerApp.password=",
    "--ServerApp.allow_root=True",
    "--LabApp.extension_manager=readonly",
    "--LabApp.news_url=",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
]
TEXT = "return [...document.querySelectorAll('.jp-MarkdownCell .jp-RenderedMarkdown')].map((cell) => cell.innerText)"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Address of a JupyterLab that shows a copy of the chapter and changes nothing outside its own folder."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "book", home / "book")
    (home / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / f"{CHAPTER}.ipynb", home / "notebooks")
    settings = home / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')  # every cell is drawn, not only those in sight
    folders = {"JUPYTER_RUNTIME_DIR": home / "runtime", "JUPYTER_CONFIG_DIR": home / "config", "JUPYTERLAB_SETTINGS_DIR": home / "settings"}
    environment = (
        os.environ | {name: str(folder) for name, folder in folders.items()} | {"JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces")}
    )
    with (home / "log").open("w") as log:
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.root_dir={home}", *QUIET]
        server = subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield address(server, home)
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


def address(server: subprocess.Popen, home: Path) -> str:
    """Where the server listens, as soon as it says so."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        for told in (home / "runtime").glob("jpserver-*.json"):
            if text := told.read_text():
                return json.loads(text)["url"]
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{(home / 'log').read_text()}")


@pytest.fixture(scope="module")
def texts(lab, browser):  # noqa: F811
    """What stands in the Markdown cells of the chapter once all of them are drawn."""
    prose = [cell for cell in NOTEBOOK.cells if cell.cell_type == "markdown"]
    browser.get(f"{lab}lab/tree/notebooks/{CHAPTER}.ipynb")
    wait_until(browser, lambda: count(browser, ".jp-Notebook .jp-Cell") == len(NOTEBOOK.cells))
    wait_until(browser, lambda: sum(map(bool, browser.execute_script(TEXT))) == len(prose))
    return browser.execute_script(TEXT)


def test_no_markup_is_shown(texts):
    assert [text for text in texts for mark in ("{glue", "{cite", "<!--", "<summary", ":::") if mark in text] == []


def test_numbers_stand_in_their_sentences(texts):
    """A few words before and after a mark, where these hold nothing but words."""
    shown = " ".join(" ".join(texts).split())
    expected = [
        before + after
        for cell in NOTEBOOK.cells
        if cell.cell_type == "markdown"
        for before, after in re.findall(r"([\w ,.%]{15,}?)<!-- (?!constants)[^>]*-->([\w ,]{10,})", cell.source)
    ]
    assert len(expected) >= 5 and [sentence for sentence in expected if sentence.strip() not in shown] == []


def test_solutions_are_folded(texts, browser):  # noqa: F811
    solutions = [cell for cell in NOTEBOOK.cells if "hide-cell" in cell.metadata.get("tags", [])]
    assert len(solutions) >= 4
    assert count(browser, ".jp-CodeCell .jp-InputPlaceholder") == count(browser, ".jp-CodeCell .jp-OutputPlaceholder") == len(solutions)
    code = browser.execute_script("return [...document.querySelectorAll('.jp-CodeCell')].map((cell) => cell.innerText).join('\\n')")
    longest = {id(cell): max(cell.source.splitlines(), key=len) for cell in NOTEBOOK.cells if cell.cell_type == "code"}
    assert [longest[id(cell)] for cell in solutions if longest[id(cell)] in code] == []
    assert longest[id(NOTEBOOK.cells[1])] in code
    assert count(browser, ".jp-MarkdownCell details") >= 1 and count(browser, ".jp-MarkdownCell details[open]") == 0


def test_pictures_are_found(texts, browser):  # noqa: F811
    widths = "return [...document.querySelectorAll('.jp-MarkdownCell img')].map((image) => image.naturalWidth)"
    assert browser.execute_script(widths)
    wait_until(browser, lambda: all(browser.execute_script(widths)))
