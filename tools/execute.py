"""Run notebooks and store their outputs, the same bytes on every run: ``python tools/execute.py notebooks/tokens.ipynb``.

Numbers in the prose of the notebooks and of the book's pages follow the computed values (:mod:`marks`).
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from marks import all_glued, glued, refresh_notebook, refresh_pages
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python", "pygments_lexer": "ipython3"},
}
KEPT = ("cellView", "jupyter", "mystnb", "tags")  # of a cell's metadata; editors add more, and what they add changes from run to run

SOLUTION = {  # what a cell with the tag hide-cell gets: folded on the page, in JupyterLab and in Colab
    "mystnb": {"code_prompt_show": "Solution", "code_prompt_hide": "Hide solution"},
    "jupyter": {"source_hidden": True, "outputs_hidden": True},
    "cellView": "form",
}
TITLE = "# @title Solution"


def fold(cell: NotebookNode) -> None:
    """Fold a solution wherever the notebook is opened; other metadata of the page, such as a figure's caption, stays."""
    page = {**cell.metadata.get("mystnb", {}), **SOLUTION["mystnb"]}
    cell.metadata.update(nbformat.from_dict({**SOLUTION, "mystnb": page}))
    if not cell.source.startswith(TITLE):
        cell.source = f"{TITLE}\n{cell.source}"


def normalise(notebook: NotebookNode) -> NotebookNode:
    """The notebook without anything that depends on the machine, the editor or the moment."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(METADATA)
    for position, cell in enumerate(notebook.cells):
        cell.id = f"cell-{position:03d}"
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in KEPT if cell.metadata.get(key)})
        cell.source = cell.source.rstrip()
        if cell.cell_type == "code" and "hide-cell" in cell.metadata.get("tags", []):
            fold(cell)
        for output in cell.get("outputs", []):
            if "metadata" in output:
                output.metadata = nbformat.from_dict({key: value for key, value in output.metadata.items() if key == "scrapbook"})
    return notebook


def execute(path: Path, timeout: int) -> str:
    """Run one notebook in its own folder and store it; an error leaves the file as it was."""
    start = time.perf_counter()
    notebook = normalise(nbformat.read(path, as_version=4))
    old = glued(notebook)
    options = {"record_timing": False, "store_widget_state": False, "coalesce_streams": True}
    client = NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}, **options)
    try:
        client.execute()
        refresh_notebook(notebook, old)
    except (CellExecutionError, CellTimeoutError, DeadKernelError, ValueError) as error:
        return f"{path}: FAILED\n{error}"
    path.write_text(nbformat.writes(normalise(notebook)) + "\n", encoding="utf-8", newline="\n")
    return f"{path}: {time.perf_counter() - start:.0f} s"


def main() -> None:
    """Run the notebooks named on the command line, or all; exit code 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--workers", type=int, default=1, help="notebooks that run at the same time")
    parser.add_argument("--timeout", type=int, default=600, help="seconds a cell may take")
    options = parser.parse_args()
    paths = options.notebooks or sorted(Path("notebooks").glob("*.ipynb"))
    old = all_glued()
    with ThreadPoolExecutor(options.workers) as pool:
        reports = []
        for report in pool.map(lambda path: execute(path, options.timeout), paths):
            print(report, flush=True)
            reports.append(report)
    try:
        refresh_pages(old)
    except ValueError as error:
        sys.exit(str(error))
    sys.exit(any("FAILED" in report for report in reports))


if __name__ == "__main__":
    main()
