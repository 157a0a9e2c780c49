"""The models by name: loaded when first asked for, let go when nobody asks any more."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import field
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar, cast

from mlx_jinabert.errors import JinabertError
from mlx_jinabert.loading.embedding import load_local
from mlx_jinabert.loading.scoring import load_reranker
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.server.engine.cache import CacheLevel, MemoryCache, TwoLevels
from mlx_jinabert.server.engine.disk_cache import DiskCache
from mlx_jinabert.server.engine.served import ServedEmbedder, ServedReranker
from mlx_jinabert.server.engine.worker import Observer
from mlx_jinabert.server.settings import ModelSpec, Settings

__all__ = ["Lease", "ModelPool", "NotLoaded", "PoolObserver", "Served", "UnknownModel"]

_log = logging.getLogger("mlx_jinabert.server")

Served = ServedEmbedder | ServedReranker
S = TypeVar("S", bound=Served)
_RETRY_SECONDS = 30.0
"""How long a model that could not be loaded is not tried again."""
_WARM_UP_TOKENS = 256
_LOOKS_A_LIFE = 4
"""How often within ``unload_after`` it is looked for idle models."""


class UnknownModel(Exception):
    """The server has no model of that name, or of that kind."""


class NotLoaded(Exception):
    """A model cannot be loaded; the message says why."""


class PoolObserver(Protocol):
    """Is told which models are there, and watches them work."""

    def for_model(self, name: str) -> Observer:
        """The observer of one model's batches."""

    def loaded(self, name: str, served: Served, seconds: float) -> None:
        """A model was loaded."""

    def unloaded(self, name: str) -> None:
        """A model was let go."""


@dataclass(slots=True)
class _Slot:
    """One model: what it is, and what is there of it."""

    spec: ModelSpec
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    served: Served | None = None
    users: int = 0
    used_at: float = 0.0
    error: str | None = None
    failed_at: float = 0.0


class Lease(Generic[S]):
    """A loaded model for the length of an ``async with``: it stays while it is used."""

    __slots__ = ("_ensure", "_slot")

    def __init__(self, slot: _Slot, ensure: Callable[[_Slot], Awaitable[None]]) -> None:
        self._slot = slot
        self._ensure = ensure

    async def __aenter__(self) -> S:
        """The model; NotLoaded where it cannot be loaded."""
        slot = self._slot
        slot.users += 1
        if slot.served is None:
            try:
                async with slot.lock:
                    await self._ensure(slot)
            except BaseException:
                slot.users -= 1
                raise
        return cast(S, slot.served)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slot.users -= 1
        self._slot.used_at = time.monotonic()


class ModelPool:
    """All models of a server. Everything here runs on the event loop; loading happens in a thread."""

    def __init__(self, settings: Settings, observer: PoolObserver) -> None:
        self._settings = settings
        self._observer = observer
        self._slots = {spec.name: _Slot(spec) for spec in settings.models}
        self._first = next(iter(self._slots))
        self._sweeper: asyncio.Task[None] | None = None
        self.cache = _open_cache(settings)

    @property
    def names(self) -> Sequence[str]:
        """Names that requests can ask for, in the order of the command line."""
        return list(self._slots)

    @property
    def first(self) -> ModelSpec:
        """The one that is loaded at start."""
        return self._slots[self._first].spec

    @property
    def problem(self) -> str | None:
        """Why the first model does not answer, as far as is known without asking it; None if it does."""
        slot = self._slots[self._first]
        if slot.served is None:
            return slot.error or f"model {slot.spec.name!r} is being loaded"
        failure = slot.served.failure
        return f"model {slot.spec.name!r}: {failure}" if failure else None

    def spec(self, name: str | None, *, reranker: bool) -> ModelSpec:
        """The model of that name, or the first of that kind. UnknownModel if there is none."""
        kind = "reranker" if reranker else "embedding model"
        matching = [slot.spec for slot in self._slots.values() if slot.spec.is_reranker == reranker]
        if name is None and matching:
            return matching[0]
        for spec in matching:
            if spec.name == name:
                return spec
        known = ", ".join(spec.name for spec in matching) or "none"
        named = f"no {kind} named {name!r} is served" if name is not None else f"no {kind} is served"
        raise UnknownModel(f"{named}; there is: {known}; to serve another: mlx-jinabert serve --model NAME")

    def loaded(self) -> dict[str, Served]:
        """The models that are in memory."""
        return {name: slot.served for name, slot in self._slots.items() if slot.served is not None}

    async def start(self) -> None:
        """Load the first model; NotLoaded where that fails."""
        async with self.use(self._slots[self._first].spec):
            pass
        if self._settings.unload_after > 0:
            self._sweeper = asyncio.create_task(self._sweep())

    async def health(self) -> str | None:
        """``problem``, after one more try where the last batch failed."""
        served = self._slots[self._first].served
        if served is not None:
            await served.retry()
        return self.problem

    def use(self, spec: ModelSpec) -> Lease[Any]:
        """The loaded model, for an ``async with``."""
        return Lease(self._slots[spec.name], self._ensure)

    async def close(self) -> None:
        """Let all models go, once what waits is computed."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
        for slot in self._slots.values():
            await self._unload(slot)
        self.cache.close()

    async def unload_idle(self) -> None:
        """Let go of what nobody asked for lately. The first model stays."""
        now = time.monotonic()
        for name, slot in self._slots.items():
            idle = slot.users == 0 and now - slot.used_at >= self._settings.unload_after
            if name != self._first and idle and not slot.lock.locked():
                await self._unload(slot)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._settings.unload_after / _LOOKS_A_LIFE)
            await self.unload_idle()

    async def _ensure(self, slot: _Slot) -> None:
        if slot.served is not None:  # somebody else was first
            return
        if slot.error is not None and time.monotonic() - slot.failed_at < _RETRY_SECONDS:
            raise NotLoaded(slot.error)
        begun = time.monotonic()
        try:
            slot.served = await asyncio.to_thread(self._load, slot.spec)
        except (JinabertError, OSError, ValueError) as error:
            slot.error, slot.failed_at = f"model {slot.spec.name!r} cannot be loaded: {error}", begun
            _log.error("%s", slot.error)
            raise NotLoaded(slot.error) from error
        slot.error = None
        self._observer.loaded(slot.spec.name, slot.served, time.monotonic() - begun)

    def _load(self, spec: ModelSpec) -> Served:
        """Open the model and let it compute once, so that the first request doesn't pay for it."""
        settings, observer = self._settings, self._observer.for_model(spec.name)
        if spec.is_reranker:
            reranker = load_reranker(spec.source, backend=settings.backend, dtype=settings.dtype)
            reranker.predict([("warm", "up")] * 2)
            return ServedReranker(reranker, spec.name, settings, observer)
        embedder = load_local(spec.source, backend=settings.backend, dtype=settings.dtype)
        embedder.encode(["warm up", "warm " * min(_WARM_UP_TOKENS, embedder.max_length)], truncation="silent")
        return ServedEmbedder(embedder, spec.name, settings, observer, self.cache)

    async def _unload(self, slot: _Slot) -> None:
        served, slot.served = slot.served, None
        if served is not None:
            await asyncio.to_thread(served.close)
            self._observer.unloaded(slot.spec.name)


def _open_cache(settings: Settings) -> CacheLevel:
    memory = MemoryCache(settings.cache_bytes)
    if settings.cache_file is None:
        return memory
    return TwoLevels(memory, DiskCache(settings.cache_file, settings.cache_file_bytes))
