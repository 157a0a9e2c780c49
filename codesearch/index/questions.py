"""The reading half of ``Index``: questions, with their arguments in the words of the caller.

Nothing here writes or refreshes; what is asked of the model is asked through the searcher.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from codesearch.errors import BadQuery
from codesearch.files.roots import canonical
from codesearch.index.connection import OpenIndex, Opening
from codesearch.languages import canonical_language
from codesearch.models.reranker import Rerankers
from codesearch.records import Filter, Hit, StoredChunk
from codesearch.searching.explain import Explained, Trace
from codesearch.searching.pattern import parse_pattern
from codesearch.searching.search import Searcher
from codesearch.storage.locations import Location
from codesearch.storage.rows import Counts

__all__ = ["IndexReader", "Questions"]

Answer = TypeVar("Answer")


class _Question(Protocol):
    def __call__(self, searcher: Searcher, filter: Filter, trace: Trace | None = None, /) -> list[Hit]: ...


class Questions:
    """What can be asked, of one index or of several at once. Any thread may ask."""

    _folds = False
    """Whether a text that stands in several places is one hit where nobody says."""

    def __init__(self) -> None:
        self._rerankers = Rerankers()

    def search(  # noqa: PLR0917 (the contract)
        self,
        query: str,
        limit: int = 10,
        mode: str = "hybrid",
        languages: Sequence[str] | None = None,
        globs: Sequence[str] | None = None,
        rerank: object = None,
        *,
        pattern: str | Sequence[str] | None = None,
        under: Sequence[str] | None = None,
        fold: bool | None = None,
    ) -> list[Hit]:
        """The ``limit`` chunks that answer the query best, best first; never refreshes.

        Args:
            query: a question, a name, a message; "" where there is a pattern, for path order.
            limit: how many chunks.
            mode: "hybrid" (words and meaning), "semantic", or "lexical", which loads no model.
            languages: names or extensions; only chunks in one of these.
            globs: gitignore-style patterns over the path; one that starts with ``!`` excludes.
            rerank: a reranker, which orders the first 30 again: a name that ``mlx_jinabert.load_reranker``
                takes (it stays loaded), or an object with ``predict(pairs)`` or ``rank(query, documents)``.
            pattern: regular expressions that a chunk has to match, all of them; see ``searching/pattern.py``.
            under: sub-folders or files relative to the root; None for what was opened, () for all.
            fold: whether a text that stands in several places is one hit, which names the others as its
                ``copies``. None: for several roots it is, for one root each place is a hit of its own.

        Raises:
            BadQuery: an empty query, an unknown mode or language, a limit below 1, a pattern that cannot be
                read or takes too long.
            ModelMismatch: the index holds another model's vectors. ModelUnavailable: of ``rerank`` too.
        """
        wanted = self._filter(languages, globs, under)
        question = self._question(query, limit, mode, rerank, pattern, fold)
        return self._ask(question, wanted, meaning=mode != "lexical")

    def explain(  # noqa: PLR0917 (as search)
        self,
        query: str,
        limit: int = 10,
        mode: str = "hybrid",
        languages: Sequence[str] | None = None,
        globs: Sequence[str] | None = None,
        rerank: object = None,
        *,
        pattern: str | Sequence[str] | None = None,
        under: Sequence[str] | None = None,
        fold: bool | None = None,
    ) -> list[Explained]:
        """The hits of ``search``, each with both its ranks and what every signal did to its score."""
        wanted = self._filter(languages, globs, under)
        question = self._question(query, limit, mode, rerank, pattern, fold)

        def explained(searcher: Searcher, filter: Filter) -> list[Explained]:
            trace = Trace()
            hits = question(searcher, filter, trace)
            return [Explained(hit, why) for hit, why in zip(hits, trace.explanations(), strict=True)]

        return self._ask(explained, wanted, meaning=mode != "lexical")

    def similar(
        self,
        path: str | os.PathLike[str] | None = None,
        line: int | None = None,
        limit: int = 10,
        languages: Sequence[str] | None = None,
        globs: Sequence[str] | None = None,
        *,
        symbol: str | None = None,
        code: str | None = None,
        under: Sequence[str] | None = None,
    ) -> list[Hit]:
        """Chunks like one of the index, which is left out itself, or like any code; scores are cosines.

        What they should be like is one of: a ``line`` of a file (``path`` is relative to the root, or
        absolute), the definition of a ``symbol`` in a file, the only definition of a ``symbol`` in the
        index, or ``code``. The others are as in ``search``. BadQuery for what is not there, or not unique.
        """
        wanted = self._filter(languages, globs, under)
        relative = None if path is None else self._relative(path)
        given = {
            name for name, value in (("line", line), ("symbol", symbol), ("code", code)) if value is not None
        }
        if relative is not None and line is not None and given == {"line"}:
            return self._ask(lambda searcher, filter: searcher.similar(relative, line, limit, filter), wanted)
        if symbol is not None and given == {"symbol"}:
            return self._ask(
                lambda searcher, filter: searcher.similar_to_symbol(symbol, relative, limit, filter), wanted
            )
        if code is not None and relative is None and given == {"code"}:
            return self._ask(lambda searcher, filter: searcher.similar_to_code(code, limit, filter), wanted)
        raise BadQuery("similar to what? expected one of path and line, path and symbol, symbol, code")

    def _question(  # noqa: PLR0917 - what search and explain share
        self,
        query: str,
        limit: int,
        mode: str,
        rerank: object,
        pattern: str | Sequence[str] | None,
        fold: bool | None,
    ) -> _Question:
        """The search itself, its arguments read once however often it has to be put."""
        expressions, scorer = parse_pattern(pattern), self._rerankers.scorer(rerank)
        folds = self._folds if fold is None else fold

        def put(searcher: Searcher, filter: Filter, trace: Trace | None = None) -> list[Hit]:
            return searcher.search(
                query, limit, mode, filter, pattern=expressions, scorer=scorer, trace=trace, fold=folds
            )

        return put

    def _ask(
        self, question: Callable[[Searcher, Filter], Answer], wanted: Filter, meaning: bool = True
    ) -> Answer:
        """Put a question to whoever answers; ``meaning`` says whether it may need the vectors."""
        raise NotImplementedError

    def _filter(
        self, languages: Sequence[str] | None, globs: Sequence[str] | None, under: Sequence[str] | None
    ) -> Filter:
        names = tuple(canonical_language(name) for name in _several(languages))
        return Filter(names, _several(globs), self._parts(under))

    def _parts(self, under: Sequence[str] | None) -> tuple[str, ...]:
        raise NotImplementedError

    def _relative(self, path: str | os.PathLike[str]) -> str:
        raise NotImplementedError


class IndexReader(Questions):
    """What one open index answers."""

    def __init__(self, location: Location, opening: Opening) -> None:
        super().__init__()
        self.root: Path = location.root
        self.directory: Path = location.directory
        self.under: str = location.under
        self._opening = opening

    @property
    def roots(self) -> tuple[Path, ...]:
        """The one root, as a search over several has them."""
        return (self.root,)

    def opened(self) -> OpenIndex:
        """The open database and what reads it, for those who search several at once."""
        return self._opening.ready()

    def counts(self) -> Counts:
        """Files, chunks and embedded chunks at this moment."""
        return self._opening.ready().store.counts()

    def chunks_of(self, path: str) -> list[StoredChunk]:
        """The chunks of a file (relative to the root), in order; [] where it is not indexed."""
        return self._opening.ready().store.chunks_of(path)

    def _ask(
        self, question: Callable[[Searcher, Filter], Answer], wanted: Filter, meaning: bool = True
    ) -> Answer:
        return question(self._opening.ready().searcher, wanted)

    def _parts(self, under: Sequence[str] | None) -> tuple[str, ...]:
        if under is None:
            return (self.under,) if self.under else ()
        return _several(under)

    def _relative(self, path: str | os.PathLike[str]) -> str:
        if not Path(path).is_absolute():
            return Path(path).as_posix()
        try:
            return canonical(Path(path)).relative_to(self.root).as_posix()
        except ValueError:
            raise BadQuery(f"{path} is not in the index of {self.root}") from None


def _several(values: Sequence[str] | None) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values or ())
