"""One hit for a text that stands in several places: vendored copies, forks, worktrees.

The ranking has put the best place first (not the vendored one, where there is another). Texts are the
same if they are so without the blank lines at their ends, which belong to the neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

from codesearch.quick_dataclass import dataclass
from codesearch.searching.ranking.ranking import Candidate

__all__ = ["Fold", "fold"]


@dataclass(frozen=True, slots=True)
class Fold:
    """A candidate and those with the same text that came after it."""

    best: Candidate
    copies: tuple[Candidate, ...] = ()


def fold(ranked: Sequence[Candidate]) -> list[Fold]:
    """Group candidates by text, each text at the place of its best candidate."""
    by_text: dict[str, list[Candidate]] = {}
    for candidate in ranked:
        by_text.setdefault(candidate.chunk.text.strip(), []).append(candidate)
    return [Fold(best, tuple(copies)) for best, *copies in by_text.values()]
