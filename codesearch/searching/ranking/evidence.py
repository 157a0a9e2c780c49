"""The signals of the ranking: what speaks for a chunk (place_evidence.py), and what for its file.

Each is a pure function over all candidates; its name is what explanations call it. Those of ``PLACE`` decide
which part of a file answers, those of ``FILE`` which file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import PurePath
from typing import Protocol

from codesearch.records import ChunkRef
from codesearch.searching.candidate import Candidate, best_first
from codesearch.searching.question.query import Query
from codesearch.searching.ranking.place_evidence import declaring, definitions, length, verbatim, words
from codesearch.searching.ranking.weights import Weights
from codesearch.searching.signals.mentions import named_files
from codesearch.searching.signals.messages import said_in
from codesearch.searching.signals.path_roles import is_data, is_prose
from codesearch.searching.signals.prose import AnswerKind, prose_wanted
from codesearch.searching.signals.quoted import quoted_lines, shares_quoted
from codesearch.searching.signals.seeming_tests import seeming_tests
from codesearch.searching.signals.signals import (
    defines,
    path_affinity,
    unwanted_roles,
    within,
)
from codesearch.searching.signals.signs import bearing, signs_in
from codesearch.storage.lexical.tokens import tokenize

__all__ = ["HYBRID", "SEMANTIC", "Signal", "Signals", "Step", "prepared"]


class Signal(Protocol):
    """A function over all candidates, which stand in the order of their places.

    Its name is what explanations call it.
    """

    @property
    def __name__(self) -> str: ...

    def __call__(self, candidates: Sequence[Candidate], query: Query, weights: Weights, /) -> list[Candidate]:
        """Return the same candidates in the same order with other scores."""


Step = Callable[[Sequence[Candidate]], list[Candidate]]
"""Gives the same candidates other scores."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signal of which most does not depend on scores: prepared once, it may be applied several times.

    What is prepared is applied to the same candidates in the same order.
    """

    prepare: Callable[[Sequence[Candidate], Query, Weights], Step]

    @property
    def __name__(self) -> str:
        return self.prepare.__name__

    def __call__(self, candidates: Sequence[Candidate], query: Query, weights: Weights, /) -> list[Candidate]:
        """Prepare and apply it."""
        return self.prepare(candidates, query, weights)(candidates)


def prepared(signal: Signal, candidates: Sequence[Candidate], query: Query, weights: Weights) -> Step:
    """Return the signal as a step for these candidates, whatever their scores."""
    if isinstance(signal, Prepared):
        return signal.prepare(candidates, query, weights)
    return lambda scored: signal(scored, query, weights)


@dataclass(frozen=True, slots=True)
class Signals:
    """The evidence that a mode ranks by."""

    place: tuple[Signal, ...]
    file: tuple[Signal, ...]


def coherence(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """A file that answers in many places is about the question."""
    total: dict[tuple[str, str], float] = defaultdict(float)
    for candidate in candidates:
        total[candidate.file] += candidate.score
    most = max(total.values(), default=0.0) or 1.0
    return [c.plus(weights.coherence * total[c.file] / most) for c in candidates]


@Prepared
def path_words(candidates: Sequence[Candidate], query: Query, weights: Weights) -> Step:
    """File and folder names that repeat the words of the query."""
    paths = [path for _, path in dict.fromkeys(c.file for c in candidates)]
    own = {token for root in {c.ref.root for c in candidates} for token in tokenize(PurePath(root).name)}
    telling = [term for term in query.terms if term not in own]  # the project's own name is in every path
    affinity = path_affinity(paths, telling or query.terms, abbreviated=weights.abbreviations)
    return lambda scored: [c.plus(weights.path * affinity[c.chunk.path]) for c in scored]


@Prepared
def mentioned(candidates: Sequence[Candidate], query: Query, weights: Weights) -> Step:
    """Files that the query names: by path, as a module, in a traceback."""
    grades = named_files({c.chunk.path for c in candidates}, query)
    return lambda scored: [c.plus(weights.named_file * grades.get(c.chunk.path, 0.0)) for c in scored]


@Prepared
def demotions(candidates: Sequence[Candidate], query: Query, weights: Weights) -> Step:
    """Tests, examples, generated files and the like come after the code they are about."""
    wanted = prose_wanted(query)

    product = seeming_tests([c.chunk for c in candidates])

    def factor(path: str) -> float:
        unwanted = [role for role in unwanted_roles(path, query) if role != "test" or path not in product]
        return role_factor(unwanted, is_prose(path), wanted, query.kind, weights)

    factors = {path: factor(path) for path in {c.chunk.path for c in candidates}}
    return lambda scored: [c.scored(c.score * factors[c.chunk.path]) for c in scored]


def role_factor(
    unwanted: Sequence[str], prose: bool, wanted: AnswerKind, kind: str, weights: Weights
) -> float:
    """Return the factor for a file by its roles that the query, of this ``kind``, does not ask for.

    Where the question is one for the documentation, prose is not among them, and code comes after it.
    """
    if wanted is AnswerKind.CODE:
        return min((weights.roles[role] for role in unwanted), default=1.0)
    least = min((weights.roles[role] for role in unwanted if role != "prose"), default=1.0)
    if prose or kind == "all":
        return least
    return least * (weights.code_beside_prose if wanted is AnswerKind.EITHER else weights.code_below_prose)


@Prepared
def named_first(candidates: Sequence[Candidate], query: Query, weights: Weights) -> Step:
    """Where the query is a name, what defines it comes before everything else, wherever it stands.

    Roles and words decide among several definitions, never between a definition and a use.
    """
    if not query.is_name:
        return list
    defining = {c.ref for c in candidates if any(name.last in c.chunk.definitions for name in query.names)}
    # A module Types.Config is meant by "Config" only where nothing has just that name.
    defining = defining or {c.ref for c in candidates if any(defines(c.chunk, n) for n in query.names)}
    defining = defining or set(declaring(candidates, query)) or _holding(candidates, query)
    scopes = [name.scope[-1] for name in query.names if name.scope]
    owned = {
        c.ref for c in candidates if c.ref in defining and any(within(c.chunk, scope) for scope in scopes)
    }
    return _above_others(owned or _written_whole(candidates, query) or defining)


def _written_whole(candidates: Sequence[Candidate], query: Query) -> set[ChunkRef]:
    """Where the query is a key of settings (``server.tls.port``) that stands so somewhere: these places.

    Asked where no owner of the last word fits: what else defines a ``port`` is not meant.
    """
    key = query.text.strip().strip("`'\"")
    if not _KEY.fullmatch(key):
        return set()
    form = re.compile(rf"(?<![\w.-]){re.escape(key)}(?![\w-]|\.\w)")
    return {c.ref for c in candidates if key in c.chunk.text and form.search(c.chunk.text)}


def _holding(candidates: Sequence[Candidate], query: Query) -> set[ChunkRef]:
    """Where nobody defines a name that is no plain word: those that hold it, not only its words."""
    names = [name.last for name in query.names if _COMPOUND.search(name.last)]
    forms = [(name, re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")) for name in names]
    return {
        c.ref for c in candidates if any(n in c.chunk.text and form.search(c.chunk.text) for n, form in forms)
    }


@Prepared
def signs_first(candidates: Sequence[Candidate], query: Query, weights: Weights) -> Step:
    """Where the question asks for an operator, what declares it comes first, else what holds it."""
    signs = signs_in(query)
    return _above_others(set(bearing(((c.ref, c.chunk.text) for c in candidates), signs) if signs else ()))


@Prepared
def quoted_first(candidates: Sequence[Candidate], query: Query, weights: Weights) -> Step:
    """Where the question is a quotation, what holds its lines comes first, the more of them the sooner."""
    quoted = frozenset() if query.located else quoted_lines(query)
    if not quoted:
        return list
    shares = shares_quoted([c.chunk for c in candidates], quoted)

    def apply(scored: Sequence[Candidate]) -> list[Candidate]:
        highest = max((c.score for c in scored), default=0.0)
        return [
            c.plus(highest * (1 + share)) if share else c for c, share in zip(scored, shares, strict=True)
        ]

    return apply


@Prepared
def said_first(candidates: Sequence[Candidate], query: Query, weights: Weights) -> Step:
    """Where a message stands word for word in one place, that place comes first, whatever it names.

    Documentation quotes messages and does not say them; where product code and tests hold one, the code does.
    """
    first: set[ChunkRef] = set()
    said = said_in(query) if query.is_long or not query.located else ()
    texts = [(c, c.chunk.text.casefold()) for c in candidates if not is_prose(c.chunk.path)] if said else []
    for message in said:
        holding = [c for c, text in texts if message.stands_in(text, everywhere=is_data(c.chunk.path))]
        holding = [c for c in holding if not _is_aside(c, query)] or holding
        if len({c.file for c in holding}) <= _PLACES_OF_MESSAGE:
            first |= {c.ref for c in holding}
    return _above_others(first)


def _above_others(first: AbstractSet[ChunkRef]) -> Step:
    """Lift some candidates by the score of the best other one."""
    if not first:
        return list

    def apply(scored: Sequence[Candidate]) -> list[Candidate]:
        highest = max((c.score for c in scored if c.ref not in first), default=0.0)
        return [c.plus(highest) if c.ref in first else c for c in scored]

    return apply


def _is_aside(candidate: Candidate, query: Query) -> bool:
    return not _OUTSIDE.isdisjoint(unwanted_roles(candidate.chunk.path, query))


def located(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """A place that the query names, as file and line, is what it asks for."""
    if not query.located:
        return list(candidates)
    others = max((c.score for c in candidates if c.ref not in query.located), default=0.0)
    order = {ref: len(query.located) - at for at, ref in enumerate(query.located)}
    return [c.scored(others + order[c.ref]) if c.ref in order else c for c in candidates]


def duplicates(candidates: Sequence[Candidate], query: Query, weights: Weights) -> list[Candidate]:
    """The same text in several files is one answer: its copies come after other answers."""
    best: dict[str, ChunkRef] = {}
    for candidate in best_first(candidates):
        best.setdefault(candidate.chunk.text, candidate.ref)
    return [c if best[c.chunk.text] == c.ref else c.scored(c.score * weights.duplicate) for c in candidates]


PLACE: tuple[Signal, ...] = (words, length, definitions, verbatim)
"""Evidence of a chunk."""
FILE: tuple[Signal, ...] = (
    coherence,
    path_words,
    mentioned,
    demotions,
    named_first,
    located,
    said_first,
    signs_first,
    quoted_first,
    duplicates,
)
"""Evidence of its file, and copies."""
HYBRID = Signals(PLACE, FILE)
"""Of the hybrid and the lexical search."""
SEMANTIC = Signals((), (demotions, duplicates))
"""Of a search by vectors alone: their order, with tests, copies and the like lower."""


_PLACES_OF_MESSAGE = 2
"""Files that may hold a message: what more of them hold is no one's message."""
_OUTSIDE = frozenset({"test", "example", "generated"})
_KEY = re.compile(r"[^\W\d][\w-]*(?:\.[\w-]+){2,9}")
_COMPOUND = re.compile(r"[^\W_][_\d-]+[^\W_]|[a-z][A-Z]")
"""A name of several words, which no sentence holds by chance."""
