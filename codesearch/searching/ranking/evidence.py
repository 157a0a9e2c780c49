"""The signals of the ranking: what speaks for a chunk (place_evidence.py), and what for its file.

Each is a pure function over all candidates; its name is what explanations call it. Those of ``PLACE`` decide
which part of a file answers, those of ``FILE`` which file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import PurePath
from typing import Protocol

import numpy as np

from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk, ChunkRef
from codesearch.searching.candidates import Candidates, Scores, Step, adding, best_first, unchanged
from codesearch.searching.question.query import Query
from codesearch.searching.ranking.place_evidence import declaring, definitions, length, verbatim, words
from codesearch.searching.ranking.weights import Weights
from codesearch.searching.signals.mentions import named_files
from codesearch.searching.signals.messages import said_in
from codesearch.searching.signals.path_roles import ROLES, is_data, is_prose, role_names
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
from codesearch.searching.signals.wants_tests import wants_tests
from codesearch.storage.lexical.tokens import tokenize

__all__ = ["HYBRID", "SEMANTIC", "Signal", "Signals"]


class Signal(Protocol):
    """A function over all candidates. Its name is what explanations call it."""

    @property
    def __name__(self) -> str: ...

    def __call__(self, candidates: Candidates, query: Query, weights: Weights, /) -> Step:
        """Return what this evidence does to the scores of these candidates."""


@dataclass(frozen=True, slots=True)
class Signals:
    """The evidence that a mode ranks by."""

    place: tuple[Signal, ...]
    file: tuple[Signal, ...]


def coherence(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """A file that answers in many places is about the question."""
    files = candidates.files

    def apply(scores: Scores) -> Scores:
        total = np.bincount(files, scores)
        return scores + weights.coherence * total[files] / (total.max() or 1.0)

    return apply


def path_words(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """File and folder names that repeat the words of the query."""
    paths = [path for _, path in candidates.of_files]
    roots = dict.fromkeys(root for root, _ in candidates.of_files)
    own = {token for root in roots for token in tokenize(PurePath(root).name)}
    telling = [term for term in query.terms if term not in own]  # the project's own name is in every path
    affinity = path_affinity(paths, telling or query.terms, abbreviated=weights.abbreviations)
    gains = np.array([weights.path * affinity[path] for path in paths])[candidates.files]
    return lambda scores: scores + gains


def mentioned(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """Files that the query names: by path, as a module, in a traceback."""
    grades = named_files({chunk.path for chunk in candidates.chunks}, query)
    if not grades:
        return unchanged
    return adding([weights.named_file * grades.get(chunk.path, 0.0) for chunk in candidates.chunks])


def demotions(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """Tests, examples, generated files and the like come after the code they are about."""
    wanted = prose_wanted(query)
    product = seeming_tests(candidates.chunks)
    asked_for = {role.name for role in ROLES if query.mentions(role.asked_by)}
    beside_tests = weights.code_beside_tests if wants_tests(query) else 1.0

    @cache
    def factor(roles: frozenset[str], is_product: bool) -> float:
        unwanted = roles - asked_for - ({"test"} if is_product else set())
        beside = 1.0 if "test" in roles and not is_product else beside_tests
        return beside * role_factor(unwanted, "prose" in roles, wanted, query.kind, weights)

    paths = [path for _, path in candidates.of_files]
    by_file = np.array([factor(role_names(path), path in product) for path in paths])
    factors = by_file[candidates.files]
    return lambda scores: scores * factors


def role_factor(
    unwanted: Collection[str], prose: bool, wanted: AnswerKind, kind: str, weights: Weights
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


def named_first(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """Where the query is a name, what defines it comes before everything else, wherever it stands.

    Roles and words decide among several definitions, never between a definition and a use.
    """
    if not query.is_name:
        return unchanged
    of = list(zip(candidates.refs, candidates.chunks, strict=True))
    defining = {ref for ref, chunk in of if any(name.last in chunk.definitions for name in query.names)}
    # A module Types.Config is meant by "Config" only where nothing has just that name.
    defining = defining or {ref for ref, chunk in of if any(defines(chunk, name) for name in query.names)}
    defining = defining or set(declaring(candidates, query)) or _holding(of, query)
    scopes = [name.scope[-1] for name in query.names if name.scope]
    owned = {ref for ref, chunk in of if ref in defining and any(within(chunk, scope) for scope in scopes)}
    return _above_others(candidates, owned or _written_whole(of, query) or defining)


def _written_whole(of: Sequence[tuple[ChunkRef, Chunk]], query: Query) -> set[ChunkRef]:
    """Where the query is a key of settings (``server.tls.port``) that stands so somewhere: these places.

    Asked where no owner of the last word fits: what else defines a ``port`` is not meant.
    """
    key = query.text.strip().strip("`'\"")
    if not _KEY.fullmatch(key):
        return set()
    form = re.compile(rf"(?<![\w.-]){re.escape(key)}(?![\w-]|\.\w)")
    return {ref for ref, chunk in of if key in chunk.text and form.search(chunk.text)}


def _holding(of: Sequence[tuple[ChunkRef, Chunk]], query: Query) -> set[ChunkRef]:
    """Where nobody defines a name that is no plain word: those that hold it, not only its words."""
    names = [name.last for name in query.names if _COMPOUND.search(name.last)]
    forms = [(name, re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")) for name in names]
    return {
        ref
        for ref, chunk in of
        if any(name in chunk.text and form.search(chunk.text) for name, form in forms)
    }


def signs_first(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """Where the question asks for an operator, what declares it comes first, else what holds it."""
    signs = signs_in(query)
    if not signs:
        return unchanged
    texts = zip(candidates.refs, (chunk.text for chunk in candidates.chunks), strict=True)
    return _above_others(candidates, set(bearing(texts, signs)))


def quoted_first(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """Where the question is a quotation, what holds its lines comes first, the more of them the sooner."""
    quoted = frozenset() if query.located else quoted_lines(query)
    if not quoted:
        return unchanged
    shares = np.array(shares_quoted(candidates.chunks, quoted))
    return lambda scores: np.where(shares > 0, scores + scores.max(initial=0.0) * (1 + shares), scores)


def said_first(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """Where a message stands word for word in one place, that place comes first, whatever it names.

    Documentation quotes messages and does not say them; where product code and tests hold one, the code does.
    """
    said = said_in(query) if query.is_long or not query.located else ()
    if not said:
        return unchanged
    paths, texts = [chunk.path for chunk in candidates.chunks], candidates.folded
    first: set[int] = set()
    for message in said:
        near = np.flatnonzero(candidates.held_at_most(message.fixed) >= message.least_words).tolist()
        sources = [at for at in near if not is_prose(paths[at])]
        holding = [at for at in sources if message.stands_in(texts[at], everywhere=is_data(paths[at]))]
        holding = [at for at in holding if _OUTSIDE.isdisjoint(unwanted_roles(paths[at], query))] or holding
        if len({candidates.file_of[at] for at in holding}) <= _PLACES_OF_MESSAGE:
            first.update(holding)
    return _above_others(candidates, {candidates.refs[at] for at in first})


def _above_others(candidates: Candidates, first: AbstractSet[ChunkRef]) -> Step:
    """Lift some candidates by the score of the best other one."""
    if not first:
        return unchanged
    lifted = candidates.among(first)
    return lambda scores: np.where(lifted, scores + scores[~lifted].max(initial=0.0), scores)


def located(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """A place that the query names, as file and line, is what it asks for."""
    if not query.located:
        return unchanged
    order = {ref: len(query.located) - at for at, ref in enumerate(query.located)}
    places = np.array([order.get(ref, 0) for ref in candidates.refs])
    return lambda scores: np.where(places, scores[places == 0].max(initial=0.0) + places, scores)


def duplicates(candidates: Candidates, query: Query, weights: Weights) -> Step:
    """The same text in several files is one answer: its copies come after other answers."""
    texts = [chunk.text for chunk in candidates.chunks]
    if len(set(texts)) == len(texts):
        return unchanged

    def apply(scores: Scores) -> Scores:
        first = {texts[at]: at for at in best_first(scores)[::-1].tolist()}
        leading = list(first.values())
        others = scores * weights.duplicate
        others[leading] = scores[leading]
        return others

    return apply


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
