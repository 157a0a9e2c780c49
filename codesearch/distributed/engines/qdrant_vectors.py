"""How Qdrant holds the vectors of a collection, and how they are compared."""

from __future__ import annotations

from typing import Any

from qdrant_client import models

from codesearch.distributed.engines.protocol import EngineRecord
from codesearch.distributed.engines.qdrant_terms import CODE, OVERSAMPLING, SHORT, TEXT, Quantization
from codesearch.errors import BadQuery

__all__ = ["checked_stage", "dense_vectors", "rescoring"]


def dense_vectors(record: EngineRecord, quantization: Quantization) -> dict[str, models.VectorParams]:
    """The named vectors of a chunk: of two stages the whole ones lie on disk."""
    found = {CODE: _params(record.dim, quantization, on_disk=bool(record.short_dim))}
    if record.short_dim:
        found[SHORT] = _params(record.short_dim, quantization)
    if record.text:
        found[TEXT] = _params(record.text.dim, quantization)
    return found


def checked_stage(short_dim: int, dim: int) -> int:
    """The width of a first stage, 0 for none. BadQuery where it is no shorter than the vectors."""
    if short_dim >= dim:
        raise BadQuery(f"matryoshka={short_dim} is no shorter than the vectors, which have {dim}")
    return short_dim


def rescoring(quantization: Quantization) -> models.SearchParams | None:
    """Compare quantised vectors first, then the best of them as they are."""
    if quantization == "none":
        return None
    rescore = models.QuantizationSearchParams(rescore=True, oversampling=OVERSAMPLING[quantization])
    return models.SearchParams(quantization=rescore)


def _params(dim: int, quantization: Quantization, *, on_disk: bool = False) -> models.VectorParams:
    return models.VectorParams(
        size=dim,
        distance=models.Distance.COSINE,
        on_disk=on_disk or None,
        quantization_config=_quantization(quantization),
    )


def _quantization(kind: Quantization) -> Any:
    if kind == "int8":
        scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=True)
        return models.ScalarQuantization(scalar=scalar)
    if kind == "binary":
        return models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))
    return None
