"""Sphinx extension: runs of Chinese in the pages are marked as Chinese, for screen readers, hyphenation and the choice of glyphs."""

import re
from pathlib import Path

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
SIGNS = r"\u3001-\u303f\uff01-\uff0f\uff1a-\uff20\u2026\u00b7"  # full-width punctuation, within a run
RUN = re.compile(rf"[{HAN}](?:[{HAN}{SIGNS}]*[{HAN}])?")
PIECE = re.compile(r"<!--.*?-->|<[^>]*>|[^<]+", re.DOTALL)
ELEMENT = re.compile(r"<(/?)([a-zA-Z][\w-]*)")
NO_MARKUP_WITHIN = {"script", "style", "title", "svg", "option", "textarea"}
EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def is_closed_to_markup(tag: str, name: str) -> bool:
    """Whether the text of an element has to stay as it is: no HTML, a formula, or marked already."""
    return name in NO_MARKUP_WITHIN or 'lang="zh' in tag or bool(re.search(r'class="[^"]*\bmath\b', tag))


def mark(page: str) -> str:
    """A page with ``<span lang="zh">`` around each run of Chinese."""
    parts, closed = [], []  # closed: the open elements from the first one on that is closed to markup
    for piece in PIECE.findall(page):
        element = ELEMENT.match(piece)
        if element and element[2].lower() not in EMPTY and not piece.endswith("/>"):
            name = element[2].lower()
            if not element[1] and (closed or is_closed_to_markup(piece, name)):
                closed.append(name)
            elif element[1] and closed and name in closed:
                while closed.pop() != name:
                    pass
        elif not piece.startswith("<") and not closed:
            piece = RUN.sub(r'<span lang="zh">\g<0></span>', piece)
        parts.append(piece)
    return "".join(parts)


def mark_pages(app, exception):
    """Mark the Chinese in every page that was written."""
    if exception is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            page = path.read_text(encoding="utf-8")
            marked = mark(page)
            if marked != page:
                path.write_text(marked, encoding="utf-8")


def setup(app):
    """Register with Sphinx."""
    app.connect("build-finished", mark_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
