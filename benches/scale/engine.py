"""Bytes, memory, CPU time and latency of Qdrant's own engine by the number of chunks.

    python -m benches.scale.engine FOLDER --vectors FILE [--sizes 10000 100000] [--out FILE]

The engine is Qdrant Edge: one shard in this process, the code of the server without its network. Chunks are
those of a real folder, repeated under other paths with their words changed in part; vectors are the rows of
FILE, which ``benches.scale.vectors`` wrote. Each size has a process of its own; memory is what that process
holds after it opened the finished shard and asked every question once.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import numpy as np
import psutil

from benches import program, records
from benches.growth import changed, chunks_of
from codesearch.distributed.engines.protocol import EngineRecord, Where
from codesearch.distributed.engines.qdrant_edge import QdrantEdgeEngine
from codesearch.distributed.engines.qdrant_terms import Quantization
from codesearch.distributed.engines.rows import EngineRow, make_row
from codesearch.distributed.engines.store import EngineStore
from codesearch.records import Chunk
from codesearch.searching.request import SearchRequest
from codesearch.searching.search import Searcher
from codesearch.storage.lexical.tokens import query_terms

DIM, ROOT, _BATCH, _ASKED, _WORDS = 256, "bench", 512, 200, 40
_WORD = re.compile(r"[A-Za-z]{3,}")


def rows_of(file: Path) -> np.ndarray:
    """(n, dim) float16, mapped."""
    return np.memmap(file, np.float16, "r").reshape(-1, DIM)


def unit(vectors: np.ndarray) -> np.ndarray:
    """The same as float32 of unit length."""
    wide = np.asarray(vectors, np.float32)
    return np.ascontiguousarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12))


def rows(folder: Path, vectors: np.ndarray, size: int) -> Iterator[EngineRow]:
    files = chunks_of(folder)
    copies = (changed(chunk, path, copy) for copy in count() for path, chunks in files for chunk in chunks)
    for at, chunk in enumerate(islice(copies, size)):
        yield make_row(ROOT, chunk, unit(vectors[at : at + 1])[0])


def fill(shard: Path, folder: Path, vectors: np.ndarray, size: int, kind: Quantization) -> dict[str, object]:
    engine = QdrantEdgeEngine(shard, quantization=kind)
    engine.create(EngineRecord("bench", False, "bench", DIM, 60.0))
    source, names, spent = rows(folder, vectors, size), list[UUID](), 0.0
    while batch := list(islice(source, _BATCH)):
        started = time.process_time()
        engine.write(ROOT, batch)
        spent += time.process_time() - started
        names += [row.uuid for row in batch]
    started = time.process_time()
    engine.close()
    built = time.process_time() - started
    blocks = sum(512 * path.stat().st_blocks for path in shard.rglob("*") if path.is_file())
    return {"write_cpu_s": spent, "build_cpu_s": built, "bytes": blocks, "names": names}


def ask(
    shard: Path, vectors: np.ndarray, names: list[str], size: int, kind: Quantization
) -> dict[str, float]:
    """Latency, CPU time, recall against comparing everything, and memory."""
    before = psutil.Process().memory_info().rss
    engine = QdrantEdgeEngine(shard, quantization=kind)
    at = np.random.default_rng(2).integers(0, size, _ASKED)
    noise = np.random.default_rng(3).normal(scale=0.02, size=(_ASKED, DIM))
    questions = unit(np.asarray(vectors[at], np.float32) + noise)
    texts = questions_of([engine.chunks([ROOT], Where(uuids=(UUID(names[i]),))) for i in at[:_WORDS]])
    engine.near([ROOT], questions[0], 10)
    found: list[set[str]] = []

    def near(question: np.ndarray) -> None:
        found.append({str(hit.uuid) for hit in engine.near([ROOT], question, 100)[:10]})

    times = {
        "near": timed(near, questions),
        "words": timed(lambda text: engine.words([ROOT], query_terms(text), 100), texts),
        "search": timed(lambda pair: search(engine, *pair), zip(texts, questions, strict=False)),
    }
    memory = psutil.Process().memory_info().rss - before
    engine.close()
    exact = best(vectors[:size], questions, 10)
    recall = np.mean(
        [len(mine & {names[i] for i in row}) / 10 for mine, row in zip(found, exact, strict=True)]
    )
    quantiles = {key: value for name, taken in times.items() for key, value in summary(name, taken).items()}
    return {**quantiles, "recall_at_10": float(recall), "memory_bytes": float(memory)}


def questions_of(found: Iterable[Iterator[tuple[str, UUID, Chunk]]]) -> list[str]:
    """A question from the words of each chunk, so that the terms are as frequent as those of the corpus."""
    texts = [chunk.text for chunks in found for _, _, chunk in chunks]
    words = [_WORD.findall(text) for text in texts]
    return [" ".join(some[:: max(1, len(some) // 6)][:6]) for some in words if some]


def timed(run: Callable[[Any], object], inputs: Iterable[Any]) -> np.ndarray:
    """(inputs, 2) seconds on the clock, and of CPU."""
    taken = []
    for one in inputs:
        clock, cpu = time.perf_counter(), time.process_time()
        run(one)
        taken.append((time.perf_counter() - clock, time.process_time() - cpu))
    return np.array(taken)


def summary(name: str, taken: np.ndarray) -> dict[str, float]:
    """Milliseconds: medians, and the 99th percentile of CPU time, which other work changes least."""
    (clock, cpu), tail = np.median(taken, axis=0) * 1000, np.quantile(taken[:, 1], 0.99) * 1000
    return {f"{name}_ms": float(clock), f"{name}_cpu_ms": float(cpu), f"{name}_cpu_p99_ms": float(tail)}


def search(engine: QdrantEdgeEngine, question: str, vector: np.ndarray) -> None:
    """A whole hybrid search: both arms, the candidates' texts, our ranking."""
    Searcher(EngineStore(engine, [ROOT]), lambda: FixedEmbedder(vector)).search(SearchRequest.make(question))


