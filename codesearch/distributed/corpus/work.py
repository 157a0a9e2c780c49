"""Embed one shard and write it to the engine: the work of one worker.

Chunks have the same name on every machine and writing one twice changes nothing, so a shard may be done
again, by another worker, after a half.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from codesearch.chunking.workers.parse_pool import ChunkPool
from codesearch.distributed.corpus.shards import Piece, Shard
from codesearch.distributed.engines.address import open_engine
from codesearch.distributed.engines.rows import EngineRow, make_row
from codesearch.errors import CodesearchError
from codesearch.files.options import DEFAULT_MAX_BYTES
from codesearch.models.embedder import Model, encode_documents
from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk
from codesearch.updating.reading import Reader

__all__ = ["Done", "chunks_of", "do_shard"]

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Done:
    """A shard that is in the engine: the chunks of each of its roots."""

    digest: str
    chunks: Mapping[str, tuple[UUID, ...]]
    embedded: int
    """Texts that went through the model; equal ones went once."""


def do_shard(shard: Shard, model: str, url: str) -> Done:
    """Cut, embed and write the files of a shard. CodesearchError for a model or an engine that fails."""
    parts = [(root, chunk, is_searched) for root, chunk, is_searched in chunks_of(shard.pieces)]
    texts = list(dict.fromkeys(chunk.embedded_text for _, chunk, by_meaning in parts if by_meaning))
    vectors = dict(zip(texts, _vectors(model, texts), strict=True))
    rows = [
        (root, make_row(root, chunk, vectors[chunk.embedded_text] if by_meaning else None))
        for root, chunk, by_meaning in parts
    ]
    written: dict[str, tuple[UUID, ...]] = {}
    engine = open_engine(url)
    try:
        for root, group in groupby(rows, key=lambda row: row[0]):
            of_root: list[EngineRow] = [row for _, row in group]
            for start in range(0, len(of_root), _BATCH):
                engine.write(root, of_root[start : start + _BATCH])
            written[root] = tuple(row.uuid for row in of_root)
    finally:
        engine.close()
    return Done(shard.digest, written, len(texts))


def chunks_of(pieces: Sequence[Piece]) -> Iterator[tuple[str, Chunk, bool]]:
    """Yield (root, chunk, whether it is searched by meaning too) of every file that can be read."""
    for (root, folder), group in groupby(pieces, key=lambda piece: (piece.root, piece.folder)):
        files = list(group)
        encodings = {piece.file.path: piece.encoding for piece in files if piece.encoding}
        reader = Reader(Path(folder), {}, DEFAULT_MAX_BYTES, encodings)
        generated = {piece.file.path for piece in files if piece.is_generated}
        with ChunkPool() as pool:
            for item in pool.chunk_many(reader.changed([piece.file for piece in files])):
                by_words = item.file.path in generated or item.file.path in reader.generated
                for chunk in reader.placed(item.file.path, item.chunks):
                    yield root, chunk, not by_words


def _vectors(model: str, texts: list[str]) -> NDArray[np.float32]:
    embedder = _model(model).load()
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))  # batches of one length pad least
    found = np.zeros((len(texts), embedder.dim), np.float32)
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        encoded = encode_documents(embedder, [texts[at] for at in batch])
        if encoded.failed:
            raise CodesearchError(f"model {model} gives no finite vector for {len(encoded.failed)} text(s)")
        found[batch] = encoded.vectors
    return found


@cache
def _model(name: str) -> Model:
    """One for a process: a worker does many shards."""
    return Model(name)
