"""The log record of one request: numbers and names, never a text."""

from __future__ import annotations

import time
from dataclasses import field
from typing import Protocol

from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["RequestFigures", "RequestRecord"]


class RequestFigures(Protocol):
    """Figures of the engine about a request."""

    @property
    def tokens(self) -> int:
        """Asked for."""

    @property
    def cut(self) -> int:
        """Texts."""

    @property
    def cached(self) -> int:
        """Texts."""

    @property
    def queue_seconds(self) -> float:
        """From queued to taken."""

    @property
    def compute_seconds(self) -> float:
        """From taken to computed."""


@dataclass(slots=True)
class RequestRecord:
    """Filled while the request is answered; logged and counted at its end."""

    id: str
    stated_bytes: int = 0
    """Of the body, as its header says; 0 where it says nothing."""
    begun: float = field(default_factory=time.monotonic)
    model: str = ""
    texts: int = 0
    tokens: int = 0
    cut: int = 0
    cached: int = 0
    queue_seconds: float = 0.0
    compute_seconds: float = 0.0
    error: str = ""

    @property
    def seconds(self) -> float:
        """Since the request came."""
        return time.monotonic() - self.begun

    def note(self, computed: RequestFigures) -> None:
        """Keep what the engine did."""
        self.tokens += computed.tokens
        self.cut += computed.cut
        self.cached += computed.cached
        self.queue_seconds += computed.queue_seconds
        self.compute_seconds += computed.compute_seconds
