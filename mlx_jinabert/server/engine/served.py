"""One loaded model with its queue: texts or token ids in, pooled vectors or logits out."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

import numpy as np

from mlx_jinabert.local.embedder import LocalEmbedder
from mlx_jinabert.local.reranker import Reranker
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.server.engine.cache import CacheEntry, CacheLevel, text_key
from mlx_jinabert.server.engine.scheduler import Job, QueueFull, Scheduler, Values
from mlx_jinabert.server.engine.worker import BackendFailed, NotFinite, Observer, Outcome, Worker
from mlx_jinabert.server.settings import Settings
from mlx_jinabert.text.pairs import Pair, TokenizedPairs
from mlx_jinabert.text.tokenizer import Ids, Piece, TokenizedTexts

__all__ = ["EngineResult", "ServedEmbedder", "ServedReranker", "TextsTooLong"]

M = TypeVar("M", bound=LocalEmbedder | Reranker)
T = TypeVar("T")

_INLINE_CHARACTERS = 2_000
"""So few are tokenised where they arrive: handing them to a thread would cost more."""
_CPU_WINDOW_TOKENS = 8_192
_GPU_WINDOW_TOKENS = 32_768
"""Tokens that are sorted and batched together: a window is what a newcomer waits for."""
_STUCK_SECONDS = 120.0
"""A window that takes longer is taken for one that will never end."""
_PROBE_SECONDS = 10.0


class TextsTooLong(Exception):
    """Some texts have more tokens than the model takes: (position, tokens) of the first one."""

    def __init__(self, position: int, tokens: int, max_length: int) -> None:
        self.position = position
        self.tokens = tokens
        self.max_length = max_length
        super().__init__(f"text {position} has {tokens} tokens; this model takes at most {max_length}")


@dataclass(frozen=True, slots=True)
class EngineResult:
    """Results of a request: (n, width) float32 in its order, and what is told about how it went."""

    values: Values
    lengths: Sequence[int]
    """Tokens of each text before any cut."""
    cut: int
    """Texts that were cut."""
    cached: int
    """Texts whose result was known."""
    queue_seconds: float
    compute_seconds: float

    @property
    def tokens(self) -> int:
        """Return the tokens that were asked for, cut texts counted in full."""
        return sum(self.lengths)


class _Served(Generic[M]):
    """Base of both kinds of model: a tokeniser's threads, the queue, the thread that computes."""

    def __init__(self, model: M, name: str, settings: Settings, observer: Observer) -> None:
        self.model = model
        self.name = name
        window = settings.window_tokens or (
            _CPU_WINDOW_TOKENS if "cpu" in model.device.lower() else _GPU_WINDOW_TOKENS
        )
        self.scheduler = Scheduler(window, settings.max_delay_ms / 1000, settings.max_queue_tokens)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[Job, asyncio.Future[Values]] = {}
        self._worker = Worker(self.scheduler, self._compute, self._deliver, observer, name)
        self._threads = ThreadPoolExecutor(settings.tokenization_workers, f"mlx-jinabert-{name}-tokens")

    @property
    def failure(self) -> str | None:
        """Why the model should not be asked; None where it works."""
        if not self._worker.is_alive:
            return "its thread has ended"
        if self._worker.busy_seconds > _STUCK_SECONDS:
            return f"a batch takes {self._worker.busy_seconds:.0f} s"
        return f"the last batch failed: {self._worker.failure}" if self._worker.failure else None

    async def retry(self) -> None:
        """Compute one text where the last batch failed: ``failure`` then says whether that is over."""
        if self._worker.failure is not None and self._worker.is_alive:
            with suppress(BackendFailed, NotFinite, QueueFull, TimeoutError):
                await asyncio.wait_for(self._run(Job(*self._probe())), _PROBE_SECONDS)

    def close(self) -> None:
        """Answer what waits, then let the model go."""
        self.scheduler.close()
        self._worker.join(_STUCK_SECONDS)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _compute(self, ids: Sequence[Ids], types: Sequence[Ids]) -> Values:
        raise NotImplementedError

    def _probe(self) -> tuple[list[Ids], list[Ids] | None]:
        raise NotImplementedError

    async def _tokenised(self, work: Callable[[], T], characters: int) -> T:
        if characters <= _INLINE_CHARACTERS:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _run(self, job: Job) -> Values:
        """The rows of a job, (n, width); QueueFull, BackendFailed, NotFinite."""
        self._loop = asyncio.get_running_loop()
        self._waiting[job] = done = self._loop.create_future()
        try:
            self.scheduler.add(job)
            values: Values = await done
            return values
        except asyncio.CancelledError:
            self.scheduler.cancel(job)
            raise
        finally:
            self._waiting.pop(job, None)

    def _deliver(self, outcomes: Sequence[Outcome]) -> None:
        """Hand outcomes to the event loop; called in the worker's thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._settle, outcomes)

    def _settle(self, outcomes: Sequence[Outcome]) -> None:
        for job, outcome in outcomes:
            waiting = self._waiting.get(job)
            if waiting is None or waiting.done():  # its caller has left
                continue
            if isinstance(outcome, Exception):
                waiting.set_exception(outcome)
            else:
                waiting.set_result(outcome)

    def _check_lengths(self, lengths: Sequence[int], truncate: bool) -> int:
        limit = self.model.max_length
        over = [position for position, length in enumerate(lengths) if length > limit]
        if over and not truncate:
            raise TextsTooLong(over[0], lengths[over[0]], limit)
        return len(over)


class ServedEmbedder(_Served[LocalEmbedder]):
    """An embedding model; its results are pooled vectors, for ``Embedder.finisher``."""

    def __init__(
        self, model: LocalEmbedder, name: str, settings: Settings, observer: Observer, cache: CacheLevel
    ) -> None:
        self._cache = cache
        identity = f"{model.fingerprint} {model.backend} {model.device} {model.dtype} {model.max_length}"
        self._identity = hashlib.sha256(identity.encode()).digest()
        self._uses_cache = settings.caches
        super().__init__(model, name, settings, observer)

    async def embed(self, texts: Sequence[str], prompt: str, truncate: bool) -> EngineResult:
        """Pooled vectors of texts, the prompt before each. TextsTooLong unless ``truncate``; QueueFull."""
        prefixed = [prompt + text for text in texts] if prompt else list(texts)
        keys = [text_key(self._identity, text) for text in prefixed] if self._uses_cache else []
        known = self._cache.get(keys) if keys else {}
        if not known:
            return await self._embed_unknown(prefixed, keys, truncate)
        missing = [position for position, key in enumerate(keys) if key not in known]
        lengths = [known[key].tokens if key in known else 0 for key in keys]
        self._check_lengths(lengths, truncate)
        values = np.empty((len(texts), known[next(iter(known))].vector.size), np.float32)
        for position, key in enumerate(keys):
            if key in known:
                values[position] = known[key].vector
        queue = compute = 0.0
        if missing:
            part = await self._embed_unknown(
                [prefixed[position] for position in missing],
                [keys[position] for position in missing],
                truncate,
                missing,
            )
            values[missing] = part.values
            for position, length in zip(missing, part.lengths, strict=True):
                lengths[position] = length
            queue, compute = part.queue_seconds, part.compute_seconds
        cut = self._check_lengths(lengths, truncate=True)
        return EngineResult(values, lengths, cut, len(texts) - len(missing), queue, compute)

    async def embed_ids(self, sequences: Sequence[Sequence[int]], truncate: bool) -> EngineResult:
        """Pooled vectors of token ids as they are: special tokens included, no prompt."""
        limit = self.model.max_length
        lengths = [len(sequence) for sequence in sequences]
        cut = self._check_lengths(lengths, truncate)
        return await self._computed([np.asarray(s[:limit], np.int32) for s in sequences], lengths, cut)

    async def tokens(self, texts: Sequence[str], add_special_tokens: bool) -> list[list[Piece]]:
        """The tokens of each text, uncut."""
        tokenizer = self.model.tokenizer
        return await self._tokenised(
            lambda: [tokenizer.pieces(text, add_special_tokens) for text in texts], sum(map(len, texts))
        )

    async def _embed_unknown(
        self, texts: Sequence[str], keys: Sequence[bytes], truncate: bool, named: Sequence[int] = ()
    ) -> EngineResult:
        """``named``: what an error calls each text; by default its position."""
        tokens: TokenizedTexts = await self._tokenised(
            lambda: self.model.tokenizer.encode(texts), sum(map(len, texts))
        )
        try:
            cut = self._check_lengths(tokens.lengths, truncate)
        except TextsTooLong as error:
            if not named:
                raise
            raise TextsTooLong(named[error.position], error.tokens, error.max_length) from None
        computed = await self._computed(tokens.ids, tokens.lengths, cut)
        if keys:
            found = {
                key: CacheEntry(length, row.copy())  # a view would keep the whole batch
                for key, length, row in zip(keys, tokens.lengths, computed.values, strict=True)
            }
            self._cache.put(found)
        return computed

    async def _computed(self, ids: Sequence[Ids], lengths: Sequence[int], cut: int) -> EngineResult:
        job = Job(ids)
        values = await self._run(job)
        return EngineResult(values, lengths, cut, 0, job.started_at - job.queued_at, _since(job))

    def _compute(self, ids: Sequence[Ids], types: Sequence[Ids]) -> Values:
        return self.model.pool(ids)

    def _probe(self) -> tuple[list[Ids], list[Ids] | None]:
        return [*self.model.tokenizer.encode(["x"]).ids], None


class ServedReranker(_Served[Reranker]):
    """A cross-encoder; its results are logits, (n, 1)."""

    async def score(self, query: str, documents: Sequence[str], truncate: bool) -> EngineResult:
        """Logits of the query with each document. TextsTooLong unless ``truncate``; QueueFull."""
        pairs: list[Pair] = [(query, document) for document in documents]
        characters = len(query) * len(documents) + sum(map(len, documents))
        tokens: TokenizedPairs = await self._tokenised(
            lambda: self.model.tokenizer.encode_pairs(pairs), characters
        )
        cut = self._check_lengths(tokens.lengths, truncate)
        job = Job(tokens.ids, tokens.types)
        values = await self._run(job)
        return EngineResult(values, tokens.lengths, cut, 0, job.started_at - job.queued_at, _since(job))

    async def shortened(self, documents: Sequence[str], tokens: int | None) -> Sequence[str]:
        """The documents, each cut after so many tokens of its own."""
        if tokens is None:
            return documents
        tokenizer = self.model.tokenizer
        return await self._tokenised(
            lambda: [tokenizer.shorten(text, tokens) for text in documents], sum(map(len, documents))
        )

    def _compute(self, ids: Sequence[Ids], types: Sequence[Ids]) -> Values:
        return self.model.logits(ids, types)[:, None]

    def _probe(self) -> tuple[list[Ids], list[Ids] | None]:
        tokens = self.model.tokenizer.encode_pairs([("x", "x")])
        return [*tokens.ids], [*tokens.types]


def _since(job: Job) -> float:
    return time.monotonic() - job.started_at