class FixedEmbedder:
    """An embedder that has its vector already: what is measured is the search."""

    dim, fingerprint, max_length = DIM, "bench", 512

    def __init__(self, vector: np.ndarray) -> None:
        self._vector = vector

    def encode_query(self, texts: list[str], /) -> np.ndarray:
        return np.repeat(self._vector[None], len(texts), axis=0)

    encode_document = encode_query


def best(vectors: np.ndarray, questions: np.ndarray, limit: int) -> np.ndarray:
    """(questions, limit) places of the nearest rows, in no order, by comparing all, a block at a time."""
    scores = np.full((len(questions), 0), 0, np.float32)
    places = np.zeros((len(questions), 0), np.int64)
    for start in range(0, len(vectors), 1 << 16):
        block = questions @ unit(vectors[start : start + (1 << 16)]).T
        here = np.argpartition(-block, limit - 1, axis=1)[:, :limit]
        scores = np.hstack([scores, np.take_along_axis(block, here, 1)])
        places = np.hstack([places, here + start])
        kept = np.argpartition(-scores, limit - 1, axis=1)[:, :limit]
        scores, places = np.take_along_axis(scores, kept, 1), np.take_along_axis(places, kept, 1)
    return places


def _ask(shard: Path, file: Path, names: list[str], size: int, kind: Quantization) -> dict[str, object]:
    return ask(shard, rows_of(file), names, size, kind)


def measure(folder: Path, file: Path, size: int, kind: Quantization) -> dict[str, object]:
    vectors = rows_of(file)
    with tempfile.TemporaryDirectory() as scratch:
        shard = Path(scratch, "shard")
        filled = fill(shard, folder, vectors, size, kind)
        names = [str(name) for name in cast("list[UUID]", filled.pop("names"))]
        asked = program.fresh(_ask, shard, file, names, size, kind)
    return {"chunks": size, "quantization": kind, **filled, **asked}


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--quantization", nargs="+", default=["int8"], choices=["none", "int8", "binary"])
    options = parser.parse_args()
    measured = []
    for kind in options.quantization:
        for size in options.sizes:
            measured.append(measure(options.folder, options.vectors, size, kind))
            print(json.dumps(measured[-1]), flush=True)
    records.write(options.out, "scale-engine", {"folder": options.folder.name, "dim": DIM}, measured)


if __name__ == "__main__":
    main()
