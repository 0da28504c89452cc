"""What comparing outputs misses: whether the notebooks were run, are built alike, and show nothing of one machine."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import execute  # noqa: E402
import marks  # noqa: E402

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
OTHER_PARTS = ("Data and models", "Appendix")
CHAPTERS = [
    ROOT / f"{chapter['file']}.ipynb" for part in TOC["parts"] if part["caption"] not in OTHER_PARTS for chapter in part["chapters"]
]
PATHS_AND_ADDRESSES = re.compile(r"(?<![\w.])/(?:work|root|tmp|home|Users|var)/\w|[A-Z]:\\\\?Users|0x[0-9a-f]{8,}")
LONGEST_CELL = 25
ONLY_RENDERED = re.compile(
    r"\{[a-z]+(?::[a-z]+)?\}`|^```\{|^:::|^\([\w-]+\)=$|\{\{", re.MULTILINE
)  # MyST that Jupyter shows as it is written
PICTURES = {"image/png", "image/svg+xml", "image/jpeg"}
WIDGETS = {"application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json"}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=nbformat.NO_CONVERT)


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request):
    return nbformat.read(request.param, as_version=nbformat.NO_CONVERT)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell):
    return cell.metadata.get("tags", [])


def headings(notebook, level):
    """Headings of one level with the position of their cells."""
    mark = re.compile(rf"^{'#' * level} (.+)", re.MULTILINE)
    return [
        (position, text)
        for position, cell in enumerate(notebook.cells)
        if cell.cell_type == "markdown"
        for text in mark.findall(cell.source)
    ]


def output_texts(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            yield output.get("text", "") + "\n".join(output.get("traceback", []))
            for kind, data in output.get("data", {}).items():
                if kind not in PICTURES and isinstance(data, str):
                    yield data


def test_every_cell_was_run_once_in_order(notebook):
    assert [cell.execution_count for cell in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))
    assert not [cell.source for cell in code_cells(notebook) if not cell.source.strip() or "nbval-skip" in tags(cell)]


def test_format(notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}, "run make execute: it stores no widget state and no editor's data"
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))


def test_outputs_are_the_same_on_every_machine(notebook):
    assert [text for text in output_texts(notebook) if PATHS_AND_ADDRESSES.search(text)] == []
    assert not [kind for cell in code_cells(notebook) for output in cell.outputs for kind in output.get("data", {}) if kind in WIDGETS]


def test_nothing_is_written_to_stderr(notebook):
    assert [output.text for cell in code_cells(notebook) for output in cell.outputs if output.get("name") == "stderr"] == []


def test_cells_are_short(notebook):
    assert [cell.source for cell in code_cells(notebook) if len(cell.source.splitlines()) > LONGEST_CELL] == []


def test_figures_have_a_text_for_those_who_do_not_see_them(notebook):
    for cell in code_cells(notebook):
        if any(PICTURES & set(output.get("data", {})) for output in cell.outputs):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) >= 20, f"metadata mystnb.image.alt is missing or too short in:\n{cell.source}"


def prose(notebook):
    """Markdown cells with their positions."""
    return [(position, cell.source) for position, cell in enumerate(notebook.cells) if cell.cell_type == "markdown"]


def test_prose_reads_the_same_in_jupyter_and_on_the_page(notebook):
    assert [(position, found) for position, text in prose(notebook) for found in ONLY_RENDERED.findall(text)] == []


@pytest.mark.parametrize(
    "text", ["{glue:text}`wins`", "{cite}`a`", "{term}`a`", "```{note}\na\n```", "a\n:::{note}\n:::", "(here)=\n# A", "{{ a }}"]
)
def test_what_only_the_page_understands_is_found(text):
    assert ONLY_RENDERED.search(text)


def test_numbers_are_the_computed_ones(notebook):
    values = marks.glued(notebook)
    assert [found for _, text in prose(notebook) for found in marks.wrong(text, values)] == [], "run make execute"


def test_no_number_stands_alone(notebook):
    values = marks.glued(notebook)
    found = [f"cell {position}: {number}" for position, text in prose(notebook) for number in marks.unbound(text, values)]
    assert found == [], "keep the value with glue and mark the number, or list it as a constant: tools/marks.py"


def test_opening(chapter):
    title, setup = chapter.cells[:2]
    assert title.cell_type == "markdown" and title.source.startswith("# ")
    assert "remove-cell" in tags(setup) and "find_spec" in setup.source and "pip" in setup.source
    position, first = headings(chapter, 2)[0]
    assert first == "What you'll learn"
    assert "**What you need**" in chapter.cells[position].source


def test_closing(chapter):
    names = [text for _, text in headings(chapter, 2)]
    assert names[-2:] == ["In short", "Exercises"]


def is_solution(cell):
    return cell.cell_type == "code" and "hide-cell" in tags(cell)


def test_exercises_have_hidden_solutions(chapter):
    start = next(position for position, text in headings(chapter, 2) if text == "Exercises")
    found = [(position, text) for position, text in headings(chapter, 3) if position >= start]
    assert len(found) >= 4
    ends = [position for position, _ in found[1:]] + [len(chapter.cells)]
    for number, ((begin, text), end) in enumerate(zip(found, ends, strict=True), 1):
        assert text.startswith(f"Exercise {number}")
        solution = [cell for cell in chapter.cells[begin + 1 : end] if cell.cell_type == "code"]
        assert solution, f"{text} has no solution"
        assert all(map(is_solution, solution)), f"the solution of {text} is not hidden"


def shown_answers(notebook):
    """Prose that follows a solution in plain sight."""
    after = zip(notebook.cells, notebook.cells[1:], strict=False)
    return [
        cell.source
        for solution, cell in after
        if is_solution(solution) and not is_solution(cell) and not cell.source.startswith(("#", "<details>"))
    ]


def test_solutions_are_folded_in_jupyter_and_colab(notebook):
    for cell in filter(is_solution, notebook.cells):
        assert cell.metadata.get("jupyter") == {"source_hidden": True, "outputs_hidden": True}, cell.source
        assert cell.metadata.get("cellView") == "form" and cell.source.startswith("# @title Solution"), cell.source
    assert shown_answers(notebook) == []


def test_a_new_solution_is_folded_by_running_it():
    figure = {"figure": {"caption": "A line."}}
    new = nbformat.v4.new_code_cell("1", metadata={"tags": ["hide-cell"], "mystnb": figure, "editor": "mine"})
    (cell,) = execute.normalise(nbformat.v4.new_notebook(cells=[new])).cells
    assert cell.source == "# @title Solution\n1" and set(cell.metadata) == {"cellView", "jupyter", "mystnb", "tags"}
    assert cell.metadata.jupyter == {"source_hidden": True, "outputs_hidden": True} and cell.metadata.cellView == "form"
    assert cell.metadata.mystnb == figure | {"code_prompt_show": "Solution", "code_prompt_hide": "Hide solution"}
    (again,) = execute.normalise(nbformat.v4.new_notebook(cells=[cell])).cells
    assert again == cell


def test_an_answer_in_plain_sight_is_found():
    solution = nbformat.v4.new_code_cell("1", metadata={"tags": ["hide-cell"]})
    texts = ["Because.", "### Exercise 2", "<details>\n<summary>Answer</summary>\n\nBecause.\n\n</details>"]
    found = [shown_answers(nbformat.v4.new_notebook(cells=[solution, nbformat.v4.new_markdown_cell(text)])) for text in texts]
    assert found == [["Because."], [], []]


@pytest.mark.parametrize("text", ["<details>\nBecause.\n</details>", "<details>\n<summary>Answer</summary>\nBecause.\n\n</details>"])
def test_a_fold_whose_text_would_not_be_rendered_is_found(text):
    assert badly_folded(text)


def badly_folded(text):
    """Folds without the blank lines that Markdown within HTML needs."""
    good = r"^<details>\n?<summary>[^<\n]+</summary>\n\n(?:(?!</?details>).)+?\n\n</details>$"
    return text.count("<details>") != len(re.findall(good, text, re.MULTILINE | re.DOTALL))


def test_folds_are_rendered_everywhere(notebook):
    assert [text for _, text in prose(notebook) if badly_folded(text)] == []
