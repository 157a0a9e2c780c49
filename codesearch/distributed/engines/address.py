"""Names of engines: ``qdrant://host:6333/collection``, ``postgresql://user@host/database?schema=NAME``.

``qdrant+https://`` speaks TLS, ``qdrant+edge:///folder`` is Qdrant's engine in this process with its shard
in that folder, ``qdrant+file:///folder/collection`` the client's own imitation of a server. A Qdrant key
comes from $QDRANT_API_KEY and is sent over TLS alone. ``?quantization=binary`` holds vectors in a bit a
number, ``none`` as they are, int8 is the default. ``matryoshka=64`` looks for candidates with the first 64
numbers of vectors. Both are said when a collection is made.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlsplit

from codesearch.distributed.engines.protocol import Engine
from codesearch.distributed.engines.qdrant_terms import Quantization
from codesearch.errors import BadQuery, CodesearchError

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

__all__ = ["is_engine", "open_engine"]

_EXPECTED = "qdrant://host:6333/collection or postgresql://user@host/database"
_SCHEMES = ("qdrant", "qdrant+http", "qdrant+https", "qdrant+edge", "qdrant+file", "postgresql", "postgres")


def is_engine(name: str) -> bool:
    """Whether a name is that of an engine."""
    return urlsplit(name).scheme in _SCHEMES


def open_engine(url: str) -> Engine:
    """Connect to an engine. BadQuery for another address; CodesearchError names the extra that is missing."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise BadQuery(f"{url} is no engine; expected {_EXPECTED}")
    if parts.scheme.startswith("postgres"):
        try:
            from codesearch.distributed.engines.postgres import PostgresEngine
            from codesearch.distributed.engines.postgres_connection import connector
        except ImportError as error:
            raise _missing("postgres", error) from error
        return PostgresEngine(*connector(url))
    quantization, short_dim = _options(url, parts)
    if parts.scheme == "qdrant+edge":
        if short_dim:
            raise BadQuery(f"{url}: ?matryoshka needs a server; Qdrant Edge searches in one stage")
        return _edge(url, parts, quantization)
    try:
        from codesearch.distributed.engines.qdrant import QdrantEngine
    except ImportError as error:
        raise _missing("qdrant", error) from error
    client, collection = _qdrant(url, parts)
    return QdrantEngine(client, collection, quantization=quantization, short_dim=short_dim)


def _options(url: str, parts: SplitResult) -> tuple[Quantization, int]:
    """How a new collection holds its vectors: ``?quantization=binary&matryoshka=64``."""
    quantization: Quantization = "int8"
    short_dim = 0
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        match key, value:
            case "quantization", ("none" | "int8" | "binary") as kind:
                quantization = kind
            case "matryoshka", number if number.isascii() and number.isdecimal() and 0 < len(number) < 6:
                short_dim = int(number)
            case _:
                raise BadQuery(
                    f"{url}: {key}={value} is not understood; expected quantization=int8, binary or none, "
                    "or matryoshka=N, the numbers of a vector that a first stage compares"
                )
    return quantization, short_dim


def _edge(url: str, parts: SplitResult, quantization: Quantization) -> Engine:
    if parts.netloc or not Path(parts.path).name:
        raise BadQuery(f"{url} names no folder; expected qdrant+edge:///folder")
    try:
        from codesearch.distributed.engines.qdrant_edge import QdrantEdgeEngine
    except ImportError as error:
        raise _missing("qdrant-edge", error) from error
    return QdrantEdgeEngine(Path(parts.path), quantization=quantization)


def _qdrant(url: str, parts: SplitResult) -> tuple[QdrantClient, str]:
    from qdrant_client import QdrantClient

    path = Path(parts.path)
    if not path.name or (parts.scheme != "qdrant+file" and (not parts.hostname or len(path.parts) != 2)):
        raise BadQuery(f"{url} names no collection; expected {_EXPECTED}")
    if parts.scheme == "qdrant+file":
        return QdrantClient(path=str(path.parent)), path.name
    secure = parts.scheme == "qdrant+https"
    key = os.environ.get("QDRANT_API_KEY") if secure else None
    base = f"{'https' if secure else 'http'}://{parts.hostname}:{parts.port or 6333}"
    return QdrantClient(url=base, api_key=key, check_compatibility=False), path.name


def _missing(extra: str, error: ImportError) -> CodesearchError:
    return CodesearchError(f"{error}; pip install 'mlx-jinabert[{extra}]'")
