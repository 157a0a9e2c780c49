"""Postgres with pgvector: chunks, their terms and their vectors in three tables.

Vectors are ``halfvec`` under an HNSW index. Full text is BM25 over a table of terms and not ``ts_rank``,
which knows no rarity: the order is that of the embedded store. pg8000 (BSD, pure Python) is the driver.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
import pg8000.native
from numpy.typing import NDArray
from pg8000.exceptions import DatabaseError, InterfaceError

from codesearch.distributed.engines.postgres_connection import Connect
from codesearch.distributed.engines.postgres_sql import NEAR, TABLES, WORDS, WRITE, WRITE_TERMS
from codesearch.distributed.engines.protocol import ANYWHERE, EngineRecord, Found, Where, one_vector
from codesearch.distributed.engines.rows import EngineRow, chunk_from, payload_of
from codesearch.errors import BadQuery, CodesearchError
from codesearch.records import Chunk

__all__ = ["FORMAT", "PostgresEngine"]

FORMAT = 1
"""Written into ``record``. A schema of an older format is migrated by ``_MIGRATIONS``, a newer one is
refused.
"""
_MIGRATIONS: Mapping[int, Sequence[str]] = {}
"""Format -> statements that bring the one before it there."""
T = TypeVar("T")


class PostgresEngine:
    """One schema of a database. Any thread may ask; one connection answers, and is made again when it
    broke.
    """

    def __init__(self, connect: Connect, schema: str = "codesearch") -> None:
        if not schema.isidentifier():
            raise BadQuery(f"the schema {schema!r} is no identifier")
        self._connect = connect
        self._schema = schema
        self._lock = threading.RLock()
        self._connection: pg8000.native.Connection | None = None

    # -- the schema

    def record(self) -> EngineRecord | None:
        """Return what was written down when the schema was made. CodesearchError for a newer format."""
        name = f"{self._schema}.record"
        if self._run("SELECT to_regclass(:name)", name=name) == [[None]]:
            return None
        rows = self._run("SELECT format, value FROM record")
        if not rows:
            return None
        if rows[0][0] > FORMAT:
            raise CodesearchError(
                f"the schema {self._schema} has format {rows[0][0]}, this version knows {FORMAT}; "
                "update codesearch"
            )
        return EngineRecord.from_fields(rows[0][1])

    def create(self, record: EngineRecord) -> None:
        """Make the tables, or bring older ones up to date."""
        one_vector(record, "Postgres")
        with self._lock:
            self._run(f"CREATE SCHEMA IF NOT EXISTS {self._schema}")
            for statement in TABLES.replace("DIM", str(int(record.dim))).split(";\n"):
                self._run(statement)
            once = "WHERE NOT EXISTS (SELECT 1 FROM record)"
            made = f"INSERT INTO record SELECT :f, CAST(:value AS jsonb) {once}"
            self._run(made, f=FORMAT, value=record.as_json())
            self._migrate()

    def _migrate(self) -> None:
        [[found]] = self._run("SELECT format FROM record")
        for number in range(found + 1, FORMAT + 1):
            self._migrate_to(number)

    def _migrate_to(self, number: int) -> None:
        statements = [*_MIGRATIONS[number], f"UPDATE record SET format = {number}"]
        self._transaction(lambda run: [run(statement) for statement in statements])

    # -- writing

    def write(self, root: str, rows: Sequence[EngineRow]) -> None:
        """Store chunks, in one transaction."""
        chunks = [
            {
                "uuid": str(row.uuid),
                "path": row.chunk.path,
                "keys": list(row.keys),
                "length": row.length,
                "chunk": payload_of(row),
                "vector": None if row.vector is None else _vector(row.vector),
            }
            for row in rows
        ]
        terms = [
            {"term": term, "uuid": str(row.uuid), "weight": weight}
            for row in rows
            for term, weight in row.terms.items()
        ]

        def put(run: Callable[..., Any]) -> None:
            run(WRITE, root=root, rows=_json(chunks))
            run(WRITE_TERMS, root=root, rows=_json(terms))

        self._transaction(put)

    def delete(self, root: str, uuids: Sequence[UUID]) -> None:
        """Remove chunks, and by the foreign key their terms."""
        self._run("DELETE FROM chunks WHERE uuid = ANY(:uuids)", uuids=list(uuids))

    # -- asking

    def roots(self) -> list[str]:
        """Return the roots that have chunks."""
        return [row[0] for row in self._run("SELECT DISTINCT root FROM chunks ORDER BY root")]

    def uuids(self, root: str) -> set[UUID]:
        """Return every chunk of a root."""
        return {row[0] for row in self._run("SELECT uuid FROM chunks WHERE root = :root", root=root)}

    def files(self, root: str) -> Mapping[str, str | None]:
        """Return path -> language of every file of a root."""
        return dict(
            self._run("SELECT DISTINCT path, chunk->>'language' FROM chunks WHERE root = :root", root=root)
        )

    def words(
        self, roots: Sequence[str], terms: Sequence[str], limit: int, where: Where = ANYWHERE
    ) -> list[Found]:
        """Return the best chunks by BM25."""
        restriction, values = _where(roots, where)
        rows = self._run(WORDS.format(where=restriction), terms=list(terms), limit=limit, **values)
        return [Found(row[0], float(row[1])) for row in rows]

    def near(
        self, roots: Sequence[str], vector: NDArray[np.float32], limit: int, where: Where = ANYWHERE
    ) -> list[Found]:
        """Return the chunks nearest to a vector. A filter makes the index go on until enough were found."""
        restriction, values = _where(roots, where)

        def ask(run: Callable[..., Any]) -> Any:
            run(f"SET LOCAL hnsw.ef_search = {min(1000, max(100, 2 * limit))}")
            run("SET LOCAL hnsw.iterative_scan = strict_order")
            return run(NEAR.format(where=restriction), vector=_vector(vector), limit=limit, **values)

        return [Found(row[0], float(row[1])) for row in self._transaction(ask)]

    def near_by_text(
        self, roots: Sequence[str], vector: NDArray[np.float32], limit: int, where: Where = ANYWHERE
    ) -> list[Found]:
        """Return nothing: there are no second vectors here."""
        return []

    def chunks(self, roots: Sequence[str], where: Where) -> Iterator[tuple[str, UUID, Chunk]]:
        """Yield the chunks there."""
        restriction, values = _where(roots, where)
        for root, uuid, chunk in self._run(
            f"SELECT root, uuid, chunk FROM chunks WHERE {restriction}", **values
        ):
            yield root, uuid, chunk_from(chunk)

    def keys(self, roots: Sequence[str]) -> set[str]:
        """Return every name that is defined, case-folded."""
        rows = self._run(
            "SELECT DISTINCT unnest(keys) FROM chunks WHERE root = ANY(:roots)", roots=list(roots)
        )
        return {row[0] for row in rows}

    def vector(self, uuid: UUID) -> NDArray[np.float32] | None:
        """Return the stored vector of a chunk."""
        rows = self._run("SELECT CAST(vector AS text) FROM chunks WHERE uuid = :uuid", uuid=uuid)
        return np.array(json.loads(rows[0][0]), np.float32) if rows and rows[0][0] else None

    def has_vectors(self, roots: Sequence[str]) -> bool:
        """Return whether a chunk is embedded."""
        sql = "SELECT EXISTS (SELECT 1 FROM chunks WHERE root = ANY(:roots) AND vector IS NOT NULL)"
        return bool(self._run(sql, roots=list(roots))[0][0])

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    # -- the connection

    def _run(self, sql: str, **values: Any) -> Any:
        return self._transaction(lambda run: run(sql, **values))

    def _transaction(self, steps: Callable[[Callable[..., Any]], T]) -> T:
        """Run statements together. A connection that broke is made again once: every step is idempotent."""
        with self._lock:
            try:
                try:
                    return self._attempt(steps)
                except (InterfaceError, OSError):
                    self.close()
                    return self._attempt(steps)
            except (DatabaseError, InterfaceError, OSError) as error:
                raise CodesearchError(f"Postgres cannot answer: {_said(error)}") from error

    def _attempt(self, steps: Callable[[Callable[..., Any]], T]) -> T:
        if self._connection is None:
            self._connection = self._connect()
        connection = self._connection
        connection.run("START TRANSACTION")
        try:
            connection.run(f"SET LOCAL search_path = {self._schema}, public")
            answer = steps(connection.run)
            connection.run("COMMIT")
        except DatabaseError:
            connection.run("ROLLBACK")
            raise
        return answer


def _where(roots: Sequence[str], where: Where) -> tuple[str, dict[str, Any]]:
    parts, values = ["root = ANY(:roots)"], dict[str, Any](roots=list(roots))
    if where.paths is not None:
        parts.append("path = ANY(:paths)")
        values["paths"] = list(where.paths)
    if where.uuids is not None:
        parts.append("uuid = ANY(:uuids)")
        values["uuids"] = list(where.uuids)
    if where.key is not None:
        parts.append("keys @> ARRAY[CAST(:key AS text)]")
        values["key"] = where.key
    return " AND ".join(f"chunks.{part}" for part in parts), values


def _vector(vector: NDArray[np.float32]) -> str:
    return "[" + ",".join(f"{number:.6g}" for number in vector.tolist()) + "]"


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    """As JSON; Postgres knows no NUL in a text."""
    return json.dumps(rows).replace("\\u0000", "\\ufffd")


def _said(error: Exception) -> str:
    """What the server said, or why it cannot be asked."""
    detail = error.args[0] if error.args else error
    if isinstance(detail, dict):
        return str(detail.get("M", detail))
    if isinstance(error.__cause__, OSError):
        where = str(error).partition(" (timeout")[0]
        return f"{where}: {error.__cause__.strerror or error.__cause__}; is the server running there?"
    return str(error)
