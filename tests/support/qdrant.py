"""Qdrant's client in local mode: the engine's own semantics, in this process."""

from __future__ import annotations

from collections.abc import Iterator

from codesearch.engines.protocol import Engine
from tests.support.running import require

__all__ = ["qdrant_engine"]


def qdrant_engine() -> Iterator[Engine]:
    """An empty collection in memory."""
    require("qdrant_client")
    from qdrant_client import QdrantClient

    from codesearch.engines.qdrant import QdrantEngine

    engine = QdrantEngine(QdrantClient(":memory:"), "code")
    yield engine
    engine.close()
