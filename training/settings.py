"""What a run is made with: one frozen record, kept beside its checkpoints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["LOOSE_KINDS", "SHARES", "Settings"]

SHARES: Mapping[str, float] = {
    "doc": 1.4,
    "question": 1.0,
    "topic": 1.0,
    "file": 0.5,
    "comment": 0.5,
    "commit": 0.4,
    "code": 0.2,
    "long": 0.5,
    "message": 0.25,
    "foreign": 0.7,
}
"""Kind of pair -> share of a batch."""
LOOSE_KINDS = frozenset({"topic", "file", "commit"})
"""Kinds whose query is about a file as much as about one place in it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One stage of training. Lengths in tokens, ``batch`` and ``block`` in pairs.

    The rate falls as the stage goes on: by its steps, or by the clock where ``seconds`` is given and passes
    sooner.
    """

    steps: int
    batch: int
    rate: float
    seconds: float | None = None
    layers: int = 3
    feed_forward: int = 320
    block: int = 64
    longest_text: int = 192
    longest_query: int = 64
    warm_up: int = 200
    table_rate: float = 1.0
    """Learning rate of the word vectors, as a factor of ``rate``."""
    temperature: float = 0.04
    distil: float = 1.0
    """Weight of the relational loss."""
    distil_temperature: float = 0.05
    join: float = 0.1
    """Share of pairs whose query is joined with another one of the same chunk."""
    unshare: float = 0.12
    """Share of pairs whose text loses the words of the query, and of those whose query loses the text's."""
    mine_at: tuple[float, ...] = (0.25, 0.6)
    """Parts of the stage after which hard negatives are mined anew; none are used before the first."""
    average: float = 0.998
    """Of the exponential moving average of the weights, a step."""
    seed: int = 1
    shares: Mapping[str, float] = field(default_factory=lambda: dict(SHARES))

    def changed(self, changes: Mapping[str, object]) -> Settings:
        """The same with these fields changed, by name, as JSON gives them."""
        return Settings(**asdict(self) | dict(changes))

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Settings:
        """What ``write`` wrote."""
        row = json.loads(path.read_text(encoding="utf-8"))
        return cls(**row | {"mine_at": tuple(row["mine_at"])})
