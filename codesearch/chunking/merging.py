"""Choose the cuts among the candidates: join small neighbours, let substantial definitions stand alone.

What a searcher wants back is the function that answers, whole and by itself; failing that (it is too
small to say much, or too large to be embedded) a few neighbours of one owner, or an even share of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from codesearch.chunking.measure import Measure
from codesearch.chunking.splitting import Boundary
from codesearch.chunking.syntax.symbols import Definition
from codesearch.quick_dataclass import dataclass

__all__ = ["ChunkOptions", "merge"]

_NEVER_ALONE = frozenset({"constant", "namespace"})


@dataclass(frozen=True, slots=True)
class ChunkOptions:
    """Sizes in non-blank characters."""

    target: int = 1_200
    """Size of a chunk, about."""
    alone_share: float = 0.25
    """A definition of at least this share of ``target`` is not merged with its neighbours."""
    slack: float = 1.25
    """A definition of at most this many times ``target`` is not cut."""
    tiny_share: float = 0.08
    """A piece smaller than this share of ``target`` is merged with a neighbour if it can be."""

    @property
    def limit(self) -> int:
        """The largest stretch that is left whole."""
        return int(self.target * self.slack)


@dataclass(slots=True)
class _Run:
    """Boundaries ``first:last`` that nothing separates."""

    first: int
    last: int


def merge(
    boundaries: Sequence[Boundary],
    definitions: Sequence[Definition],
    data: bytes,
    measure: Measure,
    options: ChunkOptions,
) -> list[int]:
    """The starts of the chunks, ascending from 0. ``boundaries`` ascend from 0 and are refined."""
    starts = [boundary.start for boundary in boundaries] + [len(data)]
    runs = _absorb_tiny(_runs(starts, definitions, measure, options), starts, data, measure, options)
    cuts: list[int] = []
    for run in runs:
        cuts += _shares(boundaries, starts, run, measure, options)
    return cuts


def _runs(
    starts: list[int], definitions: Sequence[Definition], measure: Measure, options: ChunkOptions
) -> list[_Run]:
    """Neighbours of one owner, broken before and after every definition that stands alone."""
    alone_size = options.alone_share * options.target
    runs: list[_Run] = []
    owners: list[Definition] = []
    upcoming = 0
    run_start = run_owner_start = alone_end = -1
    for index, (start, end) in enumerate(pairwise(starts)):
        while owners and owners[-1].end <= start:
            owners.pop()
        owner_start = owners[-1].start if owners else -1
        stands_alone = -1
        while upcoming < len(definitions) and definitions[upcoming].start < end:
            definition = definitions[upcoming]
            upcoming += 1
            if definition.kind in _NEVER_ALONE:
                continue
            if definition.end > end:
                owners.append(definition)
            if definition.end > stands_alone and measure.size(definition.start, definition.end) >= alone_size:
                stands_alone = definition.end
        same_owner = owner_start == run_owner_start or owner_start >= run_start >= 0
        if not runs or stands_alone >= 0 or 0 <= alone_end <= start or not same_owner:
            runs.append(_Run(index, index + 1))
            run_start, run_owner_start, alone_end = start, owner_start, stands_alone
        else:
            runs[-1].last = index + 1
    return runs


def _absorb_tiny(
    runs: list[_Run], starts: list[int], data: bytes, measure: Measure, options: ChunkOptions
) -> list[_Run]:
    """Closing brackets join what they close, other crumbs what follows them, where that stays in bounds."""
    tiny = options.tiny_share * options.target
    kept: list[_Run] = []
    sizes: list[int] = []
    carried = False
    for run in runs:
        start, end = starts[run.first], starts[run.last]
        size = measure.size(start, end)
        closes = size < tiny and not _says_something(data[start:end])
        # What is too large anyway will be shared out, and may as well take the crumb along.
        fits = bool(kept) and (size > options.limit or size + sizes[-1] <= options.limit)
        last = run is runs[-1] and size < tiny
        if kept and (closes or ((carried or last) and fits)):
            kept[-1].last = run.last
            sizes[-1] += size
            carried = carried and sizes[-1] < tiny
        else:
            kept.append(run)
            sizes.append(size)
            carried = size < tiny
    return kept


def _says_something(raw: bytes) -> bool:
    return raw.translate(None, b" \t\r\n\f\v{}()[];,.<>/*-=#").lower() not in (
        b"",
        b"end",
        b"endif",
        b"fi",
        b"done",
    )


def _shares(
    boundaries: Sequence[Boundary], starts: list[int], run: _Run, measure: Measure, options: ChunkOptions
) -> list[int]:
    """Cuts of one run into even shares of about ``target``, each at the shallowest boundary near."""
    first, cuts = run.first, [starts[run.first]]
    remaining = measure.size(starts[first], starts[run.last])
    while remaining > options.limit:
        goal = remaining / max(2, round(remaining / options.target))
        best, best_rank, at = first + 1, (True, 0, 0.0), first + 1
        while at < run.last:
            size = measure.size(starts[first], starts[at])
            if size > options.limit and at > first + 1:
                break
            rank = (not 0.6 * goal <= size <= 1.3 * goal, boundaries[at].depth, abs(size - goal))
            if rank[0]:
                rank = (True, 0, abs(size - goal))
            if at == first + 1 or rank < best_rank:
                best, best_rank = at, rank
            at += 1
        if best >= run.last:
            break
        cuts.append(starts[best])
        remaining -= measure.size(starts[first], starts[best])
        first = best
    return cuts
