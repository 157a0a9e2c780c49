"""From a checked body to the engine and back: limits, prompts, the caller who leaves, and what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from mlx_jinabert.server.engine.pool import Lease, ModelPool, UnknownModel
from mlx_jinabert.server.engine.scheduler import QueueFull
from mlx_jinabert.server.engine.served import EngineResult, ServedEmbedder, ServedReranker, TextsTooLong
from mlx_jinabert.server.engine.worker import BackendFailed, NotFinite
from mlx_jinabert.server.errors import ApiError, invalid, overloaded, too_large
from mlx_jinabert.server.record import RequestRecord
from mlx_jinabert.server.settings import Settings

__all__ = [
    "ClientGone",
    "as_lists",
    "check_count",
    "embed",
    "embedder",
    "finisher",
    "prompt",
    "reranker",
    "score",
]

T = TypeVar("T")
Inputs = str | list[str] | list[int] | list[list[int]]
Finish = Callable[[NDArray[np.float32]], NDArray[Any]]


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


def _state(request: Request) -> tuple[ModelPool, Settings, RequestRecord]:
    state = request.app.state
    return state.pool, state.settings, request.scope["record"]


def embedder(request: Request, name: str | None = None) -> Lease[ServedEmbedder]:
    """The embedding model of that name, or the first one, for an ``async with``."""
    return _lease(request, name, reranker=False)


def reranker(request: Request, name: str | None = None) -> Lease[ServedReranker]:
    """The reranker of that name, or the first one, for an ``async with``."""
    return _lease(request, name, reranker=True)


def _lease(request: Request, name: str | None, *, reranker: bool) -> Lease[Any]:
    pool, _, record = _state(request)
    try:
        spec = pool.spec(name, reranker=reranker)
    except UnknownModel as error:
        raise ApiError(str(error), "Validation", 404, 404, code="model_not_found", param="model") from error
    record.model = spec.name
    return pool.use(spec)


def as_lists(inputs: Inputs, settings: Settings, field: str) -> list[str] | list[list[int]]:
    """One text or sequence of ids as a list of one; ApiError for none, and for too many."""
    if isinstance(inputs, str):
        return [inputs]
    listed: Any = [inputs] if inputs and isinstance(inputs[0], int) else inputs
    check_count(len(listed), settings, field)
    return cast("list[str] | list[list[int]]", listed)


def check_count(count: int, settings: Settings, field: str) -> None:
    """ApiError for no texts, and for more than one request may hold."""
    if count == 0:
        raise invalid(f"field {field!r} is empty", field)
    if count > settings.max_texts:
        raise too_large(
            f"field {field!r} holds {count} texts; at most {settings.max_texts} in one request", field
        )


async def embed(
    request: Request,
    served: ServedEmbedder,
    *,
    inputs: Sequence[Any],
    prompt: str,
    truncate: bool | None,
    field: str,
) -> EngineResult:
    """Pooled vectors of texts or of token ids."""
    _, settings, record = _state(request)
    cut = settings.auto_truncate if truncate is None else truncate
    if isinstance(inputs[0], str):
        work = served.embed(inputs, prompt, cut)
    else:
        _check_ids(inputs, served.model.tokenizer.vocab_size, field)
        work = served.embed_ids(inputs, cut)
    return await _answer(request, work, record, field)


async def score(
    request: Request,
    served: ServedReranker,
    *,
    query: str,
    documents: Sequence[str],
    truncate: bool,
    field: str,
) -> EngineResult:
    """Logits of documents, (n, 1)."""
    _, _, record = _state(request)
    return await _answer(request, served.score(query, documents, truncate), record, field)


def finisher(served: ServedEmbedder, normalize: bool, dimensions: int | None) -> Finish:
    """``Embedder.finisher``; ApiError for a width that the model hasn't got."""
    try:
        return served.model.finisher(normalize, dimensions)
    except ValueError as error:
        supported = str(error).rpartition("; ")[2]
        raise invalid(f"field 'dimensions' is {dimensions}; {supported}", "dimensions") from error


def prompt(served: ServedEmbedder, name: str | None) -> str:
    """The prompt of that name, or the model's default one; ApiError for a name that it hasn't got."""
    try:
        return served.model.choose_prompt(name)
    except ValueError as error:
        raise invalid(f"field 'prompt_name': {error}", "prompt_name") from error


def _check_ids(sequences: Sequence[Sequence[int]], vocabulary: int, field: str) -> None:
    for position, sequence in enumerate(sequences):
        if not sequence:
            raise invalid(f"field {field!r}: list {position} of token ids is empty", field)
        for found in (min(sequence), max(sequence)):
            if not 0 <= found < vocabulary:
                said = f"list {position} of token ids holds {found}; they are from 0 to {vocabulary - 1}"
                raise invalid(f"field {field!r}: {said}", field)


async def _answer(
    request: Request, work: Awaitable[EngineResult], record: RequestRecord, field: str
) -> EngineResult:
    try:
        computed = await _unless_gone(request, work)
    except TextsTooLong as error:
        raise too_large(
            f"{error}; shorten it, or let it be cut (truncate)", field, "context_length_exceeded"
        ) from error
    except QueueFull as error:
        raise overloaded("too many tokens wait to be computed; try again later", error.retry_after) from error
    except (BackendFailed, NotFinite) as error:
        raise ApiError(f"the model failed: {error}", "Backend", 424, 500, "server_error") from error
    record.note(computed)
    return computed


async def _unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Return the result of ``work``; it is cancelled, and ClientGone raised, when the client disconnects
    before.
    """
    waiting = asyncio.current_task()
    assert waiting is not None
    gone = asyncio.create_task(_disconnect(request))
    gone.add_done_callback(lambda watch: None if watch.cancelled() else waiting.cancel())
    try:
        return await work
    except asyncio.CancelledError:
        if not gone.done():
            raise
        waiting.uncancel()
        raise ClientGone from None
    finally:
        gone.cancel()


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
