"""A small tree, its index, and engines that hold the same chunks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codesearch import open_index
from codesearch.distributed.engines.protocol import Engine
from codesearch.distributed.engines.store import EngineStore
from codesearch.distributed.engines.upload import Upload, upload
from codesearch.records import silent
from codesearch.searching.stores.protocol import SearchStore
from codesearch.searching.stores.single import SingleStore
from codesearch.storage.folders.locations import locate
from codesearch.storage.store import Store
from codesearch.vectors.vector_index import VectorIndex
from tests.support.closeness import WordHashEmbedder

__all__ = ["FILES", "QUESTIONS", "embedded_store", "engine_store", "fill", "indexed"]

FILES = {
    "src/client.py": "class Client:\n    def send(self, request):\n        return self.transport(request)\n",
    "src/retry.py": "def should_retry(attempt):\n    return attempt < 3\n\n\ndef sleep(s):\n    pass\n",
    "src/users.js": "export function getUserById(id) {\n  return users.find((u) => u.id === id);\n}\n",
    "lib/pool.go": "package pool\n\n// Get takes a connection.\nfunc Get() *Conn {\n\treturn nil\n}\n",
    "docs/notes.md": "# Index\n\nhow the index is stored\n\n# Retries\n\nwhere a retry is decided\n",
}
QUESTIONS = (
    "where is a retry decided",
    "getUserById",
    "send a request",
    "connection pool",
    "how is the index stored",
    "sleep",
)


def indexed(tree: Path, files: dict[str, str] = FILES) -> Path:
    """Write the files and index them."""
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")
    with open_index(tree, model=WordHashEmbedder()) as index:
        index.refresh()
    return tree


@contextmanager
def embedded_store(tree: Path) -> Iterator[SearchStore]:
    """The index itself."""
    directory = locate(tree).directory
    with Store.open(directory) as store:
        vectors = VectorIndex(store, directory)
        yield SingleStore(str(tree), store, lambda: vectors)


def fill(engine: Engine, tree: Path) -> Upload:
    """Upload the index of a tree under its path."""
    with Store.open(locate(tree).directory) as store:
        return upload(store, engine, str(tree), silent)


def engine_store(engine: Engine, tree: Path) -> SearchStore:
    """The engine's chunks of a tree."""
    return EngineStore(engine, [str(tree)])
