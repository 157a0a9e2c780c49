"""Names, numbers and constants that every kind of Qdrant shares: server, local mode, Edge."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal
from uuid import UUID

__all__ = [
    "CODE",
    "NAMES",
    "OVERSAMPLING",
    "RECORD",
    "ROOTS",
    "RRF_K",
    "SHORT",
    "SHORTLIST",
    "TEXT",
    "WORDS",
    "Quantization",
    "numbered",
]

CODE, SHORT, TEXT, WORDS = "code", "code-short", "text", "bm25"
RRF_K = 61
"""Qdrant counts ranks from 0, the paper (Cormack et al., SIGIR 2009) from 1: its 60 is 61 here."""
Quantization = Literal["none", "int8", "binary"]
NAMES, ROOTS = 100_000, 100_000
"""Values of a field that are asked for at a time: names, of which the most frequent, and roots."""
SHORTLIST = 8
"""Candidates of the first stage, by the short vectors, for each result of the second."""
OVERSAMPLING: Mapping[str, float] = {"int8": 2.0, "binary": 4.0}
"""Candidates by quantised vectors for each result, before they are rescored."""


def _point_name(name: str) -> str:
    """Return the id of a point that is no chunk."""
    return str(UUID(bytes=hashlib.blake2b(name.encode(), digest_size=16).digest()))


RECORD = _point_name("codesearch")
"""The point whose payload is the record of the collection."""


def numbered(weights: Mapping[str, float]) -> tuple[list[int], list[float]]:
    """Return the places, ascending, and the weights of a sparse vector.

    Two terms with one number, one pair in some millions, share a weight.
    """
    found: dict[int, float] = {}
    for term, weight in weights.items():
        at = int.from_bytes(hashlib.blake2b(term.encode(), digest_size=4).digest(), "big")
        found[at] = found.get(at, 0.0) + weight
    places = sorted(found)
    return places, [found[at] for at in places]
