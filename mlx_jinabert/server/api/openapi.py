"""The OpenAPI document of the server, made from its endpoints and the models of their bodies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

import mlx_jinabert
from mlx_jinabert.server.api.endpoint import Endpoint

__all__ = ["document"]

_REF = "#/components/schemas/{model}"
_NEEDS = {
    "400": "malformed or over a limit",
    "401": "no valid API key",
    "403": "the Origin may not ask",
    "404": "no such model",
    "413": "too large, or too long for the model",
    "421": "the Host is not served",
    "422": "malformed",
    "424": "the model failed",
    "429": "too much waits; see Retry-After",
    "500": "internal error",
    "503": "the model cannot be loaded",
}
_TEI_ERROR = {
    "type": "object",
    "required": ["error", "error_type"],
    "properties": {"error": {"type": "string"}, "error_type": {"type": "string"}},
}
_OPENAI_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """OpenAPI 3.1."""
    bodies = [(endpoint.body, "validation") for endpoint in endpoints if endpoint.body is not None]
    _, schemas = models_json_schema(bodies, ref_template=_REF)  # type: ignore[arg-type]
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        for path in endpoint.paths:
            paths.setdefault(path.replace(":path}", "}"), {})[endpoint.method.lower()] = _operation(endpoint)
    errors = {"TeiError": _TEI_ERROR, "OpenAiError": _OPENAI_ERROR}
    return {
        "openapi": "3.1.0",
        "info": {"title": "mlx-jinabert serve", "version": mlx_jinabert.__version__},
        "paths": paths,
        "components": {
            "schemas": {**schemas.get("$defs", {}), **errors},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    error = "OpenAiError" if endpoint.dialect == "openai" else "TeiError"
    refused = {"application/json": {"schema": {"$ref": _REF.format(model=error)}}}
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "responses": {
            "200": {"description": "success", "content": {endpoint.media_type: {"schema": endpoint.answer}}},
            **{status: {"description": why, "content": refused} for status, why in _NEEDS.items()},
        },
    }
    if endpoint.body is not None:
        schema = {"$ref": _REF.format(model=endpoint.body.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    names = [part[1:-1].partition(":")[0] for part in endpoint.paths[0].split("/") if part.startswith("{")]
    if names:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in names
        ]
    return operation
