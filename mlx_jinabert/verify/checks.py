"""Checks that every model has to pass on every device, as functions over a loaded embedder.

Each returns a ``Check``; none raises for a wrong number. Tolerances depend on the type computed in and
live in ``LIMITS`` alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.local.embedder import LocalEmbedder
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.text.batching import bucket
from mlx_jinabert.verify.published import check_vectors

__all__ = ["LIMITS", "Check", "Limit", "Speed", "golden", "invariants", "published", "throughput"]

_TEXTS = (
    "",
    "x",
    "def add(a, b):\n    return a + b\n",
    "How are retries decided when the connection drops?",
    "naïve café, 你好，世界, こんにちは, здравствуйте, שלום",
    "🧑‍💻 ships 🚀 on Friday 🎉",
    "tabs\tand\r\nnewlines\x00\x07\x1b[0m and other control characters",
    "func (s *Server) Serve(l net.Listener) error {\n\tdefer l.Close()\n}",
)
_LONGEST_EDGE = 256
"""Bucket edges are tried up to this length; beyond it a slow CPU would need minutes."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How far two vectors of the same text may be apart: largest component difference, least cosine."""

    difference: float
    cosine: float


LIMITS: Mapping[str, Limit] = {
    "float32": Limit(2e-5, 0.99999),
    "float16": Limit(1e-2, 0.9999),
    "bfloat16": Limit(5e-2, 0.999),
    "int8": Limit(1e-1, 0.995),
    "int4": Limit(5e-1, 0.9),
}
"""By the type computed in. The last two hold within one model; against float32 the cosine counts."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked."""

    name: str
    passed: bool
    difference: float
    """Largest difference of a component of two unit vectors that should be equal; NaN if not measured."""
    cosine: float
    """Least cosine of two vectors that should be equal; NaN if not measured."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Speed:
    """Throughput of ``encode`` on texts of about 128 tokens, tokenising included."""

    texts_per_second: float
    tokens_per_second: float


def invariants(model: LocalEmbedder) -> list[Check]:
    """A vector depends on its text alone: not on neighbours, order, padding or batch size."""
    texts = [*_TEXTS, *_edge_texts(model.max_length), _words(2 * model.max_length)]
    single = np.stack([model.encode(text, truncation="silent") for text in texts])
    together = model.encode(texts, truncation="silent")
    order = np.random.RandomState(0).permutation(len(texts))
    shuffled = np.empty_like(together)
    shuffled[order] = model.encode([texts[i] for i in order], truncation="silent")
    packed = model.encode(texts, truncation="silent", max_batch_tokens=16 * model.max_length)
    equal = model.encode([texts[2]] * 5)
    norms = np.linalg.norm(together, axis=1)
    return [
        _compare("single = batch", model, single, together),
        _compare("order does not matter", model, together, shuffled),
        _compare("padding does not matter", model, single, packed),
        _compare("equal lengths", model, np.stack([single[2]] * 5), equal),
        Check("unit length", bool(np.abs(norms - 1).max() < 1e-5), float(np.abs(norms - 1).max()), np.nan),
        Check("nothing in, nothing out", model.encode([]).shape == (0, model.dim), np.nan, np.nan),
    ]


def golden(model: LocalEmbedder) -> list[Check]:
    """The shipped model against vectors that an independent float32 implementation wrote."""
    if model.model_id != "embedded":
        return []
    record = json.loads((EMBEDDED / "golden.json").read_text(encoding="utf-8"))
    want = np.array(record["vectors"], dtype=np.float32)[:, : model.dim]
    want /= np.linalg.norm(want, axis=1, keepdims=True)
    return [_compare("golden vectors", model, want, model.encode(record["texts"], truncation="silent"))]


def published(model: LocalEmbedder) -> list[Check]:
    """A catalogued checkpoint against what others published for it."""
    checks = []
    for vector in check_vectors(model.folder):
        cosine = vector.cosine(model.encode(vector.text, prompt=""))
        floor = min(LIMITS[model.dtype].cosine, 0.9999)
        detail = f"{len(vector.values)} components of {vector.source.partition(' (')[0]}"
        checks.append(Check(f"published: {vector.text}", cosine >= floor, np.nan, cosine, detail))
    return checks


def throughput(model: LocalEmbedder, seconds: float = 3.0) -> Speed:
    """Rounds of 64 texts until ``seconds`` are over; a first round, which compiles, is not counted."""
    texts = [_words(126, start) for start in range(64)]
    tokens = sum(model.count_tokens(texts))
    model.encode(texts, truncation="silent")
    rounds, begin = 0, time.perf_counter()
    while rounds == 0 or time.perf_counter() - begin < seconds:
        model.encode(texts, truncation="silent")
        rounds += 1
    elapsed = time.perf_counter() - begin
    return Speed(rounds * len(texts) / elapsed, rounds * tokens / elapsed)


def _compare(name: str, model: LocalEmbedder, left: NDArray[np.float32], right: NDArray[np.float32]) -> Check:
    difference = float(np.abs(left - right).max())
    cosine = float((left * right).sum(axis=1).min())
    limit = LIMITS[model.dtype]
    quantised = model.dtype in ("int8", "int4")
    passed = cosine >= limit.cosine if quantised else difference <= limit.difference
    return Check(name, passed, difference, cosine)


def _edge_texts(max_length: int) -> Sequence[str]:
    """Texts whose lengths lie on, under and over every bucket edge and multiple of 32."""
    top = min(max_length, _LONGEST_EDGE)
    edges = {bucket(length, top) for length in range(1, top + 1)} | set(range(32, top + 1, 32))
    lengths = sorted({length + d for length in edges for d in (-1, 0, 1) if 3 <= length + d <= top})
    return [_words(length - 2) for length in lengths]


def _words(count: int, start: int = 0) -> str:
    """``count`` short words, one token each in the usual vocabularies."""
    letters = "abcdeinosx"
    return " ".join(letters[(start + 7 * i + i // 10) % len(letters)] for i in range(count))
