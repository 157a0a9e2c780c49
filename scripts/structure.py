"""Measure the structure of the code: ``python -m scripts.structure [REVISION ...]``.

Prints one Markdown column for each revision, and one for the working tree: entries per folder, loose modules,
imports that point back, lengths of files and functions, repeated stretches, docstrings with "What".
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from scripts.sources import PACKAGES, Module, checkout, modules

STRETCH = 6
"""Lines that make a repeated stretch, blank lines, comments, imports and lone brackets left out."""


def main(revisions: Sequence[str]) -> None:
    columns: dict[str, Mapping[str, str]] = {}
    for revision in (*revisions, None):
        with checkout(revision) as root:
            columns[revision or "working tree"] = measure(root)
    print(f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    rows = dict.fromkeys(row for column in columns.values() for row in column)
    for row in rows:
        print(f"| {row} | {' | '.join(column.get(row, '-') for column in columns.values())} |")


def measure(root: Path) -> dict[str, str]:
    """Every figure of one tree, by its name."""
    found: dict[str, str] = {}
    every: list[Module] = []
    for package in PACKAGES:
        mine = modules(package, root)
        every += mine
        entries = _entries(root / package)
        loose = [name for name in entries[package] if name.endswith(".py")]
        found[f"`{package}`: entries on the top floor, loose modules"] = (
            f"{len(entries[package])}, {len(loose)}"
        )
        largest = max(entries, key=lambda folder: len(entries[folder]))
        found[f"`{package}`: entries of the fullest folder"] = f"{len(entries[largest])} ({largest})"
        found[f"`{package}`: imports that point back between rooms"] = str(back_arrows(mine))
    lengths = [module.text.count("\n") for module in every]
    functions = [length for module in every for length in _functions(module)]
    docstrings = [text for module in every for text in _docstrings(module)]
    names = Counter(module.path.name for module in every if module.path.name != "__init__.py")
    found["files, median lines, over 300"] = _lengths(lengths, 300)
    found["functions, median lines, over 50"] = _lengths(functions, 50)
    found[f"stretches of {STRETCH} lines that stand twice"] = str(_repeated(every))
    found["files that share their name with another"] = str(sum(n for n in names.values() if n > 1))
    found['docstrings, of these begin with "What"'] = (
        f"{len(docstrings)}, {sum(text.startswith('What ') for text in docstrings)}"
    )
    return found


def back_arrows(mine: Sequence[Module]) -> int:
    """Imports against the best order of the rooms: 0 where the rooms form no cycle."""
    arrows = Counter(_arrows(mine))
    left, back = {room for arrow in arrows for room in arrow}, 0
    while left:
        incoming = {room: sum(n for (a, b), n in arrows.items() if b == room and a in left) for room in left}
        top = min(sorted(left), key=lambda room: incoming[room])
        back += incoming[top]
        left.remove(top)
    return back


def _arrows(mine: Sequence[Module]) -> Iterator[tuple[str, str]]:
    """(importing room, imported room), once for each module that is imported."""
    rooms = {module.name: module.room for module in mine}
    for module in mine:
        if module.room == "__init__":
            continue
        targets = {name if name in rooms else name.rpartition(".")[0] for name in module.imports()}
        for target in targets & rooms.keys():
            if rooms[target] not in {module.room, "__init__"}:
                yield module.room, rooms[target]


def _entries(package: Path) -> dict[str, list[str]]:
    """Folder -> its modules and sub-folders that hold code."""
    folders = [package, *sorted(path for path in package.rglob("*") if path.is_dir())]
    found = {}
    for folder in folders:
        inside = [
            path.name
            for path in folder.iterdir()
            if path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))
        ]
        if inside:
            name = str(folder.relative_to(package.parent))
            found[name] = sorted(set(inside) - {"__init__.py", "__pycache__"})
    return found


def _functions(module: Module) -> Iterator[int]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


def _docstrings(module: Module) -> Iterator[str]:
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(module.tree):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            yield text


def _lengths(lengths: Sequence[int], limit: int) -> str:
    return f"{len(lengths):,}, {median(lengths):.0f}, {sum(length > limit for length in lengths)}"


def _repeated(every: Sequence[Module]) -> int:
    """Places after the first at which a stretch stands; one longer repetition counts once."""
    seen: set[tuple[str, ...]] = set()
    count = 0
    for module in every:
        lines = [line.strip() for line in module.text.splitlines()]
        lines = [
            line for line in lines if len(line) > 3 and not line.startswith(("#", "import ", "from ", '"'))
        ]
        inside = False
        for at in range(len(lines) - STRETCH + 1):
            stretch = tuple(lines[at : at + STRETCH])
            count += stretch in seen and not inside
            inside = stretch in seen
            seen.add(stretch)
    return count


if __name__ == "__main__":
    main(sys.argv[1:])
