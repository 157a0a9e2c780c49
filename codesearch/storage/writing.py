"""Change the store. One process at a time; every call is a transaction or part of one."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from codesearch.records import Chunk, SourceFile
from codesearch.storage.lexical.tokens import LexicalDocument
from codesearch.storage.reading import StoreReader, definition_key
from codesearch.storage.rows import FileChange, text_hash
from codesearch.storage.sqlite.database import Row
from codesearch.storage.sqlite.schema import empty_lexical

__all__ = ["StoreWriter"]

_BATCH = 500
_CHUNK_COLUMNS = (
    "file_id, start_byte, end_byte, start_line, end_line, kind, symbol, scope, signature, definitions, "
    "text_hash, text"
)


class StoreWriter(StoreReader):
    """The writing half of ``Store``."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is stored together or not at all, also when the process is killed.

        Blocks nest; the outermost one commits. Readers see the changes once it has.
        """
        with self._db.transaction() as outermost:
            before = self._db.changes()
            yield
            if outermost and self._db.changes() != before:
                self._db.run("UPDATE meta SET value = value + 1 WHERE key = 'generation'")

    def set_meta(self, key: str, value: str) -> None:
        """Store one value about the whole index."""
        with self.transaction():
            self._db.run(
                "INSERT INTO meta (key, value) VALUES (?, ?) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value != excluded.value",
                (key, value),
            )

    # -- files and chunks

    def replace_file(
        self,
        file: SourceFile,
        content_hash: bytes,
        chunks: Sequence[Chunk],
        documents: Sequence[LexicalDocument],
    ) -> FileChange:
        """Store a file that is new or has changed, with its chunks and their full-text rows.

        A chunk whose embedded text is that of a stored chunk of the file keeps its id and its vector
        and only moves; the rest are replaced. ``documents`` are ``lexical.document`` of the chunks.
        """
        with self.transaction():
            file_id = self._put_file(file, content_hash)
            spare = self._chunks_by_text(file_id)
            reused = 0
            for chunk, document in zip(chunks, documents, strict=True):
                row = _chunk_row(file_id, chunk)
                same = spare[row[-2]]
                if same:
                    self._move_chunk(same.pop(0), row, chunk, document)
                    reused += 1
                else:
                    self._add_chunk(row, chunk, document)
            gone = [(old[0],) for rows in spare.values() for old in rows]
            self._db.run_many("DELETE FROM chunks WHERE id = ?", gone)
        return FileChange(added=len(chunks) - reused, reused=reused, removed=len(gone))

    def touch_file(self, file: SourceFile) -> None:
        """Store a file's new size and time where its content is what it was."""
        with self.transaction():
            self._db.run(
                "UPDATE files SET size = ?, mtime_ns = ? WHERE path = ?",
                (file.size, file.stamp, file.path),
            )

    def remove_files(self, paths: Iterable[str]) -> int:
        """Remove files with all that belongs to them; the number of chunks removed."""
        with self.transaction():
            before = self._db.value("SELECT count(*) FROM chunks")
            self._db.run_many("DELETE FROM files WHERE path = ?", [(path,) for path in paths])
            return int(before - self._db.value("SELECT count(*) FROM chunks"))

    def refill_lexical(self, document: Callable[[Chunk], LexicalDocument]) -> None:
        """Write the full-text index anew from the chunks: a repair, or other tokens."""
        with self.transaction():
            empty_lexical(self._db)
            ids = [row[0] for row in self._db.rows("SELECT id FROM chunks ORDER BY id")]
            for start in range(0, len(ids), _BATCH):
                for stored in self.chunks(ids[start : start + _BATCH]).values():
                    self._put_lexical(stored.id, document(stored.chunk))

    # -- vectors

    def put_vectors(self, ids: Sequence[int], vectors: NDArray[np.float32]) -> int:
        """Store the vectors of chunks, rounded to float16; the number stored.

        A chunk that was removed meanwhile is passed over. The order of the ids is that of the sequence
        numbers. Nothing is stored where a vector is not finite or not as wide as those stored before.

        Raises:
            ValueError: the shapes do not fit, or a number is not finite as float16.
        """
        rows = self._checked(ids, vectors)
        with self.transaction():
            before = self.last_seq()
            self._db.run_many(
                # Numbered placeholders would be taken for named ones by Python 3.12.0 to 3.12.3.
                "INSERT OR REPLACE INTO vectors (chunk_id, vector) "
                "SELECT new.id, new.vector FROM (SELECT ? AS id, ? AS vector) AS new "
                "WHERE EXISTS (SELECT 1 FROM chunks WHERE chunks.id = new.id)",
                rows,
            )
            return self.last_seq() - before

    def leave_to_words(self, paths: Sequence[str]) -> int:
        """Let the chunks of these files wait for no vector; the number of those that no longer do."""
        with self.transaction():
            before = int(self._db.value("SELECT count(*) FROM pending"))
            self._db.run(
                "DELETE FROM pending WHERE chunk_id IN (SELECT chunks.id FROM chunks "
                "JOIN files ON files.id = file_id WHERE path IN (SELECT value FROM json_each(?)))",
                (json.dumps(list(paths)),),
            )
            return before - int(self._db.value("SELECT count(*) FROM pending"))

    def await_vectors(self) -> None:
        """Let every chunk without a vector wait for one."""
        with self.transaction():
            self._db.run(
                "INSERT OR IGNORE INTO pending (chunk_id) SELECT id FROM chunks "
                "WHERE id NOT IN (SELECT chunk_id FROM vectors)"
            )

    def forget_vectors(self) -> None:
        """Remove all vectors, so that every chunk is embedded again (by another model)."""
        with self.transaction():
            self._db.run("DELETE FROM vectors")
            self._db.run("INSERT OR IGNORE INTO pending (chunk_id) SELECT id FROM chunks")

    def _checked(self, ids: Sequence[int], vectors: NDArray[np.float32]) -> list[tuple[int, bytes]]:
        with np.errstate(over="ignore"):
            halves = np.asarray(vectors).astype("<f2")
        if halves.ndim != 2 or len(halves) != len(ids):
            raise ValueError(f"vectors have shape {halves.shape}, expected ({len(ids)}, dim)")
        if not np.isfinite(halves).all():
            bad = int(np.flatnonzero(~np.isfinite(halves).all(axis=1))[0])
            raise ValueError(f"the vector of chunk {ids[bad]} is not finite in float16")
        width = self.vector_dim()
        if width is not None and len(ids) and halves.shape[1] != width:
            raise ValueError(
                f"vectors have {halves.shape[1]} dimensions, those stored have {width}; forget them first"
            )
        return [(int(ident), row.tobytes()) for ident, row in zip(ids, halves, strict=True)]

    # -- rows

    def _put_file(self, file: SourceFile, content_hash: bytes) -> int:
        self._db.run(
            "INSERT INTO files (path, size, mtime_ns, content_hash, language) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns, "
            "content_hash = excluded.content_hash, language = excluded.language",
            (file.path, file.size, file.stamp, content_hash, file.language),
        )
        return int(self._db.value("SELECT id FROM files WHERE path = ?", (file.path,)))

    def _chunks_by_text(self, file_id: int) -> defaultdict[bytes, list[Row]]:
        rows = self._db.rows(
            f"SELECT id, {_CHUNK_COLUMNS} FROM chunks WHERE file_id = ? ORDER BY start_byte", (file_id,)
        )
        spare = defaultdict[bytes, list[Row]](list)
        for row in rows:
            spare[row[-2]].append(row)
        return spare

    def _add_chunk(self, row: Row, chunk: Chunk, document: LexicalDocument) -> None:
        ident = self._db.run(
            f"INSERT INTO chunks ({_CHUNK_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row
        )
        self._put_definitions(ident, chunk)
        self._put_lexical(ident, document)

    def _move_chunk(self, old: Row, row: Row, chunk: Chunk, document: LexicalDocument) -> None:
        ident = old[0]
        self._db.run(
            "UPDATE chunks SET start_byte = ?, end_byte = ?, start_line = ?, end_line = ?, kind = ?, "
            "symbol = ?, scope = ?, signature = ?, definitions = ? WHERE id = ?",
            (*row[1:10], ident),
        )
        if row[5:10] != old[6:11]:  # the same text under another name: a broken file that parses again
            self._db.run("DELETE FROM definitions WHERE chunk_id = ?", (ident,))
            self._db.run("DELETE FROM lexical WHERE rowid = ?", (ident,))
            self._put_definitions(ident, chunk)
            self._put_lexical(ident, document)

    def _put_definitions(self, ident: int, chunk: Chunk) -> None:
        keys = {definition_key(name) for name in chunk.definitions} - {""}
        self._db.run_many(
            "INSERT INTO definitions (name, chunk_id) VALUES (?, ?)", [(key, ident) for key in sorted(keys)]
        )

    def _put_lexical(self, ident: int, document: LexicalDocument) -> None:
        self._db.run(
            "INSERT INTO lexical (rowid, symbol, path, body) VALUES (?, ?, ?, ?)",
            (ident, document.symbol, document.path, document.body),
        )


def _chunk_row(file_id: int, chunk: Chunk) -> Row:
    return (
        file_id,
        chunk.start_byte,
        chunk.end_byte,
        chunk.start_line,
        chunk.end_line,
        chunk.kind,
        chunk.symbol,
        json.dumps(chunk.scope),
        chunk.signature,
        json.dumps(chunk.definitions),
        text_hash(chunk.embedded_text),
        chunk.text,
    )
