"""Queries -> columns of numbers, so that other weights are a product of arrays and not another search.

A recorder watches the search that answers users and keeps its candidates; each signal is then asked once,
alone and with a weight of one. What is weighed afterwards is arithmetic, a thousand times as fast as
searching; ``Features.ndcg`` with the weights of the search must give what the search gave, or the arithmetic
here has fallen behind the ranking: ``gathered`` refuses to go on then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benches.retrieval import metrics
from benches.retrieval.annotations import Query
from benches.retrieval.running import Bench
from codesearch import Hit
from codesearch.records import Chunk, ChunkRef
from codesearch.searching import ranking
from codesearch.searching.explain import Trace
from codesearch.searching.query import Query as Asked
from codesearch.searching.ranking import WEIGHTS, Candidate, Weights
from codesearch.searching.request import Mode, SearchRequest
from codesearch.searching.signals.signals import unwanted_roles
from codesearch.searching.stores.protocol import Match

Column = NDArray[np.float64]

_NONE = replace(WEIGHTS, definition=0.0, mention=0.0, weak_mention=0.0)
_ALONE = (
    (ranking.coverage, "coverage", replace(WEIGHTS, coverage=1.0)),
    (ranking.definitions, "definition", replace(_NONE, definition=1.0)),
    (ranking.definitions, "mention", replace(_NONE, mention=1.0)),
    (ranking.definitions, "weak_mention", replace(_NONE, weak_mention=1.0)),
    (ranking.path_words, "path", replace(WEIGHTS, path=1.0, abbreviations=True)),
    (ranking.path_words, "path_plain", replace(WEIGHTS, path=1.0, abbreviations=False)),
    (ranking.verbatim, "verbatim", replace(WEIGHTS, verbatim=1.0)),
)
"""Signals that add, by the weight that they are multiplied with; definitions take the largest of three."""


@dataclass(slots=True)
class _Recorder(Trace):
    """A trace that keeps the candidates and both lists."""

    chunks: tuple[tuple[ChunkRef, Chunk], ...] = ()
    lexical: tuple[ChunkRef, ...] = ()
    semantic: tuple[ChunkRef, ...] = ()

    def lists(self, lexical: Sequence[Match], semantic: Sequence[Match]) -> None:
        self.lexical = tuple(match.ref for match in lexical)
        self.semantic = tuple(match.ref for match in semantic)

    def __call__(self, name: str, candidates: Sequence[Candidate]) -> None:
        if name == "fused":
            self.chunks = tuple((c.ref, c.chunk) for c in candidates)


@dataclass(frozen=True, slots=True)
class Features:
    """The candidates of one query, in the order in which ties are broken."""

    is_name: bool
    lexical: Column
    """1-based ranks, infinite where the list does not hold the candidate."""
    semantic: Column
    alone: dict[str, Column]
    roles: tuple[tuple[str, ...], ...]
    files: NDArray[np.int64]
    texts: NDArray[np.int64]
    targets: NDArray[np.bool_]
    """(targets, candidates)"""

    def ndcg(self, weights: Weights) -> float:
        """NDCG@10 of the ranking with these weights."""
        order = self._order(weights)[: metrics.DEPTH]
        found = self.targets[:, order]
        ranks = found.argmax(axis=1)[found.any(axis=1)] + 1
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(found), metrics.DEPTH) + 1))
        return float((1 / np.log2(ranks + 1)).sum() / ideal)

    def _order(self, weights: Weights) -> NDArray[np.int64]:
        scores = self._scores(weights)
        scores = scores * _repeated(self.texts, scores, lambda nth: weights.duplicate if nth else 1.0)
        scores = scores * _repeated(self.files, scores, lambda nth: weights.saturation**nth)
        return np.argsort(-scores, kind="stable")

    def _scores(self, weights: Weights) -> Column:
        share = weights.lexical_share_name if self.is_name else weights.lexical_share
        if not np.isfinite(self.semantic).any():
            share = 1.0
        k = weights.rrf_k
        fused = (k + 1) * (share / (k + self.lexical) + (1 - share) / (k + self.semantic))
        total = np.bincount(self.files, fused)
        path = self.alone["path" if weights.abbreviations else "path_plain"]
        named = np.maximum.reduce(
            [getattr(weights, name) * self.alone[name] for name in ("definition", "mention", "weak_mention")]
        )
        added = (
            weights.coherence * total[self.files] / (total.max(initial=0.0) or 1.0)
            + weights.coverage * self.alone["coverage"]
            + weights.path * path
            + weights.verbatim * self.alone["verbatim"]
        )
        factors = [min((weights.roles[role] for role in roles), default=1.0) for roles in self.roles]
        return (fused + added + named) * np.asarray(factors, np.float64)


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
    asked = bench.searcher()._respelt(Asked(query.text))
    start = [Candidate(ref, chunk, 0.0) for ref, chunk in chunks]
    refs = [ref for ref, _ in chunks]
    return Features(
        is_name=asked.is_name,
        lexical=_ranks(refs, recorder.lexical),
        semantic=_ranks(refs, recorder.semantic),
        alone={
            name: np.array([c.score for c in signal(start, asked, weights)], np.float64)
            for signal, name, weights in _ALONE
        },
        roles=tuple(tuple(unwanted_roles(chunk.path, asked)) for _, chunk in chunks),
        files=_numbered([chunk.path for _, chunk in chunks]),
        texts=_numbered([chunk.text for _, chunk in chunks]),
        targets=np.array(
            [[target.found_in(_shown(chunk)) for _, chunk in chunks] for target in query.targets], np.bool_
        ).reshape(len(query.targets), len(chunks)),
    )


def _ranks(refs: Sequence[ChunkRef], ranked: Sequence[ChunkRef]) -> Column:
    place = {ref: rank for rank, ref in enumerate(ranked, 1)}
    return np.array([place.get(ref, math.inf) for ref in refs], np.float64)


def _numbered(values: Sequence[str]) -> NDArray[np.int64]:
    """Equal values, equal numbers from 0."""
    number = {value: i for i, value in enumerate(dict.fromkeys(values))}
    return np.array([number[value] for value in values], np.int64)


def _repeated(groups: NDArray[np.int64], scores: Column, factor: Callable[[int], float]) -> Column:
    """A factor for the nth of a group, best first, counted from 0."""
    seen = [0] * (int(groups.max(initial=-1)) + 1)
    factors = np.empty(len(scores))
    for i in np.argsort(-scores, kind="stable"):
        factors[i] = factor(seen[groups[i]])
        seen[groups[i]] += 1
    return factors


def _shown(chunk: Chunk) -> Hit:
    return Hit("", chunk.path, chunk.start_line, chunk.end_line, None, "", "", 0.0, "")
