"""Numbers in prose: put in, followed, found where they are wrong or where nothing holds them; citations lead to an entry."""

import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import marks  # noqa: E402
import references  # noqa: E402

OLD = {"wins": 0.666, "n": 1200, "label": "0.12 [0.10, 0.15]", "sim-TF-IDF": 3}
NEW = OLD | {"wins": 0.7, "n": 1300}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "book").glob("*.md"))]


@pytest.fixture(scope="module")
def values():
    return marks.all_glued()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("It wins 67%<!-- wins:.0% --> of them.", "It wins 70%<!-- wins:.0% --> of them."),
        ("It wins ?<!-- wins:.0% --> of them.", "It wins 70%<!-- wins:.0% --> of them."),
        ("**1,200<!-- n:, -->**, | 1200<!-- n --> |", "**1,300<!-- n:, -->**, | 1300<!-- n --> |"),
        ("70%<!-- wins:.0% --> is already there", "70%<!-- wins:.0% --> is already there"),
        ("a text, 0.12 [0.10, 0.15]<!-- label -->, and 3<!-- sim-TF-IDF -->", None),
        ("write `?<!-- wins:.0% -->`", None),
        ("no number <!-- a remark --> and <!-- constants: 0.8 -->", None),
    ],
)
def test_new_values_take_the_place_of_old_ones(before, after):
    assert marks.refresh(before, OLD, NEW) == (after or before)
    assert marks.wrong(after or before, NEW) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("It wins 66%<!-- wins:.0% -->", r"'It wins 66%' stands before <!-- wins:.0% -->, expected '67%': write that, or '\?'"),
        ("It wins 167%<!-- wins:.0% -->", "expected '67%'"),
        ("It wins -67%<!-- wins:.0% -->", "expected '67%'"),
        ("It wins <!-- wins:.0% -->", "expected '67%'"),
        ("It wins ?<!-- losses -->", "<!-- losses -->: no cell has kept a value of that name with glue"),
    ],
)
def test_what_an_author_must_mend_is_told(text, message):
    with pytest.raises(ValueError, match=message):
        marks.refresh(text, OLD, NEW)


@pytest.mark.parametrize(
    "text", ["66%<!-- wins:.0% -->", "167%<!-- wins:.0% -->", "6.67%<!-- wins:.0% -->", "?<!-- n -->", "1<!-- lost -->"]
)
def test_a_wrong_number_is_found(text):
    assert len(marks.wrong(text, OLD)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "It wins 67% of them.",
        "about 5 of them",
        "a gain of .12",
        "a loss of -0.03",
        "**1,200** texts",
        "| 42 |",
        "67%<!-- wins:.0% --> of 300",
        "1% of them",
        "In 2016 of 3,000 cases",
        "(12)",
        "[17 of them](page.md)",
        "a ratio of 16:9",
    ],
)
def test_a_number_that_nothing_holds_is_found(text):
    assert len(marks.unbound(text, OLD)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "67%<!-- wins:.0% --> of 1200<!-- n --> and 0.12 [0.10, 0.15]<!-- label -->",
        "articles 001 and 003 (§4.2) from 2016, 000, 4.1",
        "### Exercise 3\n\nSee section 2 and Python 3.11.",
        "`x = 12`, $12$, [here](a12-34.md), <https://example.org/12>\n\n```python\n12\n```",
        "NDCG@10, BM25, float32, GPT-2, C4 and 4K with a 95% interval, from 0 to 1",
        "1. one\n2. two",
        "above 0.8 or 16:9 <!-- constants: 0.8 16:9 -->",
        "20 % <!-- constants: 20 -->",
    ],
)
def test_a_number_that_something_holds_is_not_found(text):
    assert marks.unbound(text, OLD) == []


def test_a_constant_that_stands_nowhere_is_found():
    assert marks.unbound("above 0.8 <!-- constants: 0.8 0.9 -->", {}) == ["0.9 is listed as a constant and stands nowhere"]


def test_values_are_read_from_the_outputs_and_written_into_the_prose():
    data = {marks.RECORD: "0.7"}
    output = nbformat.v4.new_output("display_data", data, metadata={"scrapbook": {"name": "wins"}})
    cells = [nbformat.v4.new_markdown_cell("It wins 67%<!-- wins:.0% -->."), nbformat.v4.new_code_cell("glue()", outputs=[output])]
    notebook = nbformat.v4.new_notebook(cells=cells)
    assert marks.glued(notebook) == {"wins": 0.7}
    marks.refresh_notebook(notebook, OLD)
    assert notebook.cells[0].source == "It wins 70%<!-- wins:.0% -->."


def test_pages_follow_the_notebooks(tmp_path, monkeypatch):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "intro.md").write_text("67%<!-- chapter.wins:.0% -->")
    (tmp_path / "README.md").write_text("no number")
    monkeypatch.setattr(marks, "ROOT", tmp_path)
    monkeypatch.setattr(marks, "all_glued", lambda: {"chapter.wins": 0.7})
    marks.refresh_pages({"chapter.wins": 0.666})
    assert (tmp_path / "book" / "intro.md").read_text() == "70%<!-- chapter.wins:.0% -->"
    monkeypatch.setattr(marks, "all_glued", lambda: {"chapter.wins": 0.8})
    with pytest.raises(ValueError, match=r"^book/intro.md: '70%' stands before"):
        marks.refresh_pages({})


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_numbers_of_pages_are_those_of_the_notebooks(path, values):
    assert marks.wrong(path.read_text(encoding="utf-8"), values) == []


def test_page_of_references_is_up_to_date():
    assert (ROOT / "book" / "references.md").read_text(encoding="utf-8") == references.page(), "run python tools/references.py"


def test_labels_and_anchors():
    assert references.link("jarvelin2002cumulated") == (
        "[Järvelin and Kekäläinen 2002](../book/references.md#järvelin-and-kekäläinen-2002)"
    )
    assert references.label(references.entries()["vaswani2017attention"]) == "Vaswani et al. 2017"
    assert references.label(references.entries()["zipf1949human"]) == "Zipf 1949"


@pytest.mark.parametrize("path", [*NOTEBOOKS, *PAGES], ids=lambda path: path.name)
def test_citations_lead_to_an_entry(path):
    text = path.read_text(encoding="utf-8")
    labels = {references.label(entry) for entry in references.entries().values()}
    assert [name for name, anchor in references.LINK.findall(text) if name not in labels or anchor != references.anchor(name)] == []
    assert "{cite" not in text
