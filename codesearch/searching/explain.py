"""Why a hit ranks where it does: both ranks, what fusion made of them, and what each signal did.

A ``Trace`` watches the ranking, which tells it the candidates after every step; nothing is computed twice, so
what is explained is what happened. Applied one after the other to ``fused``, the steps give the hit's score.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

from codesearch.records import Hit
from codesearch.searching.ranking import Candidate
from codesearch.searching.rerank import Reranked
from codesearch.storage.rows import Scored

__all__ = ["Explained", "Explanation", "Step", "Trace"]

_FACTORS = frozenset({"demotions", "duplicates", "saturation"})
"""Signals that multiply; all others add."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one signal did to a score: ``score * times + add``; one of the two leaves it as it was."""

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
    """What a reranker said, in its own unit; None where it was not asked."""

    @property
    def score(self) -> float:
        """The steps over ``fused``: the score of the hit, before it is rounded."""
        return reduce(lambda score, step: step.applied(score), self.steps, self.fused)


@dataclass(frozen=True, slots=True)
class Explained:
    """A hit, and why it is where it is."""

    hit: Hit
    explanation: Explanation


@dataclass(slots=True)
class Trace:
    """Watches one search. Not for several threads."""

    _lexical: dict[int, int] = field(default_factory=dict)
    _semantic: dict[int, int] = field(default_factory=dict)
    _scores: dict[int, float] = field(default_factory=dict)
    _fused: dict[int, float] = field(default_factory=dict)
    _hits: tuple[int, ...] = ()
    _said: dict[int, float] = field(default_factory=dict)
    _steps: dict[int, list[Step]] = field(default_factory=lambda: defaultdict(list))

    def lists(self, lexical: Sequence[Scored], semantic: Sequence[Scored]) -> None:
        """The two lists of candidates, best first."""
        self._lexical = {scored.id: rank for rank, scored in enumerate(lexical, 1)}
        self._semantic = {scored.id: rank for rank, scored in enumerate(semantic, 1)}

    def __call__(self, name: str, candidates: Sequence[Candidate]) -> None:
        """The candidates after a step (the ``Watch`` of ``ranking.rank``), at first where they start."""
        for candidate in candidates:
            before = self._scores.get(candidate.id)
            if before is None:
                self._fused[candidate.id] = candidate.score
            else:
                self._steps[candidate.id].append(_step(name, before, candidate.score))
            self._scores[candidate.id] = candidate.score

    def reranked(self, judged: Reranked) -> None:
        """What the second stage said and made of the scores."""
        self._said = judged.said
        self("rerank", [candidate for candidate in judged.candidates if candidate.id in judged.said])

    def answered(self, ids: Sequence[int]) -> None:
        """The chunks that became hits, in their order."""
        self._hits = tuple(ids)

    def explanations(self) -> list[Explanation]:
        """One for each hit, in their order."""
        return [self._explanation(id_) for id_ in self._hits]

    def _explanation(self, id_: int) -> Explanation:
        return Explanation(
            lexical_rank=self._lexical.get(id_),
            semantic_rank=self._semantic.get(id_),
            fused=self._fused.get(id_, 0.0),
            steps=tuple(self._steps[id_]),
            reranker=self._said.get(id_),
        )


def _step(name: str, before: float, after: float) -> Step:
    if name in _FACTORS and before:
        return Step(name, times=after / before)
    return Step(name, add=after - before)
