"""OpenAI's endpoints: POST /v1/embeddings and GET /v1/models.

Source: https://platform.openai.com/docs/api-reference/embeddings. The official clients ask for base64 unless
told otherwise, and repeat a request after 429 and the seconds of Retry-After.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from mlx_jinabert.server.api import calls
from mlx_jinabert.server.api.bodies import EmbeddingsBody, parse
from mlx_jinabert.server.api.endpoint import read_body
from mlx_jinabert.server.errors import ApiError
from mlx_jinabert.server.json_answer import base64_floats, json_response

__all__ = ["embeddings", "model", "models"]


async def embeddings(request: Request) -> Response:
    """Vectors of unit length."""
    settings, record = request.app.state.settings, request.scope["record"]
    body = parse(EmbeddingsBody, await read_body(request, settings.max_body_bytes))
    inputs = calls.as_lists(body.input, settings, "input")
    record.texts = len(inputs)
    async with calls.embedder(request, body.model) as served:
        finish = calls.finisher(served, True, body.dimensions)
        prompt = (
            served.model.role_prompt(body.input_type) if body.input_type else served.model.choose_prompt()
        )
        computed = await calls.embed(
            request, served, inputs=inputs, prompt=prompt, truncate=None, field="input"
        )
        vectors = finish(computed.values)
        name = served.name
    as_text = body.encoding_format == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": base64_floats(row) if as_text else row}
        for index, row in enumerate(vectors)
    ]
    usage = {"prompt_tokens": computed.tokens, "total_tokens": computed.tokens}
    return json_response({"object": "list", "data": data, "model": name, "usage": usage})


async def models(request: Request) -> Response:
    """All models that can be asked for."""
    pool = request.app.state.pool
    return json_response({"object": "list", "data": [_model(name) for name in pool.names]})


async def model(request: Request) -> Response:
    """One of them."""
    name = request.path_params["model"]
    if name not in request.app.state.pool.names:
        raise ApiError(f"no model named {name!r} is served", "Validation", 404, 404, code="model_not_found")
    return json_response(_model(name))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "mlx-jinabert"}
