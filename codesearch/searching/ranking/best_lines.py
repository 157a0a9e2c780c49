"""The lines of a chunk that say most of what is asked: where in it to look first."""

from __future__ import annotations

from collections.abc import Mapping

from codesearch.searching.signals.words import rarity

__all__ = ["WINDOW", "best_lines"]

WINDOW = 3
"""Lines that are pointed at."""


def best_lines(text: str, stems: Mapping[str, float]) -> tuple[int, int]:
    """Return the first and last of the ``WINDOW`` lines that tell most, counted from 0, both inclusive.

    A word tells the less, the more lines hold it, and counts once in a window. Of equal windows it
    is the first, and the first lines where none holds a word. Blank lines at the ends are no part of it.
    """
    folded = text.casefold()
    said = folded.strip()
    first = folded.count("\n", 0, folded.find(said)) if said else 0
    last = first + said.count("\n")
    final = max(first, last - WINDOW + 1)
    worth: dict[int, float] = {}
    for stem in stems:
        if not (holding := _lines_with(stem, folded)):
            continue
        weight = rarity(stems[stem], len(holding), last - first + 1)
        seen = first - 1  # the last window that the stem was counted in
        for at in holding:
            for start in range(max(seen + 1, at - WINDOW + 1), min(at, final) + 1):
                worth[start] = worth.get(start, 0.0) + weight
            seen = max(seen, min(at, final))
    if not worth:
        return first, min(first + WINDOW - 1, last)
    most = round(max(worth.values()), 9)
    start = min(at for at, value in worth.items() if round(value, 9) == most)
    return start, min(start + WINDOW - 1, last)


def _lines_with(stem: str, text: str) -> list[int]:
    """Return the numbers of the lines that hold a stem, ascending."""
    found, line, before = list[int](), 0, 0
    at = text.find(stem)
    while at >= 0:
        line += text.count("\n", before, at)
        found.append(line)
        before, end = at, text.find("\n", at)
        at = -1 if end < 0 else text.find(stem, end)
    return found
