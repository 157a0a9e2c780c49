"""What a run is made with: one frozen record, kept beside its checkpoints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["LOOSE_KINDS", "SHARES", "Settings"]

SHARES: Mapping[str, float] = {
    "doc": 1.0,
    "question": 1.0,
    "topic": 1.0,
    "file": 0.6,
    "comment": 0.5,
    "commit": 0.4,
    "code": 0.2,
}
"""Kind of pair -> share of a batch."""
LOOSE_KINDS = frozenset({"topic", "file", "commit"})
"""Kinds whose query is about a file as much as about one place in it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One stage of training. Lengths in tokens, ``batch`` and ``block`` in pairs."""

    steps: int
    batch: int
    rate: float
    layers: int = 2
    feed_forward: int = 384
    block: int = 32
    longest_text: int = 160
    warm_up: int = 200
    table_rate: float = 1.0
    """Learning rate of the word vectors, as a factor of ``rate``."""
    temperature: float = 0.05
    distil: float = 1.0
    """Weight of the relational loss."""
    distil_temperature: float = 0.05
    seed: int = 1
    shares: Mapping[str, float] = field(default_factory=lambda: dict(SHARES))

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Settings:
        """What ``write`` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))
