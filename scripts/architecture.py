"""Write what docs/architecture.md says of the code: ``python -m scripts.architecture [--check]``.

The drawings of which room imports which, and the list of every module with the first line of its docstring.
An arrow that follows from two others is left out. ``--check`` changes nothing and exits 1 where the page is
stale.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable

from scripts.sources import PACKAGES, ROOT, modules

DOCUMENT = ROOT / "docs" / "architecture.md"
_BASICS = frozenset({"__init__", "__main__", "errors", "quick_dataclass", "records"})
"""Everything imports these, so their arrows say nothing."""


def main() -> int:
    text = new = DOCUMENT.read_text(encoding="utf-8")
    for package in PACKAGES:
        new = _filled(new, f"imports of {package}", f"```mermaid\n{drawing(package)}\n```")
        new = _filled(new, f"modules of {package}", module_list(package))
    if "--check" in sys.argv:
        if new != text:
            print("docs/architecture.md is out of date: python -m scripts.architecture", file=sys.stderr)
        return int(new != text)
    DOCUMENT.write_text(new, encoding="utf-8")
    return 0


def _filled(text: str, name: str, content: str) -> str:
    """The text with other content between the marks of that name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    return re.sub(pattern, lambda _: f"{begin}\n{content}\n{end}", text, flags=re.DOTALL)


def module_list(package: str) -> str:
    """A table of the modules, room by room."""
    rows = ["| module | |", "|---|---|"]
    for module in sorted(modules(package), key=lambda one: one.name.split(".")):
        about = (
            (ast.get_docstring(module.tree) or "").partition("\n")[0].replace("|", "\\|").replace("``", "`")
        )
        is_room = module.path.name == "__init__.py"
        name = module.name.removeprefix(f"{package}.")
        rows.append(f"| **`{name}`** | **{about}** |" if is_room else f"| `{name}` | {about} |")
    return "\n".join(rows)


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
