"""The page of references, written out from ``book/references.bib`` so that it reads well anywhere: ``python tools/references.py``.

A citation is a link to an entry's heading: ``[Reimers and Gurevych 2020](../book/references.md#reimers-and-gurevych-2020)``;
``python tools/references.py reimers2020making`` prints it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pybtex.backends.markdown import Backend
from pybtex.database import Entry, parse_file
from pybtex.plugin import find_plugin
from pybtex.richtext import Text

FOLDER = Path(__file__).parents[1] / "book"
LINK = re.compile(r"\[([^][]+)\]\([\w./]*references\.md#([^)]+)\)")
HEAD = """# References

What the book cites or builds on, in alphabetical order.
"""


class Markdown(Backend):
    """Pybtex' Markdown with escapes only where they are needed."""

    def format_str(self, text: str) -> str:
        """Text that is neither emphasis nor a link."""
        return re.sub(r"([*_\[\]<])", r"\\\1", text)


def entries() -> dict[str, Entry]:
    """Entries of the bibliography by key."""
    return dict(parse_file(str(FOLDER / "references.bib")).entries)


def label(entry: Entry) -> str:
    """What stands in the text: last names, at most two, and the year."""
    people = entry.persons.get("author") or entry.persons["editor"]
    names = [str(Text.from_latex(" ".join([*person.prelast_names, *person.last_names]))) for person in people]
    shown = {1: names[0], 2: " and ".join(names)}.get(len(names), f"{names[0]} et al.")
    return f"{shown} {entry.fields['year']}"


def anchor(heading: str) -> str:
    """The name that GitHub and MyST give a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def link(key: str, folder: str = "../book/") -> str:
    """The citation of an entry, for a page that sees the folder `book` there."""
    name = label(entries()[key])
    return f"[{name}]({folder}references.md#{anchor(name)})"


def page() -> str:
    """The page of references."""
    found = parse_file(str(FOLDER / "references.bib"))
    style = find_plugin("pybtex.style.formatting", "plain")()
    texts = {entry.key: " ".join(entry.text.render(Markdown()).split()) for entry in style.format_bibliography(found)}
    headings = {label(entry): key for key, entry in found.entries.items()}
    if len(headings) < len(texts):
        raise ValueError("two entries of book/references.bib have the same authors and year: add a letter to the year of one")
    return HEAD + "".join(f"\n## {heading}\n\n{texts[headings[heading]]}\n" for heading in sorted(headings, key=anchor))


if __name__ == "__main__":
    if sys.argv[1:]:
        print(*map(link, sys.argv[1:]), sep="\n")
    else:
        (FOLDER / "references.md").write_text(page(), encoding="utf-8", newline="\n")
