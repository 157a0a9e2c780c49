"""Two ranked lists to one: reciprocal rank fusion, then signals that know code.

Everything is a pure function over candidates. Scores are relative: the fused score of a chunk that
leads both lists is 1, and every signal adds or multiplies in that unit, so the weights below read as
"worth that much of a perfect match". Ties are broken by path and position: the same tree and query
give the same list, always.

Fusion: Cormack, Clarke, Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank
learning methods" (SIGIR 2009), with a weight for each list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from codesearch.records import Chunk, ChunkRef
from codesearch.searching.query import Query
from codesearch.searching.signals.signals import (
    coverage_grade,
    defines,
    definition_grade,
    path_affinity,
    rarity,
    unwanted_roles,
    within,
)

__all__ = ["WEIGHTS", "Candidate", "Signal", "Watch", "Weights", "fuse", "rank", "saturate"]


@dataclass(frozen=True, slots=True)
class Weights:
    """Every number of the ranking. Chosen on many repositories at once, never for one, and for the mean of a
    model, of all-MiniLM-L6-v2 and of no model at all, so that another model needs no others.

    The worth of each is what hybrid NDCG@10 loses without it on 298 queries over 15 repositories in 14
    languages, with the shipped model and with MiniLM (``python -m benches.retrieval --ablate`` gives the
    intervals); no language carries one alone.
    """

    columns: tuple[float, float, float] = (3.0, 2.0, 1.0)
    """BM25 weights of names defined, path words and text. Worth -0.001 / +0.004."""
    rrf_k: float = 60.0
    """The constant of the paper: the larger, the flatter the difference between ranks."""
    lexical_share: float = 0.5
    """Share of the lexical list for a question in words; the rest is the vectors'. 0.6, chosen with a weaker
    model, is worth -0.005 / +0.002."""
    lexical_share_name: float = 0.7
    """The same for a query that is a name: its letters matter more than its meaning."""
    coherence: float = 0.3
    """For the file that holds most of the candidates' score. Worth +0.013 / +0.011."""
    coverage: float = 0.25
    """For a chunk that holds every word of the question. Worth +0.003 / +0.004."""
    definition: float = 3.0
    """For the definition of the name that is the query: nothing else may come first.
    Worth +0.007 / +0.009."""
    mention: float = 1.0
    """For the definition of a name that a question mentions, less where many define it.
    Worth +0.016 / +0.015."""
    weak_mention: float = 0.5
    """The same for a name that is a mere capitalised word. Worth +0.002 / +0.001."""
    path: float = 2.0
    """For a file whose path says what the question says. Worth +0.043 / +0.047."""
    abbreviations: bool = True
    """Whether first letters in a path stand for words of the question (``client_ws.py``).
    Worth +0.002 / +0.002."""
    verbatim: float = 0.3
    """For a chunk that holds the query word for word: messages, which the split does not ask for."""
    roles: Mapping[str, float] = field(
        default_factory=lambda: {
            "test": 0.3,
            "example": 0.3,
            "compat": 0.3,
            "generated": 0.3,
            "stub": 0.7,
            "boilerplate": 0.5,
            "prose": 0.5,
            "data": 0.5,
        }
    )
    """Factors for files of a role (path_roles) that the query does not ask for; the smallest counts.
    Worth +0.026 / +0.020."""
    duplicate: float = 0.3
    """Factor for a chunk whose text a better one has already: a vendored copy, another worktree."""
    saturation: float = 0.4
    """Factor for each further chunk of a file that is already in the list. Worth +0.063 / +0.057."""


