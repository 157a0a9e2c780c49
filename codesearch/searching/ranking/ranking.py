"""Two ranked lists to one: reciprocal rank fusion, then three decisions.

Which place of a file answers: ranks, cosine, words, names, definitions (``Signals.place``). Which file: its
path, its other candidates, its role (``Signals.file``). How many places of a file are worth a rank: each
further one by its own evidence, not by its number.

Where words are compared by their meaning (``likeness``), the order so made says which candidates are worth
it, and is made again with what they got.

Everything is a pure function over candidates. Scores are relative (``weights.py``). Ties are broken by path
and position: the same tree and query give the same list, always.

Fusion: Cormack, Clarke, Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank
learning methods" (SIGIR 2009), with a weight for each list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from codesearch.records import Chunk, ChunkRef, Scorer
from codesearch.searching.candidate import Candidate, best_first, by_place
from codesearch.searching.question.query import Query
from codesearch.searching.ranking.evidence import HYBRID, SEMANTIC, Signals, Step, prepared
from codesearch.searching.ranking.weights import WEIGHTS, Weights
from codesearch.searching.stores.protocol import Match

__all__ = [
    "HYBRID",
    "LIKENED",
    "SEMANTIC",
    "WEIGHTS",
    "Candidate",
    "Watch",
    "Weights",
    "cosine_shares",
    "further_places",
    "fuse",
    "likeness",
    "rank",
]

LIKENED = 50
"""Candidates whose words are compared by their meaning."""

Watch = Callable[[str, Sequence[Candidate]], None]
"""Told what a step is called and what it left."""


def fuse(
    lexical: Sequence[ChunkRef], semantic: Sequence[Match], lexical_share: float, weights: Weights
) -> dict[ChunkRef, float]:
    """Return the weighted reciprocal ranks of two lists, best first: first in both is 1. Then the cosines.

    A cosine counts by its share of the best one, ``weights.closeness`` at most. A chunk that the semantic
    list does not hold is taken to be as near as the last one that it holds.
    """
    scores: dict[ChunkRef, float] = defaultdict(float)
    lists = ((lexical, lexical_share), ([match.ref for match in semantic], 1 - lexical_share))
    for refs, share in lists:
        for position, ref in enumerate(refs, 1):
            scores[ref] += share * (weights.rrf_k + 1) / (weights.rrf_k + position)
    near = cosine_shares(semantic)
    farthest = min(near.values(), default=0.0)
    return {ref: score + weights.closeness * near.get(ref, farthest) for ref, score in scores.items()}


def cosine_shares(semantic: Sequence[Match]) -> dict[ChunkRef, float]:
    """Return each cosine's share of the best one; {} where none is positive."""
    best = max((match.score for match in semantic), default=0.0)
    return {match.ref: max(match.score, 0.0) / best for match in semantic} if best > 0 else {}


def rank(
    chunks: Mapping[ChunkRef, Chunk],
    scores: Mapping[ChunkRef, float],
    query: Query,
    signals: Signals,
    weights: Weights = WEIGHTS,
    *,
    words: Scorer | None = None,
    watch: Watch | None = None,
) -> list[Candidate]:
    """Return candidates best first. Chunks without a score (definitions found by name) start at 0.

    ``words`` scores how like texts are to a question. ``watch`` is told the candidates as they start
    ("fused") and after each signal.
    """
    candidates = by_place(Candidate(ref, chunk, scores.get(ref, 0.0)) for ref, chunk in chunks.items())
    watch = watch or _ignore
    weights = weights.beside_likeness() if words else weights
    watch("fused", candidates)
    for signal in signals.place:
        candidates = signal(candidates, query, weights)
        watch(signal.__name__, candidates)
    steps = {s.__name__: prepared(s, candidates, query, weights) for s in signals.file}
    if words:
        first = _by_file(candidates, query, steps, weights, _ignore)[:LIKENED]
        candidates = likeness(candidates, first, query, words, weights)
        watch(likeness.__name__, candidates)
    return _by_file(candidates, query, steps, weights, watch)


def likeness(
    candidates: Sequence[Candidate],
    first: Sequence[Candidate],
    query: Query,
    words: Scorer,
    weights: Weights,
) -> list[Candidate]:
    """A chunk that says the question in other words.

    The ``first`` candidates alone are compared, for the time it takes. The most like of them gains
    ``weights.likeness``, the least like nothing.
    """
    if not first:
        return list(candidates)
    said = words(query.text, [candidate.chunk.embedded_text for candidate in first])
    least, most = float(said.min()), float(said.max())
    span = (most - least) or 1.0
    shares = {c.ref: (float(score) - least) / span for c, score in zip(first, said, strict=True)}
    return [c.plus(weights.likeness * shares.get(c.ref, 0.0)) for c in candidates]


def _by_file(
    candidates: list[Candidate], query: Query, steps: Mapping[str, Step], weights: Weights, watch: Watch
) -> list[Candidate]:
    """From the evidence of places to the order of hits."""
    evidence = {candidate.ref: candidate.score for candidate in candidates}
    for name, step in steps.items():
        candidates = step(candidates)
        watch(name, candidates)
    candidates = further_places(candidates, evidence, query, weights)
    watch(further_places.__name__, candidates)
    return candidates


def further_places(
    candidates: Sequence[Candidate], evidence: Mapping[ChunkRef, float], query: Query, weights: Weights
) -> list[Candidate]:
    """Return candidates best first: the best place of a file stands for it, each further one for itself.

    A file's path and role, which brought its best place up, are no reason to show ten others: a further
    place counts by its share of the ``evidence`` of the best place of all.
    """
    most = max(evidence.values(), default=0.0) or 1.0

    def further(candidate: Candidate) -> Candidate:
        share = max(evidence[candidate.ref], 0.0) / most
        return candidate.scored(candidate.score * weights.further_place(share, query))

    first: dict[tuple[str, str], ChunkRef] = {}
    for candidate in best_first(candidates):
        first.setdefault(candidate.file, candidate.ref)
    return best_first(c if first[c.file] == c.ref else further(c) for c in candidates)


def _ignore(name: str, candidates: Sequence[Candidate]) -> None:
    """Watch nothing."""
