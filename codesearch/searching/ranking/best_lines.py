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
    lines = text.casefold().split("\n")
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    last = next((at for at in range(len(lines) - 1, first, -1) if lines[at].strip()), first)
    rarity = rarities(lines[first : last + 1], stems)
    held = [frozenset(stem for stem in rarity if stem in line) for line in lines]
    starts = range(first, max(first, last - WINDOW + 1) + 1)

    def worth(start: int) -> float:
        return sum(rarity[stem] for stem in set().union(*held[start : min(start + WINDOW, last + 1)]))

    telling = [at for at in starts if any(held[at : at + WINDOW])]
    start = max(telling or [first], key=lambda at: (round(worth(at), 9), -at))
    return start, min(start + WINDOW - 1, last)
