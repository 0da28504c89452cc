"""What a class gets: every chapter, no solution, nothing that is missing from the zip."""

import re
import sys
from pathlib import Path
from zipfile import ZipFile

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import student  # noqa: E402

CHAPTERS = student.chapters()


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request, tmp_path):
    """A chapter, the student's notebook, and the names in the zip."""
    with ZipFile(student.pack(request.param, tmp_path)) as archive:
        stem = request.param.stem
        notebook = nbformat.reads(archive.read(f"{stem}/{stem}.ipynb").decode(), as_version=4)
        readme = archive.read(f"{stem}/README.md").decode()
        return nbformat.read(request.param, as_version=4), notebook, readme, archive.namelist()


def text_of(notebook):
    return "\n".join(cell.source for cell in notebook.cells)


def test_every_notebook_with_exercises_is_a_chapter():
    with_exercises = [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if "## Exercises" in path.read_text(encoding="utf-8")]
    assert with_exercises == CHAPTERS and len(CHAPTERS) >= 6


def test_solutions_are_gone_and_the_rest_is_there(chapter):
    original, notebook, _, _ = chapter
    nbformat.validate(notebook)
    text = text_of(notebook)
    solutions = [cell.source for cell in original.cells if student.is_solution(cell)]
    assert solutions and not [source for source in solutions if source in text or "\n".join(source.splitlines()[1:]) in text]
    assert "<summary>Answer" not in text and "# @title" not in text and not [cell for cell in notebook.cells if student.is_solution(cell)]
    exercises = re.findall(r"^### Exercise", text, flags=re.MULTILINE)
    assert [cell.source for cell in notebook.cells].count(student.ANSWER) == len(exercises) >= 4
    kept = [cell.source for cell in original.cells if cell.cell_type == "code" and not student.is_solution(cell)]
    assert [cell.source for cell in notebook.cells if cell.cell_type == "code" and cell.source != student.ANSWER] == kept
    assert not [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]


def test_nothing_after_the_first_solution_needs_one(chapter):
    original, _, _, _ = chapter
    code = [cell for cell in original.cells if cell.cell_type == "code"]
    first = next(position for position, cell in enumerate(code) if student.is_solution(cell))
    assert all(map(student.is_solution, code[first:]))


def test_links_and_pictures_are_found(chapter):
    _, notebook, readme, names = chapter
    stem = names[0].split("/")[0]
    places = re.findall(r"\]\(([^)]+)\)", "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown"))
    inside = [place for place in places if not place.startswith(("https://", "#"))]
    assert {f"{stem}/{place}" for place in inside} == set(names) - {f"{stem}/{stem}.ipynb", f"{stem}/README.md"}
    for place in places:
        if place.startswith(f"{student.REPOSITORY}/blob/main/"):
            assert (ROOT / place.removeprefix(f"{student.REPOSITORY}/blob/main/").split("#")[0]).exists(), place
    assert "pip install" in readme and f"{stem}.ipynb" in readme and "setup.md" in readme


def test_the_same_bytes_every_time(tmp_path):
    first, second = (student.pack(CHAPTERS[0], tmp_path / name).read_bytes() for name in ("a", "b"))
    assert first == second


def test_the_original_is_left_as_it_is():
    original = nbformat.read(CHAPTERS[0], as_version=4)
    before = nbformat.writes(original)
    student.without_solutions(original)
    assert nbformat.writes(original) == before
