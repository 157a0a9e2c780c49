"""References as text and as JSON. Pure: everything from files is made safe here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codesearch.rendering.render import dump, shown_path
from codesearch.rendering.terminal import one_line
from codesearch.searching.references.find import Reference, References

__all__ = ["as_json", "as_text"]


def as_text(found: References, callees: Sequence[Reference], cwd: Path) -> str:
    """Return sections of ``path:line  symbol  text``, aligned within each."""
    code = [use for use in found.uses if not use.is_test]
    sections = {
        "defined": found.definitions,
        "called": [use for use in code if use.use == "call"],
        "imported": [use for use in code if use.use == "import"],
        "used": [use for use in code if use.use == "use"],
        "in tests": [use for use in found.uses if use.is_test],
        "calls": callees,
    }
    return "\n".join(_section(title, places, cwd) for title, places in sections.items() if places)


def as_json(found: References, callees: Sequence[Reference]) -> str:
    """Return one object; ``complete`` is false where there are more uses than the limit."""
    return dump(
        {
            "name": found.name,
            "definitions": found.definitions,
            "uses": found.uses,
            "calls": callees,
            "complete": found.complete,
            "by": "syntax",
        }
    )


def _section(title: str, places: Sequence[Reference], cwd: Path) -> str:
    rows = [(f"{shown_path(place, cwd)}:{place.line}", one_line(place.symbol or "-")) for place in places]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [
        f"  {where:<{widths[0]}}  {symbol:<{widths[1]}}  {one_line(place.text)[:120]}".rstrip()
        for (where, symbol), place in zip(rows, places, strict=True)
    ]
    return "\n".join([title, *lines, ""])
