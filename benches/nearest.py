"""Ways to find the nearest vectors, by their number: time, memory, how many of the exact answer they find.

    python -m benches.nearest FOLDER... [--sizes 10000 100000 1000000] [--out FILE]

Vectors are those of the folders' chunks, by the shipped model, asked with questions in words and first lines
of chunks; of more than there are, synthetic ones (``benches.growth.mixture``). One thread each, one question
at a time, 100 results. usearch is measured where it is installed. The exact answer is float32's.

- exact float32, codes of three bits, the graph of hnswlib and the tiers of signs, int8 and float16: as
  codesearch has them;
- exact int8: one scale a vector and question, ``MatMulInteger`` of ONNX Runtime, the first 400 compared again
  in float32;
- usearch: its exact comparison of int8 and its graph (M 16, 200 and 256 candidates, as hnswlib's).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benches import program, records
from benches.growth import DIM, mixture
from benches.questions import QUESTIONS

_RESULTS, _AGAIN = 100, 400
_QUESTIONS = 200

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Ask = Callable[[Vectors], Rows]


@dataclass(frozen=True, slots=True)
class Built:
    """A way to find the nearest of some vectors."""

    ask: Ask
    """A unit vector (dim,) -> the numbers of the ``_RESULTS`` nearest, best first."""
    size: float
    """Bytes that it keeps in memory."""


def exact(vectors: Vectors, scratch: Path) -> Built:
    """Every vector, float32."""
    from codesearch.vectors.exact import VectorTable

    table = VectorTable(0, 0, np.arange(len(vectors)), vectors)
    return Built(lambda query: _rows(table.nearest(query, _RESULTS)), vectors.nbytes)


def coded(vectors: Vectors, scratch: Path) -> Built:
    """Codes of every vector, and those that may be nearest again in float32, from a file."""
    from codesearch.vectors.exact import VectorTable
    from codesearch.vectors.graph_file import Origin
    from codesearch.vectors.table_file import read_table, write_table

    origin = Origin("", "", vectors.shape[1])
    write_table(scratch, origin, VectorTable(0, 0, np.arange(len(vectors)), vectors), coded_from=1)
    table = read_table(scratch, origin)
    assert table is not None
    assert table.codes is not None
    size = table.codes.planes.nbytes + table.codes.factors.nbytes
    return Built(lambda query: _rows(table.nearest(query, _RESULTS)), size)


def exact_int8(vectors: Vectors, scratch: Path) -> Built:
    """Every vector, int8, and the best again in float32."""
    codes, scales = _codes(vectors)
    product = _integer_product(codes, scratch / "codes.onnx")

    def ask(query: Vectors) -> Rows:
        asked = _codes(query[None])[0]
        scores = product(asked)[0] * scales
        best = np.argpartition(-scores, _AGAIN)[:_AGAIN]
        return _best(vectors, best, query)

    return Built(ask, codes.nbytes + scales.nbytes)


def tiers(vectors: Vectors, scratch: Path) -> Built:
    """Signs of all in memory, int8 of some and float16 of few in files."""
    from codesearch.vectors.tiers import Tiers, write_tiers

    write_tiers(scratch / "tiers", iter([vectors]), vectors.shape[1])
    found = Tiers(scratch / "tiers", threads=1)
    return Built(lambda query: _rows(found.nearest(query, _RESULTS, coarse=16)), vectors.size / 8)


def hnswlib(vectors: Vectors, scratch: Path) -> Built:
    """The graph of the largest indexes."""
    from codesearch.vectors.graph import Graph

    graph = Graph(vectors.shape[1])
    graph.add(np.arange(len(vectors)), vectors)
    size = float(graph._index.index_file_size())
    return Built(lambda query: _rows(graph.query(query, _RESULTS)), size)


def usearch_exact(vectors: Vectors, scratch: Path) -> Built:
    """usearch's comparison of every vector, int8."""
    from usearch.index import MetricKind, search  # type: ignore[attr-defined]

    codes, _ = _codes(vectors)

    def ask(query: Vectors) -> Rows:
        asked = _codes(query[None])[0]
        found = search(codes, asked, _AGAIN, MetricKind.Cos, exact=True, threads=1)
        return _best(vectors, found.keys.astype(np.int64).ravel(), query)

    return Built(ask, codes.nbytes)


def usearch_graph(vectors: Vectors, scratch: Path) -> Built:
    """usearch's graph over bfloat16."""
    from usearch.index import Index

    index = Index(
        ndim=vectors.shape[1],
        metric="ip",
        dtype="bf16",
        connectivity=16,
        expansion_add=200,
        expansion_search=256,
    )
    index.add(np.arange(len(vectors)), vectors)
    return Built(
        lambda query: index.search(query, _RESULTS, threads=1).keys.astype(np.int64),
        float(index.memory_usage),
    )


