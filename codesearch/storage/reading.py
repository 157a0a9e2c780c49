"""Reads the store: chunks and candidates, and through its base the vectors. Any thread may ask.

Inside ``with store.reading():`` all queries see one snapshot; outside, each sees the newest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

from codesearch.files.languages import place_in_line
from codesearch.records import Chunk, Filter, StoredChunk
from codesearch.storage.filters import Selection
from codesearch.storage.known_names import KnownNames
from codesearch.storage.lexical.best_rows import BestRows
from codesearch.storage.lexical.term_statistics import Postings, RowLengths, TermStatistics
from codesearch.storage.rows import (
    ChunkIdentity,
    ChunkText,
    Counts,
    Ids,
    ScoredRow,
    StoredFile,
)
from codesearch.storage.sqlite.database import Database, Row
from codesearch.storage.vector_rows import IN_LIST, VectorReader

__all__ = ["StoreReader", "definition_key"]

_SEPARATORS = re.compile(r"::|->|[.#/\\]")
_CHUNK_COLUMNS = (
    "chunks.id, files.path, start_byte, end_byte, start_line, end_line, files.language, "
    "kind, symbol, scope, signature, definitions, text"
)
_PAGE = 4096
"""Rows that are held at once where all of them are read."""
_CHUNKS = f"SELECT {_CHUNK_COLUMNS} FROM chunks JOIN files ON files.id = file_id"


def definition_key(name: str) -> str:
    """Return the key of a definition: the last component of a qualified name, case-folded."""
    return _SEPARATORS.split(name.strip())[-1].casefold()


class StoreReader(VectorReader):
    """The reading half of ``Store``."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._selection = Selection(database)
        self._terms = TermStatistics(database)
        self._best = BestRows(database)
        self._names = -1, KnownNames()

    def reading(self) -> AbstractContextManager[None]:
        """Every question inside the block is answered from the same snapshot."""
        return self._db.reading()

    # -- about the whole index

    def meta(self, key: str, default: str | None = None) -> str | None:
        """A value that ``set_meta`` stored, else the default."""
        value: str | None = self._db.value("SELECT value FROM meta WHERE key = ?", (key,))
        return default if value is None else value

    def generation(self) -> int:
        """Grows with every commit of any process that changed anything."""
        return int(self._db.fixed("SELECT value FROM meta WHERE key = 'generation'") or 0)

    def counts(self) -> Counts:
        """Exact numbers of files, chunks and vectors."""
        row = self._db.rows(
            "SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM chunks), "
            "(SELECT count(*) FROM vectors), (SELECT count(*) FROM pending)"
        )[0]
        files, chunks, embedded, pending = row
        return Counts(files, chunks, embedded, embedded + pending)

    # -- files and chunks

    def files(self) -> dict[str, StoredFile]:
        """Every file by its path."""
        rows = self._db.rows("SELECT id, path, size, mtime_ns, content_hash, language FROM files")
        return {row[1]: StoredFile(*row) for row in rows}

    def chunks(self, ids: Iterable[int]) -> dict[int, StoredChunk]:
        """Chunks by id; ids that were removed meanwhile are missing."""
        found = self._chunks(f"WHERE chunks.id {IN_LIST}", json.dumps([int(i) for i in ids]))
        return {stored.id: stored for stored in found}

    def places(self, ids: Iterable[int]) -> dict[int, tuple[str, int]]:
        """The path and the first byte of chunks, by id."""
        sql = (
            "SELECT chunks.id, files.path, start_byte FROM chunks JOIN files ON files.id = file_id "
            f"WHERE chunks.id {IN_LIST}"
        )
        rows = self._db.rows(sql, (json.dumps([int(i) for i in ids]),))
        return {row[0]: (row[1], row[2]) for row in rows}

    def first_lines(self, ids: Iterable[int]) -> dict[int, int]:
        """The first line of chunks, by id."""
        rows = self._db.rows(
            f"SELECT id, start_line FROM chunks WHERE id {IN_LIST}", (json.dumps([int(i) for i in ids]),)
        )
        return dict(rows)

    def chunks_of(self, path: str) -> list[StoredChunk]:
        """The chunks of a file in its order; [] for a file that is not indexed."""
        return self._chunks("WHERE files.path = ? ORDER BY start_byte", path)

    def chunk_at(self, path: str, line: int) -> int | None:
        """Id of the chunk that holds a line (the shortest, where two share it); None where none does."""
        found: int | None = self._db.value(
            "SELECT chunks.id FROM chunks JOIN files ON files.id = file_id "
            "WHERE files.path = ? AND start_line <= ? AND end_line >= ? "
            "ORDER BY end_line - start_line, start_byte LIMIT 1",
            (path, line, line),
        )
        return found

    def texts(self, allowed: Ids | None = None) -> Iterator[ChunkText]:
        """The texts of all chunks, or of these, by id, a page at a time: read them inside ``reading()``."""
        sql = (
            "SELECT chunks.id, files.path, start_byte, start_line, text "
            "FROM chunks JOIN files ON files.id = file_id WHERE"
        )
        if allowed is not None:
            for start in range(0, len(allowed), _PAGE):
                ids = json.dumps(allowed[start : start + _PAGE].tolist())
                yield from (
                    ChunkText(*row)
                    for row in self._db.rows(f"{sql} chunks.id {IN_LIST} ORDER BY chunks.id", (ids,))
                )
            return
        last = 0
        while rows := self._db.rows(f"{sql} chunks.id > ? ORDER BY chunks.id LIMIT {_PAGE}", (last,)):
            yield from (ChunkText(*row) for row in rows)
            last = rows[-1][0]

    def has_pending(self) -> bool:
        """Whether a chunk waits for its vector."""
        return bool(self._db.value("SELECT EXISTS (SELECT 1 FROM pending)"))

    def pending(self) -> list[int]:
        """Ids of the chunks that wait for a vector, where one is worth most first: code, prose, data.

        Within a kind the oldest come first.
        """
        rows = self._db.rows(
            "SELECT chunk_id, language FROM pending JOIN chunks ON chunks.id = chunk_id "
            "JOIN files ON files.id = file_id ORDER BY chunk_id"
        )
        return [ident for ident, _ in sorted(rows, key=lambda row: place_in_line(row[1]))]

    def _chunks(self, where: str, param: str | int) -> list[StoredChunk]:
        rows = self._db.rows(f"{_CHUNKS} {where}", (param,))
        with self._db.decoding():
            return [_chunk(row) for row in rows]

    # -- candidates

    def define(self, names: Iterable[str]) -> list[int]:
        """Return the chunks that define one of the names, by path, whatever their case and qualifiers."""
        keys = sorted({definition_key(name) for name in names} - {""})
        sql = (
            "SELECT DISTINCT chunk_id FROM definitions JOIN chunks ON chunks.id = chunk_id "
            f"JOIN files ON files.id = file_id WHERE name {IN_LIST} ORDER BY files.path, start_byte"
        )
        return [row[0] for row in self._db.rows(sql, (json.dumps(keys),))]

    def defined_names(self) -> KnownNames:
        """Every name that a chunk defines, case-folded. Reads the whole table once for each generation."""
        with self.reading():
            generation = self.generation()
            known, names = self._names
            if known != generation:
                rows = self._db.rows("SELECT DISTINCT name FROM definitions")
                names = KnownNames(row[0] for row in rows)
                self._names = generation, names  # at once: other threads read it
            return names

    def ids_matching(self, wanted: Filter) -> Ids | None:
        """Ids of the chunks that a filter lets through, ascending; None where it restricts nothing.

        Raises:
            BadQuery: a glob that is no pattern.
        """
        return self._selection.ids(wanted, self.generation()) if wanted else None

    def lexical(
        self,
        match: str,
        limit: int,
        weights: Sequence[float] = (1.0, 1.0, 1.0),
        allowed: Filter | Ids | None = None,
    ) -> list[ScoredRow]:
        """Best chunks by BM25 (k1 1.2, b 0.75, Robertson and Zaragoza 2009, as FTS5 computes it).

        ``match`` is an FTS5 expression ("" finds nothing), ``weights`` are those of the columns symbol,
        path and body. Equal scores are ordered by id. The statistics are those of the whole index,
        with a filter too, so that a filter removes results but never reorders them.

        Raises:
            BadQuery: an expression that FTS5 cannot read.
        """
        if not match or limit < 1:
            return []
        if isinstance(allowed, Filter):
            allowed = self.ids_matching(allowed)
        return self._best.matching(match, limit, weights, allowed)

    def holding_any(
        self, terms: Sequence[str], limit: int, weights: Sequence[float], allowed: Ids | None = None
    ) -> list[ScoredRow]:
        """Return the best chunks that hold one of these tokens: those of ``lexical``, mostly sooner.

        A token that comes twice counts twice.
        """
        if not terms or limit < 1:
            return []
        with self._db.reading():
            return self._best.holding_any(terms, limit, weights, self.generation(), allowed)

    def frequencies(self, terms: Iterable[str]) -> tuple[dict[str, int], int]:
        """How many chunks hold each of these tokens, and how many chunks there are."""
        with self._db.reading():
            return self._best.frequencies(terms, self.generation())

    def postings(self, term: str, weights: Sequence[float]) -> Postings:
        """The chunks that hold a token, and how often, by the weights of symbol, path and body."""
        with self.reading():
            return self._terms.postings(term, weights, self.generation())

    def row_lengths(self) -> RowLengths:
        """The number of tokens of every chunk. Call it inside ``reading()``, beside ``postings``."""
        return self._terms.lengths(self.generation())

    def identities(self, ids: Iterable[int]) -> list[ChunkIdentity]:
        """Return the identities of chunks, which are the same in every index."""
        return self._identities(f"chunks.id {IN_LIST}", [int(i) for i in ids])

    def identities_in(self, paths: Iterable[str]) -> list[ChunkIdentity]:
        """The same for all chunks of these files."""
        return self._identities(f"files.path {IN_LIST}", list(paths))

    def _identities(self, where: str, values: Sequence[int | str]) -> list[ChunkIdentity]:
        sql = f"SELECT chunks.id, path, text_hash FROM chunks JOIN files ON files.id = file_id WHERE {where}"
        return [ChunkIdentity(*row) for row in self._db.rows(sql, (json.dumps(values),))]

    # -- the file

    def size_bytes(self) -> int:
        """Bytes on disk: the database and its log."""
        return sum(file.stat().st_size for file in self._files_on_disk())

    def _files_on_disk(self) -> Iterator[Any]:
        path = self._db.path
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            if (file := path.with_name(name)).exists():
                yield file


def _chunk(row: Row) -> StoredChunk:
    ident, path, start, end, first, last, language, kind, symbol, scope, signature, definitions, text = row
    return StoredChunk(
        ident,
        Chunk(
            path=path,
            start_byte=start,
            end_byte=end,
            start_line=first,
            end_line=last,
            language=language,
            kind=kind,
            symbol=symbol,
            scope=_names(scope),
            signature=signature,
            definitions=_names(definitions),
            text=text,
        ),
    )


@lru_cache(maxsize=1 << 14)
def _names(text: str) -> tuple[str, ...]:
    """Decode a JSON list of names: a fifth of the time of reading a chunk, and most of them repeat."""
    return tuple(json.loads(text))
