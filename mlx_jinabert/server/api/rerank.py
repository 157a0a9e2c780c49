"""Reranking as Cohere (POST /v2/rerank) and Jina (POST /v1/rerank) have it: one answer that both read."""

from __future__ import annotations

from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from mlx_jinabert.local.reranker import activate
from mlx_jinabert.server.api import calls
from mlx_jinabert.server.api.bodies import RerankBody, parse
from mlx_jinabert.server.api.endpoint import read_body
from mlx_jinabert.server.json_answer import json_response

__all__ = ["rerank"]


async def rerank(request: Request) -> Response:
    """The documents by relevance, best first. Long ones are cut unless ``truncation`` is false, as there."""
    settings, record = request.app.state.settings, request.scope["record"]
    body = parse(RerankBody, await read_body(request, settings.max_body_bytes))
    documents = [item if isinstance(item, str) else item.text for item in body.documents]
    calls.check_count(len(documents), settings, "documents")
    record.texts = len(documents)
    truncate = body.truncation is not False
    async with calls.reranker(request, body.model) as served:
        shortened = await served.shortened(documents, body.max_tokens_per_doc)
        computed = await calls.score(
            request, served, query=body.query, documents=shortened, truncate=truncate, field="documents"
        )
        logits = computed.values[:, 0]
        scores = activate(logits, served.model.activation)
        name = served.name
    results: list[dict[str, Any]] = [
        {"index": index, "relevance_score": float(scores[index])}
        for index in np.argsort(-logits, kind="stable")[: body.top_n].tolist()
    ]
    if body.return_documents:
        results = [{**row, "document": {"text": documents[row["index"]]}} for row in results]
    return json_response(
        {
            "id": record.id,
            "object": "list",
            "model": name,
            "results": results,
            "usage": {"prompt_tokens": computed.tokens, "total_tokens": computed.tokens},
            "meta": {"api_version": {"version": "2"}},
        }
    )
