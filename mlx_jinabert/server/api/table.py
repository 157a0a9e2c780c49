"""All endpoints: path, handler, what it takes and what it answers."""

from __future__ import annotations

from typing import Any

from mlx_jinabert.server.api import openai, rerank, tei
from mlx_jinabert.server.api.bodies import EmbedBody, EmbeddingsBody, RankBody, RerankBody, TokenizeBody
from mlx_jinabert.server.api.endpoint import Endpoint

__all__ = ["ENDPOINTS"]


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT: dict[str, Any] = {"type": "string"}
_WHOLE: dict[str, Any] = {"type": "integer"}
_NUMBER: dict[str, Any] = {"type": "number"}
_PLACE: dict[str, Any] = {"type": ["integer", "null"]}
_USAGE = _object(prompt_tokens=_WHOLE, total_tokens=_WHOLE)
_VECTOR: dict[str, Any] = {"anyOf": [_list(_NUMBER), _TEXT]}
_MODEL = _object(id=_TEXT, object={"const": "model"}, created=_WHOLE, owned_by=_TEXT)
_TOKEN = _object(id=_WHOLE, text=_TEXT, special={"type": "boolean"}, start=_PLACE, stop=_PLACE)

ENDPOINTS = (
    Endpoint(
        ("/v1/embeddings",),
        openai.embeddings,
        "Embed texts (OpenAI)",
        _object(
            object={"const": "list"},
            data=_list(_object(object={"const": "embedding"}, index=_WHOLE, embedding=_VECTOR)),
            model=_TEXT,
            usage=_USAGE,
        ),
        EmbeddingsBody,
        "openai",
    ),
    Endpoint(
        ("/v1/models",),
        openai.models,
        "List the models (OpenAI)",
        _object(object={"const": "list"}, data=_list(_MODEL)),
        dialect="openai",
    ),
    Endpoint(("/v1/models/{model:path}",), openai.model, "One model (OpenAI)", _MODEL, dialect="openai"),
    Endpoint(("/embed", "/"), tei.embed, "Embed texts (TEI)", _list(_list(_NUMBER)), EmbedBody),
    Endpoint(
        ("/rerank",),
        tei.rerank,
        "Score texts for a query (TEI)",
        _list({**_object(index=_WHOLE, score=_NUMBER), "additionalProperties": True}),
        RankBody,
    ),
    Endpoint(("/tokenize",), tei.tokenize, "Tokens of texts (TEI)", _list(_list(_TOKEN)), TokenizeBody),
    Endpoint(
        ("/v2/rerank", "/v1/rerank"),
        rerank.rerank,
        "Score documents for a query (Cohere, Jina)",
        _object(
            id=_TEXT,
            object={"const": "list"},
            model=_TEXT,
            results=_list(_object(index=_WHOLE, relevance_score=_NUMBER)),
            usage=_USAGE,
            meta={"type": "object"},
        ),
        RerankBody,
    ),
    Endpoint(("/info",), tei.info, "What is served (TEI)", {"type": "object"}),
    Endpoint(("/health", "/ping", "/"), tei.health, "Whether the first model answers", {"type": "object"}),
    Endpoint(("/metrics",), tei.metrics, "Prometheus metrics", _TEXT, media_type="text/plain"),
)
