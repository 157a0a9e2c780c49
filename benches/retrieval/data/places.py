"""Rankings of places, kept as JSON lines, and what they are worth: files, lines, tokens, whole issues.

A ranking that was kept is a baseline: another version, another model or another tool is compared with it
question by question, without running it again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from codesearch import Hit

__all__ = ["Place", "Ranking", "Span", "read", "write"]

DEPTH = 10
BUDGETS = (1_000, 2_000, 4_000)
_CHARACTERS_A_TOKEN = 4
_NEVER = 16_000
"""Tokens that count where no right line comes."""


@dataclass(frozen=True, slots=True)
class Place:
    """A hit, as far as its place goes. Lines are 1-based and inclusive."""

    path: str
    start: int
    end: int
    characters: int

    @classmethod
    def of(cls, hit: Hit) -> Place:
        """Return the place of a hit."""
        return cls(hit.path, hit.start_line, hit.end_line, len(hit.text))

    @property
    def tokens(self) -> int:
        """The cost of reading it."""
        return math.ceil(self.characters / _CHARACTERS_A_TOKEN)


@dataclass(frozen=True, slots=True)
class Span:
    """Lines that answer; ``relevance`` 2 answers, 1 is useful context."""

    path: str
    start: int
    end: int
    relevance: int = 1

    def overlaps(self, place: Place) -> bool:
        """Whether the place shows one of the lines."""
        return place.path == self.path and place.start <= self.end and self.start <= place.end


@dataclass(frozen=True, slots=True)
class Ranking:
    """One question in one mode: what came, best first, and what should have come."""

    kind: str
    mode: str
    question: str
    spans: tuple[Span, ...]
    places: tuple[Place, ...]
    seconds: float

    @property
    def ndcg(self) -> float:
        """Graded NDCG@10 (linear gain): one place pays for one span, the most relevant that is left."""
        left, gain = list(self.spans), 0.0
        for rank, place in enumerate(self.places[:DEPTH], 1):
            shown = [span for span in left if span.overlaps(place)]
            if shown:
                best = max(shown, key=lambda span: span.relevance)
                left.remove(best)
                gain += best.relevance / math.log2(rank + 1)
        ideal = sorted((span.relevance for span in self.spans), reverse=True)[:DEPTH]
        return gain / sum(each / math.log2(rank + 1) for rank, each in enumerate(ideal, 1))

    @property
    def first(self) -> int | None:
        """1-based rank of the first place that shows a right line."""
        return next((rank for rank, place in enumerate(self.places, 1) if self._right(place)), None)

    def hit(self, depth: int) -> bool:
        """Whether a right line is among the first places."""
        return self.first is not None and self.first <= depth

    def file_hit(self, depth: int) -> bool:
        """Whether a right file is."""
        wanted = {span.path for span in self.spans}
        return any(place.path in wanted for place in self.places[:depth])

    @property
    def tokens_to_first_line(self) -> float:
        """Tokens above the first right line: of the places before, and of its own above the line."""
        if self.first is None:
            return _NEVER
        place = self.places[self.first - 1]
        line = min(max(span.start, place.start) for span in self.spans if span.overlaps(place))
        above = place.tokens * (line - place.start) / (place.end - place.start + 1)
        return sum(each.tokens for each in self.places[: self.first - 1]) + above

    @property
    def tokens_to_first_place(self) -> int:
        """Tokens to the end of the first place that shows a right line."""
        return _NEVER if self.first is None else sum(each.tokens for each in self.places[: self.first])

    def precision(self, budget: int) -> float:
        """The share of right lines among those that fit into ``budget`` tokens."""
        right = total = 0
        for place in self.places:
            budget -= place.tokens
            if budget < 0 and total:
                break
            lines = {(place.path, line) for line in range(place.start, place.end + 1)}
            total += len(lines)
            right += sum(
                any(path == span.path and span.start <= line <= span.end for span in self.spans)
                for path, line in lines
            )
        return right / total if total else 0.0

    def strict_files(self, depth: int) -> bool:
        """Whether all right files are among the first ``depth`` distinct ones."""
        files = list(dict.fromkeys(place.path for place in self.places))[:depth]
        return {span.path for span in self.spans} <= set(files)

    def _right(self, place: Place) -> bool:
        return any(span.overlaps(place) for span in self.spans)


def write(path: Path, rankings: Iterable[Ranking]) -> None:
    """Keep rankings, one a line."""
    path.write_text("".join(json.dumps(asdict(each)) + "\n" for each in rankings), encoding="utf-8")


def read(path: Path) -> list[Ranking]:
    """Return kept rankings."""
    return [_ranking(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _ranking(row: dict[str, object]) -> Ranking:
    spans: Sequence[dict[str, object]] = row.pop("spans")  # type: ignore[assignment]
    places: Sequence[dict[str, object]] = row.pop("places")  # type: ignore[assignment]
    return Ranking(
        spans=tuple(Span(**span) for span in spans),  # type: ignore[arg-type]
        places=tuple(Place(**place) for place in places),  # type: ignore[arg-type]
        **row,  # type: ignore[arg-type]
    )
