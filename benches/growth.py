"""How an index grows: bytes, memory and query latency from a thousand chunks on.

    python -m benches.growth FOLDER [--sizes 1000 10000 100000] [--out FILE]

Texts are the chunks of a real folder, repeated under other paths with their words changed in part, so that
the full text has the statistics of code; vectors are synthetic (a mixture of Gaussians, 256 wide), because no
repository at hand has a million chunks and the time of a search does not depend on what the vectors mean.
Each size is built in a process of its own, and asked in another. ``benches.growth_rivals`` asks others.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np

from benches import program, records
from benches.questions import QUESTIONS
from codesearch.chunking.workers.parse_pool import ChunkPool
from codesearch.files.content.source import SourceText, read_source
from codesearch.files.walk import walk
from codesearch.records import Chunk
from codesearch.searching.request import Mode, SearchRequest
from codesearch.searching.search import Searcher
from codesearch.searching.stores.single import SingleStore
from codesearch.storage.lexical.tokens import document
from codesearch.storage.store import Store
from codesearch.vectors.exact import VectorTable
from codesearch.vectors.vector_index import VectorIndex

DIM = 256
MODES: tuple[Mode, ...] = ("hybrid", "lexical", "semantic")
_COLUMNS = {
    "bytes": "MB on disk",
    "build_peak_bytes": "peak MB, building",
    "peak_bytes": "peak MB, asking",
    "first_ms": "first ms",
    "hybrid_ms": "hybrid ms",
    "lexical_ms": "lexical ms",
    "semantic_ms": "semantic ms",
    "hybrid_again_ms": "again: hybrid",
    "lexical_again_ms": "lexical",
    "semantic_again_ms": "semantic",
    "recall_10": "recall@10",
    "seconds": "built in s",
}
_BATCH, _ASKED = 2_000, 200


class _Embedder:
    """Random unit vectors: a question costs nothing, so what is measured is the search."""

    dim, fingerprint, max_length = DIM, "synthetic", 512

    def __init__(self) -> None:
        self._random = np.random.default_rng(7)

    def encode_query(self, texts: list[str], /) -> np.ndarray:
        return mixture(self._random, len(texts))

    encode_document = encode_query


def mixture(random: np.random.Generator, count: int) -> np.ndarray:
    """(count, dim) float32 unit vectors around 64 centres."""
    centres = np.random.default_rng(0).normal(size=(64, DIM))
    vectors = centres[random.integers(0, 64, count)] + random.normal(scale=0.7, size=(count, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def chunks_of(folder: Path) -> list[tuple[str, list[Chunk]]]:
    """The files of a folder, cut."""
    sources = (read_source(folder, file) for file in walk(folder).files)
    read = [(one.file, one.data) for one in sources if isinstance(one, SourceText)]
    with ChunkPool() as pool:
        return [(item.file.path, list(item.chunks)) for item in pool.chunk_many(iter(read))]


def copies(files: list[tuple[str, list[Chunk]]], size: int) -> Iterator[list[tuple[str, list[Chunk]]]]:
    """Yield copies of the files under other paths, until they hold so many chunks."""
    left = size
    for copy in count():
        made = []
        for path, chunks in files:
            made.append((f"copy{copy}/{path}", [changed(chunk, path, copy) for chunk in chunks[:left]]))
            left -= len(made[-1][1])
            if left <= 0:
                yield made
                return
        yield made


def fill(store: Store, files: list[tuple[str, list[Chunk]]], size: int) -> None:
    """Copies of the files until there are so many chunks."""
    from codesearch.records import SourceFile

    random = np.random.default_rng(1)
    for copy, made in enumerate(copies(files, size)):
        with store.transaction():
            for path, chunks in made:
                file = SourceFile(path, len(chunks), 0, chunks[0].language if chunks else None)
                content = f"{copy}{path.removeprefix(f'copy{copy}/')}".encode()[:16]
                store.replace_file(file, content, chunks, [document(one) for one in chunks])
    waiting = store.pending()
    for start in range(0, len(waiting), _BATCH):
        ids = waiting[start : start + _BATCH]
        store.put_vectors(ids, mixture(random, len(ids)))


def changed(chunk: Chunk, path: str, copy: int) -> Chunk:
    words = chunk.text.split(" ")
    words[:: 7 + copy % 5] = [f"{word}{copy}" for word in words[:: 7 + copy % 5]]
    return replace(chunk, path=f"copy{copy}/{path}", text=" ".join(words))


def build(folder: Path, size: int, directory: Path) -> dict[str, float]:
    """Build an index of a size in ``directory``."""
    with Store.open(directory, create=True) as store:
        started = time.perf_counter()
        fill(store, chunks_of(folder), size)
        VectorIndex(store, directory).save_if_due(lambda stage, done, total: None)
        seconds = time.perf_counter() - started
    size_bytes = sum(path.stat().st_size for path in directory.iterdir())
    return {"seconds": seconds, "bytes": float(size_bytes), "build_peak_bytes": _peak()}


def ask(directory: Path) -> dict[str, float]:
    """Ask the index in ``directory``: the first question, medians of others that are new, and of all again.

    Hybrid ones come first, so that words are met there; those by words or by meaning alone meet them again.
    """
    with Store.open(directory) as store:
        vectors = VectorIndex(store, directory)
        searcher = Searcher(SingleStore("", store, lambda: vectors), _Embedder)
        started = time.perf_counter()
        searcher.search(SearchRequest.make(QUESTIONS[0]))
        found = {"first_ms": 1000 * (time.perf_counter() - started)}
        for mode in MODES:
            found[f"{mode}_ms"] = _median(searcher, QUESTIONS, mode)
        for mode in MODES:
            found[f"{mode}_again_ms"] = _median(searcher, QUESTIONS * 3, mode)
        found["peak_bytes"] = _peak()
        return {**found, "recall_10": _recall(store, vectors)}


def _recall(store: Store, vectors: VectorIndex) -> float:
    """Return how many of the ten nearest are found, of questions that are vectors like the others."""
    if vectors.kind == "exact":
        return 1.0
    with store.reading():
        table = VectorTable.empty().follow(store)
    found = 0
    for query in mixture(np.random.default_rng(11), _ASKED):
        right = {row.id for row in table.nearest(query, 10)}
        found += len(right & {row.id for row in vectors.nearest(query, 10)})
    return found / (10 * _ASKED)


def _median(searcher: Searcher, questions: Sequence[str], mode: Mode) -> float:
    """Milliseconds of a question."""
    times = []
    for question in questions:
        started = time.perf_counter()
        searcher.search(SearchRequest.make(question, mode=mode))
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times))


def _peak() -> float:
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(folder: Path, size: int) -> dict[str, float]:
    """Build an index of a size, and ask it."""
    with tempfile.TemporaryDirectory() as scratch:
        built = program.fresh(build, folder, size, Path(scratch))
        return {"chunks": float(size), **built, **program.fresh(ask, Path(scratch))}


def cells(rows: Sequence[Mapping[str, float]], keys: Sequence[str]) -> list[list[str]]:
    """The rows of a table: the chunks, then these figures, bytes in MB."""
    return [[f"{row['chunks']:,.0f}", *(_cell(key, row[key]) for key in keys)] for row in rows]


def _cell(key: str, value: float) -> str:
    if key.startswith("recall"):
        return f"{value:.3f}"
    return f"{value / (1e6 if 'bytes' in key else 1):,.1f}"


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 3_000, 10_000, 30_000, 100_000])
    options = parser.parse_args()
    rows = [measure(options.folder, size) for size in options.sizes]
    print(f"{options.folder.name}, {DIM} numbers a vector, on {records.machine_line()}\n")
    print(records.table(["chunks", *_COLUMNS.values()], cells(rows, list(_COLUMNS))))
    records.write(options.out, "growth", {"folder": options.folder.name, "dim": DIM}, rows)


if __name__ == "__main__":
    main()