WEIGHTS = Weights()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that may be an answer, and its score so far."""

    ref: ChunkRef
    chunk: Chunk
    score: float

    @property
    def file(self) -> tuple[str, str]:
        """The file of the chunk among those of all roots."""
        return (self.ref.root, self.chunk.path)

    def scored(self, score: float) -> Candidate:
        """Return the same chunk with another score (``dataclasses.replace`` takes five times as long)."""
        return Candidate(self.ref, self.chunk, score)


Watch = Callable[[str, Sequence[Candidate]], None]
"""Told what a step is called and what it left."""


class Signal(Protocol):
    """A function over all candidates, which stand in the order of their places.

    Its name is what explanations call it.
    """

    @property
    def __name__(self) -> str: ...

    def __call__(self, candidates: Sequence[Candidate], query: Query, weights: Weights, /) -> list[Candidate]:
        """Return the same candidates in the same order with other scores."""


def fuse(
    lexical: Sequence[ChunkRef], semantic: Sequence[ChunkRef], lexical_share: float, k: float
) -> dict[ChunkRef, float]:
    """Return the weighted reciprocal ranks of two lists, each best first; first in both is 1."""
    scores: dict[ChunkRef, float] = defaultdict(float)
    for refs, share in ((lexical, lexical_share), (semantic, 1 - lexical_share)):
        for position, ref in enumerate(refs, 1):
            scores[ref] += share * (k + 1) / (k + position)
    return dict(scores)


def rank(
    chunks: Mapping[ChunkRef, Chunk],
    scores: Mapping[ChunkRef, float],
    query: Query,
    signals: Sequence[Signal],
    weights: Weights = WEIGHTS,
    *,
    watch: Watch | None = None,
) -> list[Candidate]:
    """Return candidates best first. Chunks without a score (definitions found by name) start at 0.

    ``watch`` is told the candidates as they start ("fused") and after each signal.
    """
    candidates = [Candidate(ref, chunk, scores.get(ref, 0.0)) for ref, chunk in chunks.items()]
    candidates = _by_place(candidates)
    watch = watch or _ignore
    watch("fused", candidates)
    for signal in signals:
        candidates = signal(candidates, query, weights)
        watch(signal.__name__, candidates)
    candidates = saturate(candidates, weights)
    watch("saturation", candidates)
    return candidates


def coherence(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """A file that answers in many places is about the question."""
    total: dict[tuple[str, str], float] = defaultdict(float)
    for candidate in candidates:
        total[candidate.file] += candidate.score
    most = max(total.values(), default=0.0) or 1.0
    return [_plus(c, weights.coherence * total[c.file] / most) for c in candidates]


def coverage(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """Every word of the question somewhere, rather than one of them often."""

    def gain(chunk: Chunk) -> float:
        return coverage_grade(f"{chunk.path}\n{chunk.text}".casefold(), query.words)

    return [_plus(c, weights.coverage * gain(c.chunk)) for c in candidates]


def definitions(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """A definition of a name in the query comes before every use of it."""
    gains: dict[ChunkRef, float] = defaultdict(float)
    for name in query.names:
        weight = weights.weak_mention if name.weak else weights.mention
        grades = {c.ref: definition_grade(c.chunk, name, fold_case=query.is_name) for c in candidates}
        if query.is_name:
            weight = weights.definition
        else:
            weight *= rarity(len({c.file for c in candidates if grades[c.ref]}))
        for ref, grade in grades.items():
            gains[ref] = max(gains[ref], weight * grade)
    return [_plus(c, gains[c.ref]) for c in candidates]


def path_words(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """File and folder names that repeat the words of the query."""
    paths = [path for _, path in dict.fromkeys(c.file for c in candidates)]
    affinity = path_affinity(paths, query.terms, abbreviated=weights.abbreviations)
    return [_plus(c, weights.path * affinity[c.chunk.path]) for c in candidates]


def verbatim(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """An error message, a phrase or a name that is pasted is found where it is written."""
    wanted = " ".join(query.text.strip("\"'` ").split())
    if query.is_name:
        return [_plus(c, weights.verbatim if wanted in c.chunk.text else 0.0) for c in candidates]
    folded = wanted.casefold()
    return [
        _plus(c, weights.verbatim if folded in " ".join(c.chunk.text.casefold().split()) else 0.0)
        for c in candidates
    ]


def demotions(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """Tests, examples, generated files and the like come after the code they are about."""

    def factor(path: str) -> float:
        return min((weights.roles[role] for role in unwanted_roles(path, query)), default=1.0)

    return [c.scored(c.score * factor(c.chunk.path)) for c in candidates]


def named_first(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """Where the query is a name, what defines it comes before everything else, wherever it stands.

    Roles and words decide among several definitions, never between a definition and a use.
    """
    if not query.is_name:
        return list(candidates)
    defining = {c.ref for c in candidates if any(defines(c.chunk, name) for name in query.names)}
    scopes = [name.scope[-1] for name in query.names if name.scope]
    owned = {
        c.ref for c in candidates if c.ref in defining and any(within(c.chunk, scope) for scope in scopes)
    }
    first = owned or defining
    highest = max((c.score for c in candidates if c.ref not in first), default=0.0)
    return [_plus(c, highest) if c.ref in first else c for c in candidates]


def duplicates(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """The same text in several files is one answer: its copies come after other answers."""
    best: dict[str, ChunkRef] = {}
    for candidate in _best_first(candidates):
        best.setdefault(candidate.chunk.text, candidate.ref)
    return [c if best[c.chunk.text] == c.ref else c.scored(c.score * weights.duplicate) for c in candidates]


def saturate(candidates: Sequence[Candidate], weights: Weights) -> list[Candidate]:
    """Order candidates best first, where each further chunk of the same file counts less (greedy)."""
    by_file: dict[tuple[str, str], int] = defaultdict(int)
    factors: dict[ChunkRef, float] = {}
    # Within a file the order is kept, so one pass gives each chunk its place in its file.
    for candidate in _best_first(candidates):
        factors[candidate.ref] = weights.saturation ** by_file[candidate.file]
        by_file[candidate.file] += 1
    return _best_first([c.scored(c.score * factors[c.ref]) for c in candidates])


HYBRID: tuple[Signal, ...] = (
    coherence,
    coverage,
    definitions,
    path_words,
    verbatim,
    demotions,
    named_first,
    duplicates,
)
"""The signals of the hybrid and the lexical search, in this order."""
SEMANTIC: tuple[Signal, ...] = (demotions, duplicates)
"""Of a search by vectors alone: their order, with tests, copies and the like lower."""


def _ignore(name: str, candidates: Sequence[Candidate]) -> None:
    """Watch nothing."""


def _plus(candidate: Candidate, gain: float) -> Candidate:
    return candidate.scored(candidate.score + gain) if gain else candidate


def _best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Order candidates that stand by place by score; equal ones stay by place, because sorting is stable."""
    return sorted(candidates, key=lambda candidate: -candidate.score)


def _by_place(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Order candidates by absolute path and position. Sums of scores depend on their order too."""
    folders: dict[str, str] = {}

    def place(candidate: Candidate) -> tuple[str, str, int]:
        root, chunk = candidate.ref.root, candidate.chunk
        return (folders.setdefault(root, f"{root}/"), chunk.path, chunk.start_byte)

    return sorted(candidates, key=place)
