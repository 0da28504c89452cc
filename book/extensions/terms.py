"""Sphinx extension: a term of the glossary can be linked to by its name, ``glossary.md#term-attention``, as a heading can."""

from docutils import nodes


def offer_terms(app, document):
    """Add the ids of a page's terms to what Markdown links may lead to."""
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for term in document.findall(nodes.term):
        for name in term["ids"]:
            slugs.setdefault(name, (term.line, name, term.astext()))


def setup(app):
    """Register with Sphinx."""
    app.connect("doctree-read", offer_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
