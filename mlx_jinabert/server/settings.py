"""Settings that a server is started with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path

from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["DEFAULT_MODEL", "ModelSpec", "Settings"]

DEFAULT_MODEL = "embedded"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model to serve: the name that requests use, and the one that ``load`` or ``load_reranker`` takes."""

    name: str
    source: str
    is_reranker: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """All options of ``mlx-jinabert serve``. Sizes are in bytes, times in seconds unless named otherwise."""

    models: Sequence[ModelSpec] = (ModelSpec(DEFAULT_MODEL, DEFAULT_MODEL),)
    """The first one is loaded at start and stays, the others come when they are asked for."""
    backend: str = "auto"
    dtype: str = "auto"
    host: str = "127.0.0.1"
    port: int = 8080
    api_keys: Sequence[str] = field(default=(), repr=False)
    """Any of them opens the door; without any, nobody needs one."""
    allowed_hosts: Sequence[str] = ()
    """Names beside the loopback's that the Host header may have; "*" for all."""
    allowed_origins: Sequence[str] = ()
    """Origins of web pages that may send requests, such as "https://tools.example"; "*" for all."""
    auto_truncate: bool = False
    """Whether texts that are too long are cut where the request does not say."""
    max_concurrent_requests: int = 512
    max_texts: int = 2048
    """In one request."""
    max_body_bytes: int = 16 << 20
    max_queue_tokens: int = 500_000
    """Tokens of one model that wait; more are answered with 429."""
    window_tokens: int | None = None
    """Tokens that are batched together; None: what suits the device."""
    max_delay_ms: float = 5.0
    """The longest that a batch waits for company: until all callers of the last moments have asked again."""
    tokenization_workers: int = min(4, os.cpu_count() or 1)
    cache_bytes: int = 64 << 20
    """Of the vectors kept in memory; 0 for none."""
    cache_file: Path | None = None
    cache_file_bytes: int = 1 << 30
    unload_after: float = 900.0
    """Seconds after which a model that nobody asks is let go; 0 for never."""
    drain_seconds: int = 30
    """How long requests that are being answered may take after SIGTERM."""

    @property
    def caches(self) -> bool:
        """Whether any vectors are kept."""
        return self.cache_bytes > 0 or self.cache_file is not None
