"""Why a hit ranks where it does: both ranks, what fusion made of them, and what each signal did.

A ``Trace`` watches the ranking, which tells it the scores after every step; nothing is computed twice, so
what is explained is what happened. Applied one after the other to ``fused``, the steps give the hit's score.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import field
from functools import reduce

from codesearch.quick_dataclass import dataclass
from codesearch.records import ChunkRef, Hit
from codesearch.searching.candidates import Candidates, Scores
from codesearch.searching.ranking.rerank import Reranking
from codesearch.searching.stores.protocol import Match

__all__ = ["ExplainedHit", "Explanation", "Step", "Trace"]

_FACTORS = frozenset({"demotions", "duplicates", "further_places"})
"""Signals that multiply; all others add."""


@dataclass(frozen=True, slots=True)
class Step:
    """The effect of one signal on a score: ``score * times + add``; one of the two leaves it as it was."""

    name: str
    times: float = 1.0
    add: float = 0.0

    def applied(self, score: float) -> float:
        """The score after this step."""
        return score * self.times + self.add


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a score came about. A rank is None where that list did not hold the chunk."""

    lexical_rank: int | None
    semantic_rank: int | None
    fused: float
    """Of both ranks, or in semantic mode the cosine; 0 for a definition that neither list held."""
    steps: tuple[Step, ...] = ()
    reranker: float | None = None
    """The score of the reranker, in its own unit; None where it was not asked."""

    @property
    def score(self) -> float:
        """The steps over ``fused``: the score of the hit, before it is rounded."""
        return reduce(lambda score, step: step.applied(score), self.steps, self.fused)


@dataclass(frozen=True, slots=True)
class ExplainedHit:
    """A hit, and why it is where it is."""

    hit: Hit
    explanation: Explanation


@dataclass(slots=True)
class Trace:
    """Watches one search. Not for several threads."""

    _lexical: dict[ChunkRef, int] = field(default_factory=dict)
    _semantic: dict[ChunkRef, int] = field(default_factory=dict)
    _scores: dict[ChunkRef, float] = field(default_factory=dict)
    _fused: dict[ChunkRef, float] = field(default_factory=dict)
    _hits: tuple[ChunkRef, ...] = ()
    _said: dict[ChunkRef, float] = field(default_factory=dict)
    _steps: dict[ChunkRef, list[Step]] = field(default_factory=lambda: defaultdict(list))

    def lists(self, lexical: Sequence[Match], semantic: Sequence[Match]) -> None:
        """Note the two lists of candidates, best first."""
        self._lexical = {match.ref: rank for rank, match in enumerate(lexical, 1)}
        self._semantic = {match.ref: rank for rank, match in enumerate(semantic, 1)}

    def __call__(self, name: str, candidates: Candidates, scores: Scores) -> None:
        """The scores after a step (the ``Watch`` of ``ranking.rank``), at first where they start."""
        self._scored(name, zip(candidates.refs, scores.tolist(), strict=True))

    def _scored(self, name: str, scores: Iterable[tuple[ChunkRef, float]]) -> None:
        for ref, score in scores:
            before = self._scores.get(ref)
            if before is None:
                self._fused[ref] = score
            else:
                self._steps[ref].append(_step(name, before, score))
            self._scores[ref] = score

    def reranked(self, judged: Reranking) -> None:
        """Note the scores of the reranker and the new order."""
        self._said = judged.said
        self._scored("rerank", ((c.ref, c.score) for c in judged.candidates if c.ref in judged.said))

    def hits(self, refs: Sequence[ChunkRef]) -> None:
        """The chunks that became hits, in their order."""
        self._hits = tuple(refs)

    def explanations(self) -> list[Explanation]:
        """One for each hit, in their order."""
        return [self._explanation(ref) for ref in self._hits]

    def _explanation(self, ref: ChunkRef) -> Explanation:
        return Explanation(
            lexical_rank=self._lexical.get(ref),
            semantic_rank=self._semantic.get(ref),
            fused=self._fused.get(ref, 0.0),
            steps=tuple(self._steps[ref]),
            reranker=self._said.get(ref),
        )


def _step(name: str, before: float, after: float) -> Step:
    if name in _FACTORS and before:
        return Step(name, times=after / before)
    return Step(name, add=after - before)
