"""Numbers in prose: each is written out and followed by a comment that names the computed value which it must equal.

``67%<!-- wins:.0% -->`` reads 67% wherever the page is opened; ``wins`` is a value that the notebook keeps with ``glue``. On the pages of
``book`` the notebook's name comes first: ``67%<!-- similarity.wins:.0% -->``. A new number is written as a question mark.
``python tools/execute.py`` puts the new numbers in; ``python tools/marks.py`` does so without running anything.

Numbers that nobody measured (a limit in an article, a size in the code) stand in a comment of their own at the end of the cell:
``<!-- constants: 0.8 16:9 -->``. See :func:`unbound` for what needs neither.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
MARK = re.compile(r"<!-- (?!constants:)([\w.-]+)(?::([^ >]+))? -->")
CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
CONSTANTS = re.compile(r"<!-- constants: ([^>]*) -->")
RECORD = "application/papermill.record/text/plain"  # what both tokrec's and myst_nb's glue write
NEW = "?"

# Not prose: blocks and spans of code, formulas, the addresses of links, comments, tags, bare addresses.
HIDDEN = re.compile(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]+\$|\]\([^)]*\)|<!--.*?-->|<[^>]+>|https?://\S+", re.DOTALL)
# Numbers that name or define: articles with their sections, exercises, versions, years, list items, the interval that everybody uses.
NAMES = re.compile(
    r"§ ?[\d.]+|(?<![\d.,])00\d(?:, \d(?:\.\d)*)?\b"
    r"|\b(?:[Ee]xercise|[Ss]ection|[Cc]hapter|[Pp]art|[Ff]igure|[Tt]able|[Vv]ersion|Python)s? \d+(?:\.\d+)*"
    r"|(?<![\d.,])(?:1[5-9]|20)\d\d(?![\d%,.]\d| ?%)"
    r"|^\d+\. |\b95 ?% (?:bootstrap )?intervals?|\bintervals? \(95 ?%",
    re.MULTILINE,
)
# A number by itself: NDCG@10, BM25, float32 and 4K are names; 0 and 1 are where scales begin and end.
NUMBER = re.compile(r"(?<![A-Za-z0-9_@])(?<![0-9]\.)(?<![A-Za-z0-9]-)(\.?[0-9]+(?:[.,:][0-9]+)*)(?![A-Z0-9])(?: ?%)?")
ENDS_OF_SCALES = {"0", "1"}


def glued(notebook: NotebookNode) -> dict[str, Any]:
    """Names and values that the code cells of a notebook keep for its prose."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    found = (output for output in outputs if RECORD in output.get("data", {}))
    return {output.metadata["scrapbook"]["name"]: ast.literal_eval(output.data[RECORD]) for output in found}


def all_glued() -> dict[str, Any]:
    """The values of all notebooks, named as the pages name them: notebook, point, name."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    return {f"{path.stem}.{name}": value for path in paths for name, value in glued(nbformat.read(path, as_version=4)).items()}


def marks_in(text: str) -> list[re.Match[str]]:
    """The marks of a text; what stands in code is an example."""
    code = [match.span() for match in CODE.finditer(text)]
    return [mark for mark in MARK.finditer(text) if not any(start < mark.start() < end for start, end in code)]


def said(values: dict[str, Any], mark: re.Match[str]) -> str:
    """What stands before a mark when the prose is up to date."""
    if mark[1] not in values:
        raise ValueError(f"{mark[0]}: no cell has kept a value of that name with glue")
    return format(values[mark[1]], mark[2] or "")


def refresh(text: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    """The text with the new values in the place of the old ones.

    Raises
    ------
    ValueError
        If something else than the old value, the new one or a question mark stands before a mark, or if its value doesn't exist.
    """
    parts, end = [], 0
    for mark in marks_in(text):
        before, now = text[end : mark.start()], said(new, mark)
        known = [NEW, *([said(old, mark)] if mark[1] in old else []), now]
        ending = next((part for part in known if _ends_with(before, part)), None)
        if ending is None:
            raise ValueError(f"{before[-30:]!r} stands before {mark[0]}, expected {known[-2]!r}: write that, or {NEW!r} for a new number")
        parts += [before.removesuffix(ending), now, mark[0]]
        end = mark.end()
    return "".join([*parts, text[end:]])


def _ends_with(before: str, number: str) -> bool:
    """Whether a text ends with this number, and not with a longer one that ends alike."""
    return before.endswith(number) and not re.search(r"\d[.,]?$|-$", before.removesuffix(number))


def wrong(text: str, values: dict[str, Any]) -> list[str]:
    """Marks whose number is not the computed one."""
    found = []
    for mark in marks_in(text):
        number = said(values, mark) if mark[1] in values else "(no such value)"
        if not _ends_with(text[: mark.start()], number):
            found.append(f"{text[max(0, mark.start() - 20) : mark.end()]} should say {number}")
    return found


def unbound(text: str, values: dict[str, Any]) -> list[str]:
    """Numbers of a text that nothing holds, each with what stands around it; and constants that are listed for nothing.

    No mark is needed by numbers in code, formulas and addresses; years; articles, sections, exercises, versions; names such as NDCG@10
    or 4K; the 95% of an interval; 0 and 1 as such. Signs and percent signs are no part of a constant.
    """
    constants = {word for found in CONSTANTS.findall(text) for word in found.split()}
    plain = _without_held(text, values)
    numbers = [number for number in NUMBER.finditer(plain) if number[0] not in ENDS_OF_SCALES]
    stale = constants - {number[1] for number in NUMBER.finditer(plain)}
    return [
        *(" ".join(plain[max(0, n.start() - 30) : n.end() + 30].split()) for n in numbers if n[1] not in constants),
        *(f"{constant} is listed as a constant and stands nowhere" for constant in sorted(stale)),
    ]


def _without_held(text: str, values: dict[str, Any]) -> str:
    """The text without marked numbers, names, and all that is no prose."""
    parts, end = [], 0
    for mark in marks_in(text):
        parts.append(text[end : mark.start()].removesuffix(said(values, mark) if mark[1] in values else ""))
        end = mark.end()
    return NAMES.sub(" ", HIDDEN.sub(" ", " # ".join([*parts, text[end:]])))


def refresh_notebook(notebook: NotebookNode, old: dict[str, Any]) -> None:
    """Put the values that the notebook's outputs hold into its prose; `old` are those that the prose may still state."""
    new = glued(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = refresh(cell.source, old, new)


def refresh_pages(old: dict[str, Any]) -> None:
    """Put the values that the notebooks hold into the pages of ``book`` and the README."""
    new = all_glued()
    for path in [ROOT / "README.md", *sorted((ROOT / "book").glob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        try:
            fresh = refresh(text, old, new)
        except ValueError as error:
            raise ValueError(f"{path.relative_to(ROOT)}: {error}") from None
        if fresh != text:
            path.write_text(fresh, encoding="utf-8", newline="\n")


def main() -> None:
    """Write the numbers of stored outputs into notebooks and pages where a question mark stands."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        refresh_notebook(notebook, {})
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
    refresh_pages({})


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(str(error))
