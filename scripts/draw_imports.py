"""Draw which room imports which, from the code: ``python -m scripts.draw_imports [--check]``.

Rewrites the drawings in docs/architecture.md. With ``--check`` it changes nothing and exits 1 where they are
out of date. An arrow that follows from two others is left out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from scripts.sources import PACKAGES, ROOT, modules

DOCUMENT = ROOT / "docs" / "architecture.md"
_BASICS = frozenset({"__init__", "__main__", "errors", "records", "languages", "tokens"})
"""Everything imports these, so their arrows say nothing."""


def main() -> int:
    text = DOCUMENT.read_text(encoding="utf-8")
    new = text
    for package in PACKAGES:
        begin, end = f"<!-- imports of {package} -->", f"<!-- end of imports of {package} -->"
        block = f"{begin}\n```mermaid\n{drawing(package)}\n```\n{end}"
        new = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _, b=block: b, new, flags=re.DOTALL)
    if "--check" in sys.argv:
        if new != text:
            print("docs/architecture.md is out of date: python -m scripts.draw_imports", file=sys.stderr)
        return int(new != text)
    DOCUMENT.write_text(new, encoding="utf-8")
    return 0


def drawing(package: str) -> str:
    """A Mermaid flow chart of the rooms of a package."""
    arrows = _reduced(_arrows(package))
    return "\n".join(["graph TD", *(f"    {source} --> {target}" for source, target in sorted(arrows))])


def _arrows(package: str) -> set[tuple[str, str]]:
    mine = modules(package)
    rooms = {module.name: module.room for module in mine}
    found = set()
    for module in mine:
        for name in module.imports():
            target = rooms.get(name) or rooms.get(name.rpartition(".")[0])
            if target and target != module.room and not {module.room, target} & _BASICS:
                found.add((module.room, target))
    return found


def _reduced(arrows: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows without those that a longer way implies."""
    direct: dict[str, set[str]] = {}
    for source, target in arrows:
        direct.setdefault(source, set()).add(target)

    def reachable(start: str) -> set[str]:
        found: set[str] = set()
        waiting = list(direct.get(start, ()))
        while waiting:
            room = waiting.pop()
            if room not in found:
                found.add(room)
                waiting += direct.get(room, ())
        return found

    return {
        (source, target)
        for source, targets in direct.items()
        for target in targets
        if not any(target in reachable(other) for other in targets - {target})
    }


if __name__ == "__main__":
    sys.exit(main())
