"""Queries -> columns of numbers, so that other weights are a product of arrays and not another search.

A recorder watches the search that answers users and keeps its candidates; each signal is then asked once,
alone and with a weight of one. What is weighed afterwards is arithmetic, a thousand times as fast as
searching; ``Features.ndcg`` with the weights of the search must give what the search gave, or the arithmetic
here has fallen behind the ranking: ``gathered`` refuses to go on then.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benches.retrieval import metrics
from benches.retrieval.data.annotations import Query
from benches.retrieval.running import Bench
from codesearch import Hit
from codesearch.models.words import word_likeness
from codesearch.records import Chunk, ChunkRef
from codesearch.searching.candidates import Candidates, Scores
from codesearch.searching.explain import Trace
from codesearch.searching.informed import informed
from codesearch.searching.question.query import Query as Asked
from codesearch.searching.ranking import evidence, ranking
from codesearch.searching.ranking.ranking import WEIGHTS, Weights
from codesearch.searching.request import Mode, SearchRequest
from codesearch.searching.signals.path_roles import is_prose, is_test
from codesearch.searching.signals.prose import prose_wanted
from codesearch.searching.signals.signals import unwanted_roles
from codesearch.searching.signals.wants_tests import wants_tests
from codesearch.searching.stores.protocol import Match

Column = NDArray[np.float64]

_NONE = replace(WEIGHTS, words=0.0, names=0.0, definition=0.0, mention=0.0, weak_mention=0.0)
_ALONE = (
    (evidence.words, "words", replace(_NONE, words=1.0)),
    (evidence.words, "names", replace(_NONE, names=1.0)),
    (evidence.length, "length", replace(WEIGHTS, length=1.0)),
    (evidence.definitions, "definition", replace(_NONE, definition=1.0)),
    (evidence.definitions, "mention", replace(_NONE, mention=1.0)),
    (evidence.definitions, "weak_mention", replace(_NONE, weak_mention=1.0)),
    (evidence.verbatim, "verbatim", replace(WEIGHTS, verbatim=1.0)),
    (evidence.path_words, "path", replace(WEIGHTS, path=1.0, abbreviations=True)),
    (evidence.path_words, "path_plain", replace(WEIGHTS, path=1.0, abbreviations=False)),
    (evidence.mentioned, "named_file", replace(WEIGHTS, named_file=1.0)),
)
"""Signals that add, by the weight that they are multiplied with; definitions take the largest of three."""


@dataclass(slots=True)
class _Recorder(Trace):
    """A trace that keeps the candidates and both lists."""

    chunks: tuple[tuple[ChunkRef, Chunk], ...] = ()
    lexical: tuple[ChunkRef, ...] = ()
    semantic: tuple[Match, ...] = ()

    def lists(self, lexical: Sequence[Match], semantic: Sequence[Match]) -> None:
        self.lexical = tuple(match.ref for match in lexical)
        self.semantic = tuple(semantic)

    def __call__(self, name: str, candidates: Candidates, scores: Scores) -> None:
        if name == "fused":
            self.chunks = tuple(zip(candidates.refs, candidates.chunks, strict=True))


@dataclass(frozen=True, slots=True)
class Features:
    """The candidates of one query, in the order in which ties are broken."""

    query: Asked
    lexical: Column
    """1-based ranks, infinite where the list does not hold the candidate."""
    semantic: Column
    cosine: Column
    """Share of the best cosine, as fusion takes it; 0 without a semantic list."""
    alone: dict[str, Column]
    roles: tuple[tuple[str, ...], ...]
    prose: NDArray[np.bool_]
    tests: NDArray[np.bool_]
    defining: NDArray[np.bool_]
    """For a query that is a name: what ``named_first`` puts first."""
    files: NDArray[np.int64]
    texts: NDArray[np.int64]
    targets: NDArray[np.bool_]
    """(targets, candidates)"""
    likeness: Column
    """By the words of each, in the unit of the scorer."""

    @property
    def is_likened(self) -> bool:
        """Whether the search compares words by their meaning."""
        return bool(np.isfinite(self.semantic).any()) and not self.query.is_name and not self.query.is_long

    def ndcg(self, weights: Weights) -> float:
        """NDCG@10 of the ranking with these weights."""
        order = self.order(weights)[: metrics.DEPTH]
        found = self.targets[:, order]
        ranks = found.argmax(axis=1)[found.any(axis=1)] + 1
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(found), metrics.DEPTH) + 1))
        return float((1 / np.log2(ranks + 1)).sum() / ideal)

    def order(self, weights: Weights) -> NDArray[np.int64]:
        """The candidates, best first, by their numbers."""
        if not self.is_likened:
            return self._order(self._place(weights), weights)
        weights = weights.beside_likeness()
        place = self._place(weights)
        first = self._order(place, weights)[: ranking.LIKENED]
        said = self.likeness[first]
        gained = place.copy()
        gained[first] += weights.likeness * (said - said.min()) / ((said.max() - said.min()) or 1.0)
        nearer = gained + weights.closeness_within * self.cosine
        return self._order(ranking.dealt_within(self.files, gained, nearer), weights)

    def _order(self, place: Column, weights: Weights) -> NDArray[np.int64]:
        scores = (place + self._file(weights, place)) * self._factors(weights)
        if self.defining.any() and not self.defining.all():
            scores = scores + self.defining * max(scores[~self.defining].max(), 0.0)
        scores = scores * np.where(_nth(self.texts, scores) > 0, weights.duplicate, 1.0)
        share = np.maximum(place, 0.0) / (place.max(initial=0.0) or 1.0)
        further = weights.further_place(share, self.query)
        if not self.query.is_long:
            nearest = (self.semantic <= ranking.NEAREST) & ~self.prose
            further = np.maximum(further, weights.further_nearest * nearest)
        scores = scores * np.where(_nth(self.files, scores) > 0, further, 1.0)
        return np.argsort(-scores, kind="stable")

    def _place(self, weights: Weights) -> Column:
        share, k = weights.share_for(self.query), weights.rrf_k
        if not np.isfinite(self.semantic).any():
            share = 1.0
        fused = (k + 1) * (share / (k + self.lexical) + (1 - share) / (k + self.semantic))
        found = np.isfinite(self.lexical) | np.isfinite(self.semantic)
        named = np.maximum.reduce(
            [getattr(weights, name) * self.alone[name] for name in ("definition", "mention", "weak_mention")]
        )
        added = sum(
            (getattr(weights, name) * self.alone[name] for name in ("words", "names", "length", "verbatim")),
            np.zeros(len(fused)),
        )
        place: Column = fused + weights.closeness * self.cosine * found + added + named
        return place

    def _file(self, weights: Weights, place: Column) -> Column:
        total = np.bincount(self.files, place)
        path = self.alone["path" if weights.abbreviations else "path_plain"]
        coherence: Column = weights.coherence * total[self.files] / (total.max(initial=0.0) or 1.0)
        return coherence + weights.path * path + weights.named_file * self.alone["named_file"]

    def _factors(self, weights: Weights) -> Column:
        wanted, kind = prose_wanted(self.query), self.query.kind
        beside = weights.code_beside_tests if wants_tests(self.query) else 1.0
        factors = np.array(
            [
                evidence.role_factor(roles, is_prose, wanted, kind, weights)
                for roles, is_prose in zip(self.roles, self.prose.tolist(), strict=True)
            ],
            np.float64,
        )
        return factors * np.where(self.tests, 1.0, beside)


def gathered(bench: Bench, mode: Mode = "hybrid") -> list[Features]:
    """Of every query of a repository, in order. AssertionError where the search gives another NDCG."""
    rows = [_features(bench, query, mode) for query in bench.repository.queries]
    got = [row.ndcg(WEIGHTS) for row in rows]
    np.testing.assert_allclose(
        got, bench.ndcg(WEIGHTS, mode), atol=1e-9, err_msg="features.py is out of date"
    )
    return rows


def _features(bench: Bench, query: Query, mode: Mode) -> Features:
    recorder = _Recorder()
    bench.searcher().search(SearchRequest(query.text, metrics.DEPTH, mode), trace=recorder)
    chunks = recorder.chunks
    store = bench.search_store()
    with store.snapshot():
        asked = informed(Asked(query.text), store, WEIGHTS.columns)
    candidates, nothing = Candidates(dict(chunks)), np.zeros(len(chunks))
    first = evidence.named_first(candidates, asked, WEIGHTS)(nothing + 1.0)
    refs = [ref for ref, _ in chunks]
    cosines = ranking.cosine_shares(recorder.semantic)
    farthest = min(cosines.values(), default=0.0)
    return Features(
        query=asked,
        lexical=_ranks(refs, recorder.lexical),
        semantic=_ranks(refs, [match.ref for match in recorder.semantic]),
        cosine=np.array([cosines.get(ref, farthest) for ref in refs], np.float64),
        alone={name: signal(candidates, asked, weights)(nothing) for signal, name, weights in _ALONE},
        roles=tuple(tuple(unwanted_roles(chunk.path, asked)) for _, chunk in chunks),
        prose=np.array([is_prose(chunk.path) for _, chunk in chunks], np.bool_),
        tests=np.array([is_test(chunk.path) for _, chunk in chunks], np.bool_),
        defining=first > 1.0,
        files=_numbered([chunk.path for _, chunk in chunks]),
        texts=_numbered([chunk.text for _, chunk in chunks]),
        targets=np.array(
            [[target.found_in(_shown(chunk)) for _, chunk in chunks] for target in query.targets], np.bool_
        ).reshape(len(query.targets), len(chunks)),
        likeness=word_likeness(query.text, [chunk.embedded_text for _, chunk in chunks]),
    )


def _ranks(refs: Sequence[ChunkRef], ranked: Sequence[ChunkRef]) -> Column:
    place = {ref: rank for rank, ref in enumerate(ranked, 1)}
    return np.array([place.get(ref, math.inf) for ref in refs], np.float64)


def _numbered(values: Sequence[str]) -> NDArray[np.int64]:
    """Equal values, equal numbers from 0."""
    number = {value: i for i, value in enumerate(dict.fromkeys(values))}
    return np.array([number[value] for value in values], np.int64)


def _nth(groups: NDArray[np.int64], scores: Column) -> NDArray[np.int64]:
    """Which of its group each is, best first, counted from 0."""
    seen = [0] * (int(groups.max(initial=-1)) + 1)
    number = np.empty(len(scores), np.int64)
    for i in np.argsort(-scores, kind="stable"):
        number[i] = seen[groups[i]]
        seen[groups[i]] += 1
    return number


def _shown(chunk: Chunk) -> Hit:
    return Hit("", chunk.path, chunk.start_line, chunk.end_line, None, "", "", 0.0, "")
