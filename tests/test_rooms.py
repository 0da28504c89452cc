"""The package's structure is the planned one: data flows one way, no circles, a module in a room, the drawing up to date."""

import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import rooms  # noqa: E402


def order(pairs: set[tuple[str, str]]) -> list[str]:
    """Modules, each after those that it imports; CycleError if there is a circle."""
    graph: dict[str, set[str]] = {}
    for a, b in pairs:
        graph.setdefault(a, set()).add(b)
    return list(TopologicalSorter(graph).static_order())


def test_imports_are_seen():
    pairs = rooms.arrows()
    assert {
        ("tokens", "text"),
        ("recommend.content", "recommend.base"),
        ("evaluate.league", "evaluate.metrics"),
        ("cli", "mining"),
    } <= pairs
    assert ("recommend.base", "recommend.storage") in pairs  # from a package, a module


def test_every_module_has_a_room_of_the_plan():
    assert {rooms.room_of(name) for name in rooms.modules()} - {"tokrec"} <= set(rooms.PLAN)


def test_imports_follow_the_plan():
    assert rooms.violations(rooms.arrows()) == []


PLANTED = [
    ("text", "tokens"),
    ("features.encoder", "similarity"),
    ("evaluate.metrics", "recommend.base"),
    ("recommend.content", "datasets.shelf"),
    ("recommend.base", "evaluate.league"),
    ("datasets.shelf", "cli"),
    ("similarity", "plot"),
]


@pytest.mark.parametrize("planted", PLANTED)
def test_an_import_against_the_plan_is_found(planted: tuple[str, str]):
    (found,) = rooms.violations(rooms.arrows() | {planted})
    assert found.startswith(f"{planted[0]} imports {planted[1]}: ")


def test_later_rooms_are_free_to_import_what_they_need():
    later = {
        ("knowledge.graph", "datasets.shelf"),
        ("recommend.graph", "knowledge.graph"),
        ("explain", "language.model"),
        ("serve", "mining"),
    }
    assert rooms.violations(later) == []


def test_no_circle_of_modules():
    assert len(order(rooms.arrows())) > 30
    with pytest.raises(CycleError):
        order(rooms.arrows() | {("text", "tokens")})


def test_plan_itself_has_no_circle():
    lower = [room for room in rooms.PLAN if room not in (*rooms.UPPER, *rooms.TOP)]
    below = {room: {part.split(".")[0] for part in rooms.PLAN[room]} for room in lower}
    assert len(below) == 9
    TopologicalSorter(below).prepare()


def test_drawing_shows_the_real_imports():
    drawn = (ROOT / "book" / "images" / "rooms.svg").read_text(encoding="utf-8")
    assert drawn == rooms.draw(), "run python tools/rooms.py book/images/rooms.svg"
    assert all(f">{room}<" in drawn for level in rooms.floors() for room in level)


def test_nearest_by_hand():
    assert rooms.nearest({("a", "b"), ("b", "c"), ("a", "c")}) == {("a", "b"), ("b", "c")}
    assert rooms.nearest({("a", "b"), ("a", "c")}) == {("a", "b"), ("a", "c")}
