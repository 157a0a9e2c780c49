"""Qdrant in this process: the client's local mode, and the engine itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from codesearch.distributed.engines.protocol import Engine
from tests.support.running import require

__all__ = ["qdrant_edge_engine", "qdrant_engine"]


def qdrant_engine() -> Iterator[Engine]:
    """An empty collection in memory."""
    require("qdrant_client")
    from qdrant_client import QdrantClient

    from codesearch.distributed.engines.qdrant import QdrantEngine

    engine = QdrantEngine(QdrantClient(":memory:"), "code")
    yield engine
    engine.close()


def qdrant_edge_engine() -> Iterator[Engine]:
    """An empty shard of Qdrant Edge."""
    require("qdrant_edge")
    from codesearch.distributed.engines.qdrant_edge import QdrantEdgeEngine

    with TemporaryDirectory() as folder:
        engine = QdrantEdgeEngine(Path(folder, "shard"))
        yield engine
        engine.close()
