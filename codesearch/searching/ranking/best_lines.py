"""The lines of a chunk that say most of what is asked: where in it to look first."""

from __future__ import annotations

from collections.abc import Mapping

from codesearch.searching.signals.words import rarities

__all__ = ["WINDOW", "best_lines"]

WINDOW = 3
"""Lines that are pointed at."""


def best_lines(text: str, stems: Mapping[str, float]) -> tuple[int, int]:
    """Return the first and last of the ``WINDOW`` lines that tell most, counted from 0, both inclusive.

    A word tells the less, the more lines hold it, and counts once in a window. Of equal windows it
    is the first, and the first lines where none holds a word. Blank lines at the ends are no part of it.
    """
    folded = text.casefold()
    lines = folded.split("\n")
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    last = next((at for at in range(len(lines) - 1, first, -1) if lines[at].strip()), first)
    rarity = rarities(lines[first : last + 1], {stem: stems[stem] for stem in stems if stem in folded})
    final = max(first, last - WINDOW + 1)
    worth: dict[int, float] = {}
    for stem, weight in rarity.items():
        holding = (at for at, line in enumerate(lines) if stem in line)
        starts = {start for at in holding for start in range(max(first, at - WINDOW + 1), min(at, final) + 1)}
        for start in starts:
            worth[start] = worth.get(start, 0.0) + weight
    start = max(worth or [first], key=lambda at: (round(worth.get(at, 0.0), 9), -at))
    return start, min(start + WINDOW - 1, last)
