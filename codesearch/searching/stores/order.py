"""Orders candidates so that nothing but their scores and places decides.

Equal chunks do not get equal scores to the last bit: a matrix product rounds by the row that a vector stands
in, and a sum by its order. Scores that differ by rounding alone count as equal here, and the path decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Protocol, TypeVar

__all__ = ["BM25_ROUNDING", "COSINE_ROUNDING", "Place", "by_score_and_place", "with_ties"]

COSINE_ROUNDING = 1e-6
"""Of the cosine of two float32 vectors of some hundred numbers."""
BM25_ROUNDING = 1e-10
"""Of a sum of some float64 numbers below 100."""

_MARGIN = 32
Place = tuple[str, int]
"""A path, and the first byte of a chunk in it."""


class _HasScore(Protocol):
    @property
    def score(self) -> float: ...


Scored = TypeVar("Scored", bound=_HasScore)


def with_ties(retrieve: Callable[[int], list[Scored]], limit: int, rounding: float) -> list[Scored]:
    """Retrieve ``limit`` candidates and all that tie with the last of them."""
    asked = limit + _MARGIN  # one more would tell, and ask again for every tie
    while True:
        found = retrieve(asked)
        if len(found) < asked or found[limit - 1].score - found[-1].score > rounding:
            return found
        asked *= 4


def by_score_and_place(
    found: Sequence[Scored],
    places: Callable[[Sequence[Scored]], Mapping[int, Place]],
    rounding: float,
) -> list[Scored]:
    """Order candidates by score, equal ones by place. ``places`` are asked once, for ties, by position."""
    ordered = sorted(found, key=attrgetter("score"), reverse=True)
    runs = list(_runs(ordered, rounding))
    tied = [at for run in runs for at in run]
    if not tied:
        return ordered
    known = places([ordered[at] for at in tied])
    where = {at: known[number] for number, at in enumerate(tied)}
    result = list(ordered)
    for run in runs:
        result[run.start : run.stop] = [ordered[at] for at in sorted(run, key=where.__getitem__)]
    return result


def _runs(ordered: Sequence[_HasScore], rounding: float) -> Iterator[range]:
    """Yield the positions, two and more, whose scores differ from their neighbours' by rounding alone."""
    scores = [one.score for one in ordered]
    end = 0
    for at in [at for at, (above, below) in enumerate(pairwise(scores)) if above - below <= rounding]:
        if at < end:
            continue
        end = at + 1
        while end < len(scores) and scores[end - 1] - scores[end] <= rounding:
            end += 1
        yield range(at, end)
