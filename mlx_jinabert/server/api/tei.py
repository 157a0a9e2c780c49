"""text-embeddings-inference's endpoints: /embed, /rerank, /tokenize, /info, /health, /metrics.

Source: huggingface/text-embeddings-inference @0d124dc, docs/openapi.json and router/src/http/server.rs. They
name no model: the first embedding model or reranker of the command line answers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

import mlx_jinabert
from mlx_jinabert.local.reranker import activate
from mlx_jinabert.server.api import calls
from mlx_jinabert.server.api.bodies import EmbedBody, RankBody, TokenizeBody, parse
from mlx_jinabert.server.api.endpoint import read_body
from mlx_jinabert.server.engine.served import ServedEmbedder
from mlx_jinabert.server.errors import ApiError
from mlx_jinabert.server.json_answer import json_response
from mlx_jinabert.server.record import RequestRecord

__all__ = ["embed", "health", "info", "metrics", "rerank", "tokenize"]


async def embed(request: Request) -> Response:
    """A list of vectors, also for one text."""
    settings, record = request.app.state.settings, request.scope["record"]
    body = parse(EmbedBody, await read_body(request, settings.max_body_bytes))
    inputs = calls.as_lists(body.inputs, settings, "inputs")
    record.texts = len(inputs)
    async with calls.embedder(request) as served:
        finish = calls.finisher(served, body.normalize is not False, body.dimensions)
        prompt = calls.prompt(served, body.prompt_name)
        computed = await calls.embed(
            request, served, inputs=inputs, prompt=prompt, truncate=body.truncate, field="inputs"
        )
        vectors = finish(computed.values)
    return json_response(vectors, headers=_times(record))


async def rerank(request: Request) -> Response:
    """Scores between 0 and 1, or logits with ``raw_scores``; the best text first."""
    settings, record = request.app.state.settings, request.scope["record"]
    body = parse(RankBody, await read_body(request, settings.max_body_bytes))
    calls.check_count(len(body.texts), settings, "texts")
    record.texts = len(body.texts)
    truncate = settings.auto_truncate if body.truncate is None else body.truncate
    async with calls.reranker(request) as served:
        computed = await calls.score(
            request, served, query=body.query, documents=body.texts, truncate=truncate, field="texts"
        )
        logits = computed.values[:, 0]
        scores = activate(logits, "identity" if body.raw_scores else served.model.activation)
    ranked: list[dict[str, Any]] = [
        {"index": index, "score": float(scores[index])}
        for index in np.argsort(-logits, kind="stable").tolist()
    ]
    if body.return_text:
        ranked = [{**row, "text": body.texts[row["index"]]} for row in ranked]
    return json_response(ranked, headers=_times(record))


async def tokenize(request: Request) -> Response:
    """The tokens of each text: id, text, whether it is special, and the bytes that it stands for."""
    settings, record = request.app.state.settings, request.scope["record"]
    body = parse(TokenizeBody, await read_body(request, settings.max_body_bytes))
    texts = calls.as_lists(body.inputs, settings, "inputs")
    record.texts = len(texts)
    async with calls.embedder(request) as served:
        prompt = calls.prompt(served, body.prompt_name)
        found = await served.tokens([prompt + str(text) for text in texts], body.add_special_tokens)
    answer = [
        [
            {
                "id": piece.id,
                "text": piece.text,
                "special": piece.is_special,
                "start": None if piece.is_special else piece.start,
                "stop": None if piece.is_special else piece.stop,
            }
            for piece in pieces
        ]
        for pieces in found
    ]
    return json_response(answer)


async def info(request: Request) -> Response:
    """Describe the served model and its limits."""
    settings, pool = request.app.state.settings, request.app.state.pool
    spec = pool.first
    async with pool.use(spec) as served:
        model = served.model
        kind = (
            {"embedding": {"pooling": model.folder.pooling}}
            if isinstance(served, ServedEmbedder)
            else {"reranker": {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}}
        )
        answer = {
            "model_id": spec.name if model.folder.origin == "folder" else model.model_id,
            "model_sha": model.folder.revision,
            "model_dtype": model.dtype,
            "model_type": kind,
            "served_model_name": spec.name,
            "fingerprint": model.fingerprint,
            "backend": model.backend,
            "device": model.device,
            "max_input_length": model.max_length,
            "max_concurrent_requests": settings.max_concurrent_requests,
            "max_batch_tokens": served.scheduler.window_tokens,
            "max_batch_requests": None,
            "max_client_batch_size": settings.max_texts,
            "auto_truncate": settings.auto_truncate,
            "tokenization_workers": settings.tokenization_workers,
            "version": mlx_jinabert.__version__,
            "sha": None,
            "docker_label": None,
        }
    return json_response(answer)


async def health(request: Request) -> Response:
    """200 while the first model answers, else 503."""
    problem = await request.app.state.pool.health()
    if problem is not None:
        raise ApiError(problem, "Unhealthy", 503, 503)
    return json_response({"status": "ok"})


async def metrics(request: Request) -> Response:
    """Prometheus' text format."""
    metrics = request.app.state.metrics
    return PlainTextResponse(metrics.text(), media_type=metrics.content_type)


def _times(record: RequestRecord) -> dict[str, str]:
    """TEI's headers, in milliseconds."""
    return {
        "x-compute-tokens": str(record.tokens),
        "x-total-time": str(round(record.seconds * 1000)),
        "x-queue-time": str(round(record.queue_seconds * 1000)),
        "x-inference-time": str(round(record.compute_seconds * 1000)),
    }
