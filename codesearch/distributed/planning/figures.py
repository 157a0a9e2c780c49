"""The measured figures that plans are based on: ``figures.toml`` beside this file.

``python -m scripts.planning_figures`` writes it from the records under benches/results.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from codesearch.quick_dataclass import dataclass

__all__ = ["EngineFigures", "Figures", "IndexFigures", "Machine", "SourceFigures", "figures"]


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that everything was measured on."""

    cpu: str
    cores: int
    os: str
    python: str
    day: str


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """Code, and what it costs to cut and embed it with the shipped model."""

    lines_per_chunk: float
    bytes_per_chunk: float
    cpu_ms_per_chunk: float
    """Reading, parsing, storing and embedding, all processes together."""


@dataclass(frozen=True, slots=True)
class IndexFigures:
    """The embedded index: one process, one machine."""

    bytes_per_chunk: float
    memory_bytes: float
    memory_bytes_per_chunk: float
    """Of the process that builds and asks; the graph is in it from 200,000 vectors of 256 numbers on."""
    search_ms: float
    search_ms_per_million: float
    largest: int
    """Chunks of the largest index that was measured."""


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """One shard of Qdrant with one kind of quantisation; ``dim`` numbers a vector."""

    dim: int
    bytes_per_chunk: float
    memory_bytes: float
    memory_bytes_per_chunk: float
    cpu_ms_per_chunk: float
    """Writing a chunk and building the graph over it."""
    near_cpu_ms: float
    near_cpu_ms_per_doubling: float
    words_cpu_ms: float
    words_cpu_ms_per_million: float
    client_ms: float
    """What the client adds to both: the texts of the candidates, and our ranking."""
    tail: float
    """The 99th percentile of a question's time over its median."""
    recall_at_10: float
    largest: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that was measured."""

    machine: Machine
    source: SourceFigures
    index: IndexFigures
    engine: Mapping[str, EngineFigures]


@cache
def figures() -> Figures:
    """Return the figures that this version was released with."""
    text = (Path(__file__).parent / "figures.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)
    return Figures(
        Machine(**found["machine"]),
        SourceFigures(**found["source"]),
        IndexFigures(**found["index"]),
        {kind: EngineFigures(**values) for kind, values in found["engine"].items()},
    )
