"""Hits of one file, shown together: their lines in the order of the file, none of them twice.

Only what is shown is grouped; hits stay what they are, in the order in which they were found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from codesearch.quick_dataclass import dataclass
from codesearch.records import Hit
from codesearch.rendering.snippets import Line, Snippet

__all__ = ["Group", "Sections", "by_file", "merged"]


@dataclass(frozen=True, slots=True)
class Group:
    """Hits of one file, best first, with their places among all hits (from 0)."""

    hits: tuple[Hit, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sections:
    """Runs of consecutive lines in the order of the file, and how many lines of the hits are left out."""

    runs: tuple[tuple[Line, ...], ...]
    omitted: int


def by_file(hits: Iterable[Hit]) -> list[Group]:
    """The files in the order of their best hits."""
    places: dict[tuple[str, str], list[int]] = {}
    listed = list(hits)
    for place, hit in enumerate(listed):
        places.setdefault((hit.root, hit.path), []).append(place)
    return [Group(tuple(listed[at] for at in found), tuple(found)) for found in places.values()]


def merged(group: Group, snippet: Callable[[Hit], Snippet]) -> Sections:
    """The lines of all hits of a file. One that is context of a hit and inside of another is inside."""
    snippets = [snippet(hit) for hit in group.hits]
    # Chunks may share a line of which each holds a part, so a line is known by its text too.
    inside = {(line.number, line.text): line for s in snippets for line in s.lines if line.inside}
    taken = {number for number, _ in inside}
    around = {line.number: line for s in snippets for line in s.lines if line.number not in taken}
    lines = sorted([*inside.values(), *around.values()], key=lambda line: line.number)
    return Sections(tuple(_runs(lines)), sum(s.omitted for s in snippets))


def _runs(lines: Sequence[Line]) -> list[tuple[Line, ...]]:
    runs: list[list[Line]] = []
    for line in lines:
        if runs and line.number - runs[-1][-1].number <= 1:
            runs[-1].append(line)
        else:
            runs.append([line])
    return [tuple(run) for run in runs]
