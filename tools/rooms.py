"""The package's rooms: who imports whom, held against the plan, and drawn: ``python tools/rooms.py book/images/rooms.svg``."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "tokrec"
# Room: what it may import. Data flows one way; a room that is not there yet keeps its place.
PLAN = {
    "checks": [],
    "text": ["checks"],
    "tokens": ["checks", "text"],
    "features": ["checks", "text", "tokens"],
    "similarity": ["checks", "features"],
    "datasets": ["checks", "text", "tokens", "features"],
    "evaluate": ["checks", "similarity"],
    "knowledge": ["checks", "text", "tokens", "features", "datasets"],
    "recommend": ["checks", "text", "tokens", "features", "similarity", "knowledge", "evaluate.splits", "evaluate.metrics"],
}
UPPER = ("language", "sentiment", "explain", "feedback", "privacy")  # may import all rooms above, and each other
TOP = ("mining", "plot", "stored", "spine", "serve", "cli", "distill")  # may import everything
PARTS = {  # modules that belong to a room of another name
    "readers_order": "spine",
    "ladders": "spine",
    "fonts": "plot",
    "cutting": "text",
    "own_evaluation": "cli",
    "__main__": "cli",
}
PLAN |= {room: [*PLAN, *UPPER] for room in UPPER}
PLAN |= {room: [*PLAN, *TOP] for room in TOP}


def modules() -> dict[str, Path]:
    """Every module of the package, by its name within it (``recommend.base``); a package is its ``__init__``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name or "tokrec"] = path
    return found


def imports(path: Path) -> set[str]:
    """Names within the package that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "tokrec":
            found |= {".".join([*node.module.split(".")[1:], alias.name]) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("tokrec.") for alias in node.names if alias.name.startswith("tokrec.")}
    return found


def arrows() -> set[tuple[str, str]]:
    """Pairs of modules: the first imports the second. A name taken from a package counts as taken from the module that is named so."""
    known = modules()
    found = set()
    for name, path in known.items():
        for target in imports(path):
            while target and target not in known:
                target = target.rpartition(".")[0]
            if target and target != name:
                found.add((name, target))
    return found


def room_of(module: str) -> str:
    """The room of a module."""
    first = module.split(".")[0]
    return PARTS.get(first, first)


def room_arrows() -> set[tuple[str, str]]:
    """Pairs of rooms: some module of the first imports one of the second."""
    return {(room_of(a), room_of(b)) for a, b in arrows() if "tokrec" not in (a, b) and room_of(a) != room_of(b)}


def violations(pairs: set[tuple[str, str]]) -> list[str]:
    """Imports that the plan does not allow."""
    wrong = []
    for a, b in sorted(pairs):
        home, other = room_of(a), room_of(b)
        if "tokrec" not in (a, b) and home != other and not {other, b} & set(PLAN.get(home, ())):
            wrong.append(f"{a} imports {b}: {home} may import {', '.join(PLAN.get(home, [])) or 'nothing'}")
    return wrong


def floors() -> list[list[str]]:
    """Rooms by height: each stands above all that it imports, and those that import nothing just below their users."""
    below: dict[str, set[str]] = {room_of(name): set() for name in modules() if name != "tokrec"}
    for a, b in room_arrows():
        below[a].add(b)
    height: dict[str, int] = {}
    while len(height) < len(below):
        ready = [room for room in below if room not in height and below[room] <= set(height)]
        if not ready:
            raise ValueError(f"rooms import each other in a circle: {sorted(set(below) - set(height))}")
        height |= {room: 1 + max((height[other] for other in below[room]), default=-1) for room in ready}
    highest = max(height.values())
    for room in [room for room in below if not below[room] and room != "checks"]:  # near those who use them, not far above
        height[room] = min((height[user] for user in below if room in below[user]), default=highest + 1) - 1
    order = list(PLAN)
    return [sorted((room for room in height if height[room] == level), key=order.index) for level in range(highest + 1)]


def draw() -> str:
    """The rooms as SVG, lowest at the top, since the reader starts there; an arrow leads from a room to one that uses it."""
    width, row, box, tall = 760, 92, 112, 40
    levels = floors()
    direct = nearest(room_arrows())
    place: dict[str, tuple[float, float]] = {}
    for level, rooms in enumerate(levels):  # a room stands below the middle of those that it uses
        used = {room: [place[other][0] for user, other in direct if user == room] or [0] for room in rooms}
        for column, room in enumerate(sorted(rooms, key=lambda room, used=used: sum(used[room]) / len(used[room]))):
            place[room] = width * (column + 1) / (len(rooms) + 1), 36 + row * level
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {row * len(levels)}" font-family="sans-serif" font-size="16">',
        f'<rect width="{width}" height="{row * len(levels)}" fill="#ffffff"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#5a6b7b"/></marker></defs>',
    ]
    for user, used in sorted(direct):
        (x1, y1), (x2, y2) = place[used], place[user]
        top, bottom = y1 + tall / 2, y2 - tall / 2
        bend = (bottom - top) / 2
        lines.append(
            f'<path d="M{x1:.0f} {top:.0f}C{x1:.0f} {top + bend:.0f} {x2:.0f} {bottom - bend:.0f} {x2:.0f} {bottom:.0f}" '
            'fill="none" stroke="#5a6b7b" stroke-width="1.2" marker-end="url(#tip)"/>'
        )
    for room, (x, y) in place.items():
        lines.append(
            f'<rect x="{x - box / 2:.0f}" y="{y - tall / 2:.0f}" width="{box}" height="{tall}" rx="6" fill="#e8eef4" stroke="#5a6b7b"/>'
            f'<text x="{x:.0f}" y="{y + 6:.0f}" text-anchor="middle" fill="#1b2733">{room}</text>'
        )
    return "\n".join([*lines, "</svg>"]) + "\n"


def nearest(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Pairs without those that follow from others: if a uses b and b uses c, the arrow from c to a says nothing new."""
    reach = dict.fromkeys({a for a, _ in pairs}, frozenset())
    for _ in reach:
        reach = {a: frozenset(x for b in [b for c, b in pairs if c == a] for x in {b} | reach.get(b, frozenset())) for a in reach}
    return {(a, b) for a, b in pairs if not any(b in reach.get(c, ()) for d, c in pairs if d == a and c != b)}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(), encoding="utf-8", newline="\n")
