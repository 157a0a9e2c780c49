"""The search methods of an index, and of several indexes searched as one: arguments in, a request down.

Nothing here writes or refreshes.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from codesearch.models.reranker import Rerankers
from codesearch.records import Filter, Hit, Scorer
from codesearch.searching.explain import ExplainedHit
from codesearch.searching.request import (
    Kind,
    Mode,
    SearchOptions,
    SearchRequest,
    SimilarRequest,
    check_limit,
    make_filter,
)
from codesearch.searching.search import Answer
from codesearch.searching.stores.protocol import Scope, SearchStore
from codesearch.storage.folders.locations import token_cache_path
from codesearch.vectors.token_cache import TokenVectorCache

if TYPE_CHECKING:
    from codesearch.searching.references.find import References, Relations
    from codesearch.searching.references.occurrences import Use

__all__ = ["Searchable"]

T = TypeVar("T")


class Searchable(ABC):
    """One index, or several at once. Any thread may search."""

    _folds: bool
    """Whether a text that stands in several places is one hit where nobody says."""

    def __init__(self) -> None:
        self._rerankers = Rerankers(TokenVectorCache(token_cache_path()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close what was opened for it."""

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        mode: Mode = "hybrid",
        kind: Kind = "auto",
        languages: Sequence[str] | None = None,
        globs: Sequence[str] | None = None,
        under: Sequence[str] | None = None,
        pattern: str | Sequence[str] | None = None,
        rerank: object = None,
        fold: bool | None = None,
    ) -> list[Hit]:
        """Return the ``limit`` chunks that answer the query best, best first; never refreshes.

        Args:
            query: a question, a name, a message; "" with a pattern, for every match in the order of paths.
            limit: how many chunks. Up to 50 the order does not depend on it: the first ten of ``limit=50``
                are those of ``limit=10``.
            mode: "hybrid" (text and vectors), "semantic" (vectors alone), "lexical" (text alone, no model).
            kind: "code" or "docs" (Markdown, reStructuredText, plain text) alone, "all" alike, or "auto":
                documentation first where the question asks how to use, install or configure something.
            languages: names or extensions; only chunks in one of these.
            globs: gitignore-style patterns over the path; one that starts with ``!`` excludes.
            under: sub-folders or files relative to the root; None for what was opened, () for all.
            pattern: regular expressions (``regex``'s syntax) that a chunk has to match, all of them.
            rerank: orders the first 30 again: a name that ``mlx_jinabert.load_reranker`` takes (it stays
                loaded), or an object with ``predict(pairs)`` or ``rank(query, documents)``.
            fold: whether a text that stands in several places is one hit, which names the others as its
                ``copies``. None: for several roots it is, for one root each place is a hit of its own.

        Raises:
            BadQuery: an empty query, an unknown mode or language, a limit below 1, a pattern that cannot be
                read or takes too long.
            ModelMismatch: the index holds another model's vectors. ModelUnavailable: of ``rerank`` too.
        """
        request = SearchRequest.make(
            query,
            limit=limit,
            mode=mode,
            kind=kind,
            languages=languages,
            globs=globs,
            under=self._parts(under),
            pattern=pattern,
            rerank=rerank,
            fold=fold,
        )
        return list(self.answer(request).hits)

    def explain(self, query: str, **options: Unpack[SearchOptions]) -> list[ExplainedHit]:
        """Return the hits of ``search``, which has the same arguments, each with what made its score."""
        options["under"] = self._parts(options.get("under"))
        answer = self.answer(SearchRequest.make(query, explain=True, **options))
        return [ExplainedHit(*pair) for pair in zip(answer.hits, answer.explanations, strict=True)]

    def similar(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        line: int | None = None,
        symbol: str | None = None,
        code: str | None = None,
        limit: int = 10,
        languages: Sequence[str] | None = None,
        globs: Sequence[str] | None = None,
        under: Sequence[str] | None = None,
    ) -> list[Hit]:
        """Return chunks like one of the index, which is left out itself, or like any code.

        Scores are cosines.

        Args:
            path: with ``line`` or ``symbol``, the file that holds it: relative to the root, or absolute.
            line: 1-based, in ``path``.
            symbol: what ``path`` defines, or without one what only one place of the index defines.
            code: in any language, from nowhere.
            limit: as in ``search``, and so are the others.

        Raises:
            BadQuery: what is not there, or not unique.
        """
        wanted = make_filter(languages, globs, self._parts(under))
        root, relative = ("", None) if path is None else self._file(path)
        request = SimilarRequest(limit, wanted, root, relative, line, symbol, code)
        return list(self.answer(request).hits)

    def references(
        self,
        name: str,
        *,
        limit: int = 50,
        calls_only: bool = False,
        languages: Sequence[str] | None = None,
        globs: Sequence[str] | None = None,
        under: Sequence[str] | None = None,
    ) -> References:
        """Return where a name is defined and used, by syntax: a ``send`` is any ``send``, of whatever type.

        Args:
            name: as it is spelt; a qualifier (``Client.send``) chooses among the definitions alone.
            limit: how many uses, product code first, then tests.
            calls_only: leave out imports and uses that are no calls.
            languages: as in ``search``, and so are ``globs`` and ``under``.

        Raises:
            BadQuery: what is no name, a limit below 1.
        """
        from codesearch.searching.references.find import find_references  # late: few commands ask this

        uses: tuple[Use, ...] = ("call",) if calls_only else ("call", "import", "use")
        scope = Scope(make_filter(languages, globs, self._parts(under)))
        check_limit(limit)
        return self._ask(lambda store: find_references(store, name, limit=limit, uses=uses, scope=scope))

    def related(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        line: int | None = None,
        symbol: str | None = None,
        limit: int = 20,
    ) -> Relations:
        """Return callers, tests and callees of a definition, by syntax. The place is given as to ``similar``.

        Raises:
            BadQuery: what is not there, or not unique.
        """
        from codesearch.searching.references.find import find_related
        from codesearch.searching.similar import chunk_of

        check_limit(limit)
        root, relative = ("", None) if path is None else self._file(path)
        place = SimilarRequest(limit, Filter(), root, relative, line, symbol)
        return self._ask(
            lambda store: find_related(store, chunk_of(place, store), symbol=symbol, line=line, limit=limit)
        )

    def answer(self, request: SearchRequest | SimilarRequest) -> Answer:
        """Answer a request that says everything, also where to search."""
        if isinstance(request, SimilarRequest):
            return self._answer(request, None)
        if request.fold is None:
            request = replace(request, fold=self._folds)
        return self._answer(request, self._rerankers.scorer(request.rerank))

    @abstractmethod
    def _ask(self, question: Callable[[SearchStore], T]) -> T:
        """Return what a question about the stored chunks gives; it loads no model."""

    @abstractmethod
    def _answer(self, request: SearchRequest | SimilarRequest, scorer: Scorer | None) -> Answer: ...

    @abstractmethod
    def _parts(self, under: Sequence[str] | None) -> Sequence[str]:
        """Return the sub-folders and files that are searched, () for all."""

    @abstractmethod
    def _file(self, path: str | os.PathLike[str]) -> tuple[str, str]:
        """Return the root that a file belongs to, and its path there. BadQuery for a file of no root."""
