"""The places of all embedded chunks of an index with their vectors, for drawing or counting them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codesearch.index.index import Index
from codesearch.quick_dataclass import dataclass

__all__ = ["EmbeddedChunks", "Symbol", "embedded_chunks", "find_symbols"]


@dataclass(frozen=True, slots=True)
class EmbeddedChunks:
    """One row for each embedded chunk, by id."""

    ids: NDArray[np.int64]
    paths: Sequence[str]
    """Every file, once."""
    path_of: NDArray[np.uint32]
    """(n,) positions in ``paths``."""
    lines: NDArray[np.uint32]
    """(n,) first line of each."""
    languages: Sequence[str | None]
    """Of each of ``paths``."""
    vectors: NDArray[np.float32]
    """(n, dim) float32 of unit length."""
    generation: int
    """Changes when the index does."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name that is defined, as it is spelt there."""

    name: str
    kind: str
    path: str
    line: int


def embedded_chunks(index: Index) -> EmbeddedChunks:
    """Read all embedded chunks from one snapshot."""
    with index._database() as database, database.store.reading():
        store = database.store
        stored = store.vectors()
        order = np.argsort(stored.ids)
        ids = stored.ids[order]
        files = sorted(store.files().values(), key=lambda file: file.path)
        number = {file.path: at for at, file in enumerate(files)}
        places = store.places(ids.tolist())
        lines = store.first_lines(ids.tolist())
        generation = store.generation()
    return EmbeddedChunks(
        ids=ids,
        paths=[file.path for file in files],
        path_of=np.array([number[places[id_][0]] for id_ in ids.tolist()], np.uint32),
        lines=np.array([lines[id_] for id_ in ids.tolist()], np.uint32),
        languages=[file.language for file in files],
        vectors=stored.matrix[order],
        generation=generation,
    )


def find_symbols(index: Index, typed: str, limit: int) -> list[Symbol]:
    """Return names that begin with what was typed, then names that hold it, shortest first."""
    wanted = typed.strip().casefold()
    if not wanted:
        return []
    with index._database() as database, database.store.reading():
        store = database.store
        names = [name for name in store.defined_names() if wanted in name]
        names.sort(key=lambda name: (not name.startswith(wanted), len(name), name))
        found = []
        for name in names[:limit]:
            ids = store.define([name])[:1]
            for stored in store.chunks(ids).values():
                chunk = stored.chunk
                spelt = next((one for one in chunk.definitions if one.casefold().endswith(name)), name)
                found.append(Symbol(spelt, chunk.kind, chunk.path, chunk.start_line))
    return found
