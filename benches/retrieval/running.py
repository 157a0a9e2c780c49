"""Queries -> scores, through the same ``Searcher`` that answers users, with weights that can be varied.

Each query is embedded once; what is timed is the search with its embedding in the cache, so latency
is reported apart, from ``index.search`` itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from benches.retrieval import metrics
from benches.retrieval.data.annotations import Query, Repository
from codesearch import Hit, Index, open_index
from codesearch.models.embedder import Model
from codesearch.records import Embedder, Vectors
from codesearch.searching.question.query import stem
from codesearch.searching.ranking.ranking import WEIGHTS, Weights
from codesearch.searching.request import Mode, SearchRequest
from codesearch.searching.search import Searcher
from codesearch.searching.stores.single import SingleStore
from codesearch.storage.lexical.tokens import query_terms, tokenize
from codesearch.storage.store import Store
from codesearch.vectors.vector_index import VectorIndex

MODES: tuple[Mode, ...] = ("lexical", "semantic", "hybrid")
BUDGETS = (500, 1_000, 2_000, 4_000, 8_000, 16_000)
LONG = 50  # hits that fill the largest budget


@dataclass(frozen=True, slots=True)
class QuestionScore:
    """One query's result in one mode."""

    repository: str
    language: str
    category: str
    mode: str
    query: str
    ndcg: float
    reciprocal_rank: float
    recall_1: float
    recall_5: float
    recall_10: float
    budget_recall: tuple[float, ...]
    """Recall within each of BUDGETS."""
    tokens_to_first: int
    span_recall: float | None
    definition_first: bool | None
    """For a query that is a name: whether the first hit defines it."""
    shares_path: bool
    """Whether a word of the query is in the path of an answer."""
    seconds: float


class CachedQueries:
    """An embedder that embeds each query once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}
        self.dim, self.fingerprint = embedder.dim, embedder.fingerprint
        self.max_length = embedder.max_length

    def encode_query(self, texts: list[str], /) -> Vectors:
        for text in texts:
            if text not in self._known:
                self._known[text] = self._embedder.encode_query([text])
        return np.concatenate([self._known[text] for text in texts])

    def encode_document(self, texts: list[str], /) -> Vectors:
        return self._embedder.encode_document(texts)


@dataclass(frozen=True, slots=True)
class Bench:
    """An indexed repository, ready to be asked."""

    repository: Repository
    index: Index
    store: Store
    vectors: VectorIndex
    embedder: Embedder
    build_seconds: float

    def search_store(self) -> SingleStore:
        return SingleStore(str(self.repository.root), self.store, lambda: self.vectors)

    def searcher(self, weights: Weights = WEIGHTS) -> Searcher:
        return Searcher(self.search_store(), lambda: self.embedder, weights)

    def ndcg(self, weights: Weights, mode: Mode = "hybrid") -> list[float]:
        """NDCG@10 of every query, in order."""
        ask = self.searcher(weights)
        return [
            metrics.ndcg(q.targets, ask.search(SearchRequest(q.text, metrics.DEPTH, mode)))
            for q in self.repository.queries
        ]

    def score(self, mode: Mode) -> list[QuestionScore]:
        """Every metric of every query."""
        self.index.search("warm up", mode=mode)
        return [self._score(query, mode) for query in self.repository.queries]

    def _score(self, query: Query, mode: Mode) -> QuestionScore:
        start = time.perf_counter()
        hits = self.index.search(query.text, limit=metrics.DEPTH, mode=mode)
        seconds = time.perf_counter() - start
        long = self.searcher().search(SearchRequest(query.text, LONG, mode))
        named = self._defines(query, hits) if query.category == "symbol" else None
        return scored(self.repository, query, mode, hits, long, seconds, named)

    def _defines(self, query: Query, hits: Sequence[Hit]) -> bool:
        defining = self.store.chunks(self.store.define([query.text])).values()
        places = {(stored.chunk.path, stored.chunk.start_line) for stored in defining}
        return bool(hits) and (hits[0].path, hits[0].start_line) in places


def scored(
    repository: Repository,
    query: Query,
    mode: str,
    hits: Sequence[Hit],
    long: Sequence[Hit],
    seconds: float,
    definition_first: bool | None = None,
) -> QuestionScore:
    """Every metric of one query: of its ten best ``hits``, and of a ``long`` list for the token budgets."""
    spans = [s for t in query.targets if (s := metrics.span_recall(t, hits)) is not None]
    return QuestionScore(
        repository=repository.name,
        language=repository.language,
        category=query.category,
        mode=mode,
        query=query.text,
        ndcg=metrics.ndcg(query.targets, hits),
        reciprocal_rank=metrics.reciprocal_rank(query.targets, hits),
        recall_1=metrics.recall(query.targets, hits[:1]),
        recall_5=metrics.recall(query.targets, hits[:5]),
        recall_10=metrics.recall(query.targets, hits),
        budget_recall=tuple(metrics.recall(query.targets, metrics.within(long, b)) for b in BUDGETS),
        tokens_to_first=metrics.tokens_to_first(query.targets, long, BUDGETS[-1]),
        span_recall=sum(spans) / len(spans) if spans else None,
        definition_first=definition_first,
        shares_path=_shares_path(query),
        seconds=seconds,
    )


def _shares_path(query: Query) -> bool:
    wanted = {stem(term) for term in query_terms(query.text)}
    paths = " ".join(target.path for target in query.targets)
    return not wanted.isdisjoint(stem(token) for token in tokenize(paths))


@contextmanager
def prepared(repository: Repository, model: str) -> Iterator[Bench]:
    """The repository's index, refreshed. CODESEARCH_HOME decides where it is kept."""
    embedder = CachedQueries(Model(model).load())
    with open_index(repository.root, model=model, here=True) as index:
        start = time.perf_counter()
        index.refresh()
        seconds = time.perf_counter() - start
        with bench_of(repository, index, embedder, seconds) as bench:
            yield bench


@contextmanager
def bench_of(
    repository: Repository, index: Index, embedder: Embedder, build_seconds: float = 0.0
) -> Iterator[Bench]:
    """A filled index, ready to be asked with other weights."""
    with Store.open(index.directory, root=index.root, read_only=True) as store:
        yield Bench(repository, index, store, VectorIndex(store, index.directory), embedder, build_seconds)
