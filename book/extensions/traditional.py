"""Sphinx extension: the search page gets a table of traditional Chinese characters and their simplified forms, for search.js."""

import json

import opencc

from tokrec.fonts import characters


def table() -> dict[str, str]:
    """Traditional characters of the usual block whose simplified form is in GB2312, with that form, by OpenCC."""
    convert = opencc.OpenCC("t2s").convert
    pairs = {char: convert(char) for char in map(chr, range(0x4E00, 0xA000))}
    return {char: simple for char, simple in pairs.items() if simple != char and len(simple) == 1 and simple in characters()}


def add_table(app, pagename, templatename, context, doctree):
    """Put the table into the search page, as two strings of equal length."""
    if pagename == "search":
        pairs = table()
        strings = json.dumps(["".join(pairs), "".join(pairs.values())], ensure_ascii=False)
        app.add_js_file(None, body=f"const TRADITIONAL = {strings};", priority=100)


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", add_table)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
