"""Importing is light, names lead where they should, and what is public is documented."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import tokrec

HEAVY = ("torch", "transformers", "tokenizers", "spacy", "sklearn", "scipy", "pandas", "numpy", "matplotlib", "jieba")
MODULES = [
    found.name
    for found in pkgutil.walk_packages(tokrec.__path__, "tokrec.")
    if not found.name.endswith("__main__") and not found.name.startswith("tokrec.distill")
]


def public_objects() -> list[tuple[str, object]]:
    """Functions and classes, each where it is defined."""
    modules = [importlib.import_module(name) for name in MODULES]
    return [
        (f"{module.__name__}.{name}", thing)
        for module in modules
        for name, thing in vars(module).items()
        if not name.startswith("_") and (inspect.isclass(thing) or inspect.isroutine(thing)) and thing.__module__ == module.__name__
    ]


PUBLIC = public_objects()
FUNCTIONS = [(name, thing) for name, thing in PUBLIC if not inspect.isclass(thing)]
METHODS = [
    (f"{name}.{method}", getattr(thing, method))
    for name, thing in PUBLIC
    if inspect.isclass(thing)
    for method, member in vars(thing).items()
    if not (method == "__init__" and getattr(thing, "_is_protocol", False))  # typing writes it
    and inspect.isfunction(member)
    and (not method.startswith("_") or method == "__init__")
]


def test_import_is_light():
    code = f"import sys, tokrec; print(*[name for name in {HEAVY} if name in sys.modules], len(sys.modules))"
    (count,) = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert int(count) < 200  # heavy ones bring thousands


def test_reading_the_shelf_does_not_load_torch():
    code = (
        "import sys, tokrec; tokrec.load_shelf().items; tokrec.clean('x'); print({'torch', 'transformers', 'spacy'} & {*sys.modules} or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "0"


@pytest.mark.parametrize("name", tokrec.__all__)
def test_every_name_leads_somewhere(name: str):
    assert getattr(tokrec, name) is not None and name in dir(tokrec)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match="module 'tokrec' has no attribute 'magic'; it has .*load_shelf"):
        tokrec.magic  # noqa: B018


def test_there_is_something_to_check():
    assert len(FUNCTIONS) > 50 and len(METHODS) > 20


@pytest.mark.parametrize(("name", "thing"), PUBLIC, ids=[name for name, _ in PUBLIC])
def test_docstring_names_its_chapter_or_page(name: str, thing: object):
    text = inspect.getdoc(thing) or ""
    home = inspect.getdoc(sys.modules[thing.__module__]) or ""
    assert text, f"{name} has no docstring"
    if inspect.isclass(thing):
        text += home  # a class may leave that to its module
    assert any(word in text for word in ("hapter *", "hapters *", "age *")), f"{name} names neither chapter nor page"


@pytest.mark.parametrize(("name", "thing"), FUNCTIONS + METHODS, ids=[name for name, _ in FUNCTIONS + METHODS])
def test_type_hints(name: str, thing: object):
    signature = inspect.signature(inspect.unwrap(thing))  # type: ignore[arg-type]
    bare = [part.name for part in signature.parameters.values() if part.annotation is part.empty and part.name not in ("self", "cls")]
    assert not bare, f"{name}: no type for {', '.join(bare)}"
    assert signature.return_annotation is not signature.empty, f"{name}: no return type"


@pytest.mark.parametrize(("name", "method"), METHODS, ids=[name for name, _ in METHODS])
def test_methods_are_documented(name: str, method: object):
    if not name.endswith("__init__"):
        assert inspect.getdoc(method), f"{name} has no docstring"
