"""What fewer bits cost on trained weights, as Markdown: cosine to float32 and retrieval lost.

``python -m scripts.quantisation_table [--pairs N]``. Retrieval: the code of a function of Python's standard
library, among all of them, by the first paragraph of its documentation; NDCG@10. Both sides are in the
precision of the row. Weights: MLX groups of 64 (or 32), ONNX int8 per channel and 4 bits in blocks of 32.
What is packed for MLX is unpacked and computed in float32 by ONNX Runtime: the same weights, and on a CPU ten
times as fast. Vectors: ``precision`` of ``encode``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

import mlx_jinabert
from conversion.convert import Request, convert
from mlx_jinabert import Embedder
from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.vectors.precision import as_precision
from tests.support.running import cosine, minilm
from tests.support.stdlib_functions import Documented, documented_functions

Vectors = NDArray[np.float32]
PAIRS = 400
_CUT = 10
_MAX_LENGTH = 256


@dataclass(frozen=True)
class Encoded:
    queries: Vectors
    documents: Vectors

    def ndcg(self) -> float:
        """With one relevant document a query: 1 / log2(rank + 1), 0 behind the cut; ties share ranks."""
        scores = self.queries.astype(np.float64) @ self.documents.astype(np.float64).T
        own = np.diag(scores)[:, None]
        ahead = (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2
        return float(np.where(ahead < _CUT, 1 / np.log2(ahead + 2), 0).mean())

    def cosines(self, exact: Encoded) -> NDArray[np.float64]:
        return np.concatenate([cosine(self.queries, exact.queries), cosine(self.documents, exact.documents)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    table(parser.parse_args().pairs)


def table(count: int) -> None:
    """Print it, for so many pairs of documentation and code."""
    pairs = documented_functions(count)
    print("| model | kept in | min. cosine | mean cosine | NDCG@10 | lost |")
    print("|---|---|---|---|---|---|")
    for name, folder in (("shipped model", EMBEDDED), ("all-MiniLM-L6-v2", minilm())):
        exact = encoded(_load(folder, "onnx", "float32"), pairs)
        for scheme, found in _schemes(folder, exact, pairs):
            print(row(name, scheme, found, exact), flush=True)


def encoded(model: Embedder, pairs: tuple[Documented, ...]) -> Encoded:
    return Encoded(
        model.encode_query([pair.prose for pair in pairs], truncation="silent"),
        model.encode_document([pair.code for pair in pairs], truncation="silent"),
    )


def row(name: str, scheme: str, found: Encoded, exact: Encoded) -> str:
    cosines, ndcg = found.cosines(exact), found.ndcg()
    cells = (cosines.min(), cosines.mean(), ndcg)
    return f"| {name} | {scheme} | {' | '.join(f'{c:.4f}' for c in cells)} | {exact.ndcg() - ndcg:+.4f} |"


def _schemes(folder: Path, exact: Encoded, pairs: tuple[Documented, ...]) -> Iterator[tuple[str, Encoded]]:
    yield "float32", exact
    for dtype in ("int8", "int4"):
        yield f"weights: ONNX {dtype}", encoded(_load(folder, "onnx", dtype), pairs)
    for bits in (8, 6, 4):
        with TemporaryDirectory() as scratch:
            done = convert(
                Request(
                    "embedded" if folder == EMBEDDED else str(folder),
                    "mlx",
                    Path(scratch) / "out",
                    "float32",
                    bits,
                )
            )
            yield f"weights: MLX int{bits}", encoded(_load(done.out, "onnx", "float32"), pairs)
    yield "vectors: int8", Encoded(*(_int8(vectors) for vectors in (exact.queries, exact.documents)))
    yield "vectors: binary", Encoded(*(_signs(vectors) for vectors in (exact.queries, exact.documents)))
    yield "vectors: binary, float32 queries", Encoded(exact.queries, _signs(exact.documents))


def _load(folder: Path, backend: str, dtype: str) -> Embedder:
    return mlx_jinabert.load(folder, backend=backend, dtype=dtype, max_length=_MAX_LENGTH)


def _int8(vectors: Vectors) -> Vectors:
    return as_precision(vectors, "int8").astype(np.float32)


def _signs(vectors: Vectors) -> Vectors:
    return np.where(vectors > 0, np.float32(1), np.float32(-1))


if __name__ == "__main__":
    main()
