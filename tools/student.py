"""Chapters without their solutions, for a class: ``make student`` writes one zip a chapter into ``_build/student``.

In a zip: the notebook, with an empty cell where a solution was and no outputs, so that what is there was run by the student; the pictures
that it shows; and a page that says how to install what it needs. Data and model come with the package.
"""

from __future__ import annotations

import re
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import nbformat
from execute import normalise
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "_build" / "student"
REPOSITORY = "https://github.com/tokrec/tokrec"
ANSWER = "# your answer"
PROSE_ANSWER = re.compile(r"<details>\s*<summary>Answer</summary>.*?</details>\n*", re.DOTALL)
PICTURE = re.compile(r"\]\(\.\./book/(images/[\w./-]+)\)")
LINK = re.compile(r"\]\((?:\.\./)?((?:[\w-]+/)*[\w-]+\.(?:md|ipynb)(?:#[^)]*)?)\)")
README = f"""# {{title}}

One chapter of the book tokrec ({REPOSITORY}), without its solutions. The cells that say "{ANSWER[2:]}" are yours.

With Python 3.11 or newer:

    python -m pip install jupyterlab "tokrec @ git+{REPOSITORY}"
    jupyter lab {{name}}.ipynb

Data and model are part of the package; nothing else is downloaded. On Linux take the CPU build of PyTorch first, which saves gigabytes:
{REPOSITORY}/blob/main/book/setup.md tells how, and what to do when something fails. No installation at all: upload the notebook to
https://colab.research.google.com, its first cell installs the package.
"""


def is_solution(cell: NotebookNode) -> bool:
    """Whether a cell answers an exercise."""
    return cell.cell_type == "code" and "hide-cell" in cell.metadata.get("tags", [])


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """The notebook as a student gets it; the original is left as it is."""
    cells: list[NotebookNode] = []
    for cell in notebook.cells:
        if is_solution(cell):
            if not cells or cells[-1].source != ANSWER:
                cells.append(nbformat.v4.new_code_cell(ANSWER))
        elif cell.cell_type == "code":
            cells.append(nbformat.v4.new_code_cell(cell.source, metadata=cell.metadata))
        elif source := elsewhere(PROSE_ANSWER.sub("", cell.source)).strip():
            cells.append(nbformat.v4.new_markdown_cell(source))
    return normalise(nbformat.v4.new_notebook(cells=cells))


def elsewhere(text: str) -> str:
    """The text with pictures beside the notebook, and with links to other pages that lead into the repository."""
    text = PICTURE.sub(r"](\1)", text)

    def address(match: re.Match[str]) -> str:
        page = match[1] if match[1].startswith("book/") else f"notebooks/{match[1]}"
        return f"]({REPOSITORY}/blob/main/{page})"

    return LINK.sub(address, text)


def pack(path: Path, target: Path) -> Path:
    """Write the zip of one chapter, the same bytes on every run."""
    original = nbformat.read(path, as_version=4)
    title = original.cells[0].source.splitlines()[0].lstrip("# ")
    pictures = {name for cell in original.cells if cell.cell_type == "markdown" for name in PICTURE.findall(cell.source)}
    contents = {
        f"{path.stem}.ipynb": (nbformat.writes(without_solutions(original)) + "\n").encode(),
        "README.md": README.format(title=title, name=path.stem).encode(),
        **{name: (ROOT / "book" / name).read_bytes() for name in sorted(pictures)},
    }
    target.mkdir(parents=True, exist_ok=True)
    with ZipFile(target / f"{path.stem}.zip", "w") as archive:
        for name, data in contents.items():
            archive.writestr(ZipInfo(f"{path.stem}/{name}"), data, ZIP_DEFLATED)
    return target / f"{path.stem}.zip"


def chapters() -> list[Path]:
    """Notebooks with exercises."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    return [path for path in paths if any(map(is_solution, nbformat.read(path, as_version=4).cells))]


if __name__ == "__main__":
    for chapter in chapters():
        print(pack(chapter, TARGET).relative_to(ROOT))
