"""An engine as a ``SearchStore``: what searching needs, in the few queries that every engine answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from codesearch.distributed.engines.protocol import Engine, Found, Where
from codesearch.distributed.engines.rows import short_id
from codesearch.records import Chunk, ChunkRef
from codesearch.searching.stores.protocol import EVERYTHING, Match, Scope
from codesearch.storage.filters import PathFilter
from codesearch.storage.known_names import KnownNames
from codesearch.storage.reading import definition_key
from codesearch.storage.rows import ChunkText

__all__ = ["EngineStore"]


_RRF_K = 60
"""Cormack et al., SIGIR 2009."""


class EngineStore:
    """The chunks of some roots of an engine. Made for one search; engines have no snapshots over several
    calls.
    """

    def __init__(
        self,
        engine: Engine,
        roots: Sequence[str],
        text_vector: Callable[[], NDArray[np.float32] | None] = lambda: None,
    ) -> None:
        """``text_vector`` is the question by the model for text, where the engine has one."""
        self._text_vector = text_vector
        self._engine = engine
        self._roots = tuple(roots)
        self._uuids: dict[ChunkRef, UUID] = {}
        self._known: dict[ChunkRef, Chunk] = {}
        self._files: dict[str, Mapping[str, str | None]] = {}

    @property
    def roots(self) -> tuple[str, ...]:
        """The roots whose chunks these are."""
        return self._roots

    def snapshot(self) -> AbstractContextManager[None]:
        """Do nothing: a chunk that is removed meanwhile is missing from the answer, never wrong."""
        return nullcontext()

    # -- candidates

    def lexical(
        self, terms: Sequence[str], limit: int, columns: Sequence[float], scope: Scope = EVERYTHING
    ) -> list[Match]:
        """Return the best chunks by BM25. ``columns`` are fixed when chunks are written."""
        where = self._where(scope)
        if not terms or where is None:
            return []
        return self._matches(self._engine.words(self._roots, terms, limit, where))

    def nearest(self, vector: NDArray[np.float32], limit: int, scope: Scope = EVERYTHING) -> list[Match]:
        """Return the chunks nearest to a unit vector (dim,)."""
        where = self._where(scope)
        if where is None:
            return []
        found = self._engine.near(self._roots, vector, limit, where)
        text = self._text_vector()
        if text is not None:
            found = _joined(found, self._engine.near_by_text(self._roots, text, limit, where))[:limit]
        return self._matches(found)

    def definitions(
        self, names: Iterable[str], scope: Scope = EVERYTHING, limit: int | None = None
    ) -> list[ChunkRef]:
        """Return the chunks that define one of the names, by path."""
        where = self._where(scope)
        if where is None:
            return []
        found: dict[ChunkRef, Chunk] = {}
        for key in sorted({definition_key(name) for name in names} - {""}):
            found.update(self._fetch(replace(where, key=key)))
        return sorted(found, key=lambda ref: _place(ref, found[ref]))[:limit]

    def frequencies(self, terms: Iterable[str]) -> tuple[Mapping[str, int], int]:
        """Return all terms as equally rare: engines do not say how many chunks hold one."""
        return dict.fromkeys(terms, 1), 1

    def defined_names(self) -> KnownNames:
        """Return every name that is defined, case-folded."""
        return KnownNames(self._engine.keys(self._roots))

    # -- chunks

    def chunks(self, refs: Iterable[ChunkRef]) -> dict[ChunkRef, Chunk]:
        """Return chunks by reference."""
        wanted = list(refs)
        missing = [ref for ref in wanted if ref not in self._known]
        if missing:
            self._fetch(Where(uuids=tuple(self._uuids[ref] for ref in missing if ref in self._uuids)))
        return {ref: self._known[ref] for ref in wanted if ref in self._known}

    def chunks_of(self, root: str, path: str) -> dict[ChunkRef, Chunk]:
        """Return the chunks of a file in its order."""
        found = self._fetch(Where(paths=(path,)))
        return {
            ref: found[ref]
            for ref in sorted(found, key=lambda ref: _place(ref, found[ref]))
            if ref.root == root
        }

    def chunk_at(self, root: str, path: str, line: int) -> ChunkRef | None:
        """Return the chunk that holds a line of a file."""
        for ref, chunk in self.chunks_of(root, path).items():
            if chunk.start_line <= line <= chunk.end_line:
                return ref
        return None

    def texts(self, scope: Scope = EVERYTHING) -> Iterator[tuple[ChunkRef, ChunkText]]:
        """Yield the text of every chunk in scope; all of them travel."""
        where = self._where(scope)
        if where is None:
            return
        for ref, chunk in self._fetch(where).items():
            yield ref, ChunkText(ref.id, chunk.path, chunk.start_byte, chunk.start_line, chunk.text)

    def vector(self, ref: ChunkRef) -> NDArray[np.float32] | None:
        """Return the stored vector of a chunk."""
        return self._engine.vector(self._uuids[ref]) if ref in self._uuids else None

    def has_vectors(self) -> bool:
        """Return whether a chunk is embedded."""
        return self._engine.has_vectors(self._roots)

    def copies(self, refs: Iterable[ChunkRef]) -> Mapping[ChunkRef, Mapping[ChunkRef, Chunk]]:
        """Return nothing: roots of an engine are searched as they are."""
        return {}

    # -- names and places

    def _where(self, scope: Scope) -> Where | None:
        """Return the restriction for the engine; None where nothing can answer."""
        if scope.only is not None:
            uuids = [
                uuid
                for ref, uuid in self._uuids.items()
                if ref.root in scope.only and ref.id in set(scope.only[ref.root].tolist())
            ]
            return Where(uuids=tuple(uuids)) if uuids else None
        if not scope.filter:
            return Where()
        matches = PathFilter(scope.filter).matches
        paths = [
            path
            for root in self._roots
            for path, language in self._files_of(root).items()
            if matches(path, language)
        ]
        return Where(paths=tuple(dict.fromkeys(paths))) if paths else None

    def _files_of(self, root: str) -> Mapping[str, str | None]:
        if root not in self._files:
            self._files[root] = self._engine.files(root)
        return self._files[root]

    def _fetch(self, where: Where) -> dict[ChunkRef, Chunk]:
        found = {}
        for root, uuid, chunk in self._engine.chunks(self._roots, where):
            ref = ChunkRef(root, short_id(uuid))
            self._uuids[ref] = uuid
            found[ref] = self._known[ref] = chunk
        return found

    def _matches(self, found: Sequence[Found]) -> list[Match]:
        """Candidates by score, equal ones by place."""
        chunks = {one.uuid: ref for ref, one in self._named(found).items()}
        matches = [Match(chunks[one.uuid], one.score) for one in found if one.uuid in chunks]
        return sorted(
            matches, key=lambda match: (-round(match.score, 6), _place(match.ref, self._known[match.ref]))
        )

    def _named(self, found: Sequence[Found]) -> dict[ChunkRef, Found]:
        by_uuid = {one.uuid: one for one in found}
        if not by_uuid:
            return {}
        self._fetch(Where(uuids=tuple(by_uuid)))
        return {ref: by_uuid[uuid] for ref, uuid in self._uuids.items() if uuid in by_uuid}


def _place(ref: ChunkRef, chunk: Chunk) -> tuple[str, str, int]:
    return ref.root, chunk.path, chunk.start_byte


def _joined(code: Sequence[Found], text: Sequence[Found]) -> list[Found]:
    """Both lists by reciprocal ranks. Cosines of two models do not compare: a place has that of ``code``."""
    worth: dict[UUID, float] = {}
    for found in (code, text):
        for rank, one in enumerate(found, 1):
            worth[one.uuid] = worth.get(one.uuid, 0.0) + 1 / (_RRF_K + rank)
    order = sorted(worth, key=lambda uuid: (-worth[uuid], uuid))
    cosines = [one.score for one in code] or [one.score for one in text]
    return [Found(uuid, cosines[min(at, len(cosines) - 1)]) for at, uuid in enumerate(order)]