WAYS: dict[str, Callable[[Vectors, Path], Built]] = {
    "exact, float32": exact,
    "codes of 3 bits, the likely again": coded,
    "exact, int8, 400 again": exact_int8,
    "tiers, 1,600 and 400 again": tiers,
    "graph, hnswlib": hnswlib,
    "exact, int8, usearch, 400 again": usearch_exact,
    "graph, bfloat16, usearch": usearch_graph,
}


def _rows(found: list[Any]) -> Rows:
    return np.array([row.id for row in found], np.int64)


def _codes(vectors: Vectors) -> tuple[NDArray[np.int8], Vectors]:
    scales = np.abs(vectors).max(axis=1) / 127
    return np.rint(vectors / scales[:, None]).astype(np.int8), scales


def _best(vectors: Vectors, rows: Rows, query: Vectors) -> Rows:
    rows = np.sort(rows)
    return rows[np.argsort(-(vectors[rows] @ query), kind="stable")[:_RESULTS]]


def _integer_product(codes: NDArray[np.int8], file: Path) -> Callable[[NDArray[np.int8]], NDArray[np.int32]]:
    """Products of int8 rows with all of ``codes``, whose layout ONNX Runtime chooses once."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["asked", "codes"], ["products"])],
        "nearest",
        [helper.make_tensor_value_info("asked", TensorProto.INT8, [1, codes.shape[1]])],
        [helper.make_tensor_value_info("products", TensorProto.INT32, [1, len(codes)])],
        [numpy_helper.from_array(np.ascontiguousarray(codes.T), "codes")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), str(file))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return lambda asked: session.run(None, {"asked": asked})[0]


def embedded(folders: list[Path]) -> tuple[Vectors, Vectors]:
    """The vectors of the folders' chunks in random order, and those of questions."""
    from codesearch import open_index
    from codesearch.models.embedder import SHIPPED, Model, encode_query
    from codesearch.storage.store import Store

    random, parts, texts = np.random.default_rng(3), [], []
    for folder in folders:
        with open_index(folder, here=True) as index:
            index.refresh()
            with Store.open(index.directory, root=index.root, read_only=True) as store, store.reading():
                parts.append(store.vectors(after_seq=0).matrix)
                texts += [text.text for _, text in zip(range(400), store.texts(None), strict=False)]
    picked = random.permutation(len(texts))[: _QUESTIONS - len(QUESTIONS)]
    asked = [*QUESTIONS, *(texts[at].split("\n", 1)[0][:200] or "code" for at in picked)]
    model = Model(SHIPPED).load()
    vectors = np.concatenate(parts)
    return vectors[random.permutation(len(vectors))], np.stack([encode_query(model, text) for text in asked])


def measure(vectors: Vectors, questions: Vectors) -> Iterator[dict[str, object]]:
    """Yield a row for each way."""
    right: list[Rows] = []
    for name, build in WAYS.items():
        with tempfile.TemporaryDirectory() as scratch:
            started = time.perf_counter()
            try:
                way = build(vectors, Path(scratch))
            except ImportError:
                continue
            seconds, times, found = time.perf_counter() - started, [], []
            for question in questions:
                begun = time.perf_counter()
                found.append(way.ask(question))
                times.append(time.perf_counter() - begun)
        right = right or found
        yield {
            "way": name,
            "built_s": seconds,
            "mb": way.size / 1e6,
            "ms": 1000 * float(np.median(times)),
            **{f"recall_{k}": _recall(right, found, k) for k in (10, _RESULTS)},
        }


def _recall(right: list[Rows], found: list[Rows], first: int) -> float:
    pairs = zip(right, found, strict=True)
    return float(np.mean([len(np.intersect1d(a[:first], b[:first])) / first for a, b in pairs]))


def main() -> None:
    """Measure and report."""
    parser: argparse.ArgumentParser = program.parser(__doc__)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    options = parser.parse_args()
    real, questions = embedded(options.folder)
    rows: list[dict[str, object]] = []
    print(records.machine_line())
    for size in options.sizes:
        kind = "real" if size <= len(real) else "synthetic"
        random = np.random.default_rng(1)
        vectors, asked = (
            (real[:size], questions)
            if kind == "real"
            else (mixture(random, size), mixture(random, _QUESTIONS))
        )
        found = [{"vectors": size, "kind": kind, **row} for row in measure(vectors, asked)]
        print(f"\n{size:,} {kind} vectors of {DIM} numbers\n\n{_table(found)}", flush=True)
        rows += found
    records.write(options.out, "nearest", {"dim": DIM, "results": _RESULTS}, rows)


def _table(rows: list[dict[str, Any]]) -> str:
    header = ["", "ms", "of the first 10", "of the first 100", "MB in memory", "built in s"]
    cells = [
        [
            row["way"],
            f"{row['ms']:.2f}",
            f"{row['recall_10']:.3f}",
            f"{row[f'recall_{_RESULTS}']:.3f}",
            f"{row['mb']:,.1f}",
            f"{row['built_s']:,.1f}",
        ]
        for row in rows
    ]
    return records.table(header, cells)


if __name__ == "__main__":
    main()
