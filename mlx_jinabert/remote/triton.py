"""Triton: the KServe v2 protocol with binary tensors, POST /v2/models/NAME/infer.

Sources: kserve/open-inference-protocol (inference_rest.yaml); Triton's extensions for binary tensors and
model configurations (triton-inference-server/server @e1db8a60, docs/protocol).

The model takes texts and gives vectors, as ``convert-weights --to triton`` lays it out: tokens are made by
the server, so that no client can have another tokenizer than the weights. A second output, if there is one,
is the number of tokens of each text before it was cut.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.errors import RemoteError
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.remote.address import Address
from mlx_jinabert.remote.http import Client, Refusal
from mlx_jinabert.remote.service import PROBE, UNKNOWN_LENGTH, ServiceInfo, VectorRequest

__all__ = ["Triton"]

_HEADER = "Inference-Header-Content-Length"
_TYPES: Mapping[str, str] = {"FP32": "<f4", "FP16": "<f2", "FP64": "<f8", "INT32": "<i4", "INT64": "<i8"}
_ROWS, _PAYLOAD_BYTES = 256, 8_000_000


@dataclass(frozen=True, slots=True)
class _Surface:
    """The names of a model's tensors."""

    text: str
    axes: int
    """Of the texts: 2 where each is a row of its own."""
    vectors: str
    dim: int
    """-1 where the model does not say."""
    tokens: str | None


class Triton:
    """One model on one server."""

    def __init__(self, address: Address, client: Client) -> None:
        self._path = f"/v2/models/{address.model}"
        self._model = address.model
        self._client = client
        self._known: _Surface | None = None
        self._limit = UNKNOWN_LENGTH

    def describe(self) -> ServiceInfo:
        """Ask for the model's tensors and, where the server has it, its configuration."""
        surface, said = self._surface(), self._configuration()
        about = _parameters(said)
        self._limit = int(about.get("max_length", UNKNOWN_LENGTH))
        dim = surface.dim if surface.dim > 0 else self.embed([PROBE], VectorRequest()).shape[1]
        rows = said.get("max_batch_size")
        return ServiceInfo(
            model=about.get("model", self._model),
            dim=dim,
            max_length=self._limit,
            rows=rows if isinstance(rows, int) and rows > 0 else _ROWS,
            payload_bytes=_PAYLOAD_BYTES,
            revision=about.get("revision", ""),
            dtype=about.get("dtype", "unknown"),
            is_identified=bool(about.get("revision")),
        )

    def embed(self, texts: Sequence[str], request: VectorRequest) -> NDArray[np.float32]:
        """See ``Service``. A text that is too long is refused here: the server only counts its tokens."""
        surface, host = self._surface(), self._client.host
        outputs = [surface.vectors]
        if not request.truncate and surface.tokens:
            outputs.append(surface.tokens)
        found = self._infer(surface, texts, outputs)
        vectors = found[surface.vectors]
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise RemoteError(host, f"gave vectors of shape {vectors.shape} for {len(texts)} texts")
        if len(outputs) == 2 and (longest := int(found[outputs[1]].max())) > self._limit:
            raise Refusal(host, f"a text has {longest:,} tokens, the model takes {self._limit:,}", 422)
        return vectors[:, : request.dim].astype(np.float32)

    def _surface(self) -> _Surface:
        if self._known is None:
            self._known = _read_surface(self._client.get(self._path), self._model, self._client.host)
        return self._known

    def _configuration(self) -> Mapping[str, Any]:
        """Triton's; other servers of the protocol have none."""
        try:
            found = self._client.get(f"{self._path}/config")
        except Refusal as refused:
            if refused.status not in (404, 405, 501):
                raise
            return {}
        return found if isinstance(found, Mapping) else {}

    def _infer(
        self, surface: _Surface, texts: Sequence[str], outputs: Sequence[str]
    ) -> dict[str, NDArray[Any]]:
        body = b"".join(struct.pack("<I", len(raw)) + raw for raw in (text.encode() for text in texts))
        tensor = {
            "name": surface.text,
            "datatype": "BYTES",
            "shape": [len(texts), 1][: surface.axes],
            "parameters": {"binary_data_size": len(body)},
        }
        asked = [{"name": name, "parameters": {"binary_data": True}} for name in outputs]
        head = json.dumps({"inputs": [tensor], "outputs": asked}).encode()
        headers = {"Content-Type": "application/octet-stream", _HEADER: str(len(head))}
        content, answered = self._client.exchange(f"{self._path}/infer", head + body, headers)
        found = _tensors(content, answered.get(_HEADER), self._client.host)
        missing = set(outputs) - set(found)
        if missing:
            raise RemoteError(self._client.host, f"left out the output {min(missing)}")
        return found


def _read_surface(found: Any, model: str, host: str) -> _Surface:
    inputs, outputs = (_listed(found, key) for key in ("inputs", "outputs"))
    texts = [one for one in inputs if one.get("datatype") == "BYTES"]
    vectors = [one for one in outputs if str(one.get("datatype", "")).startswith("FP")]
    if len(inputs) != 1 or len(texts) != 1 or len(vectors) != 1:
        raise RemoteError(
            host,
            f"serves {model} with the inputs {_names(inputs)} and the outputs {_names(outputs)}, expected "
            "one of texts and one of vectors; convert-weights --to triton makes such a model",
        )
    counts = [one["name"] for one in outputs if str(one.get("datatype", "")).startswith("INT")]
    shape = vectors[0].get("shape") or [-1]
    axes = len(texts[0].get("shape") or [-1, 1])
    return _Surface(
        str(texts[0]["name"]), axes, str(vectors[0]["name"]), int(shape[-1]), counts[0] if counts else None
    )


def _listed(found: Any, key: str) -> list[Mapping[str, Any]]:
    tensors = found.get(key) if isinstance(found, Mapping) else None
    kept = tensors if isinstance(tensors, list) else []
    return [one for one in kept if isinstance(one, Mapping) and isinstance(one.get("name"), str)]


def _names(tensors: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['name']} ({one.get('datatype')})" for one in tensors) or "none"


def _parameters(configuration: Mapping[str, Any]) -> dict[str, str]:
    """{"max_length": {"string_value": "512"}} -> {"max_length": "512"}."""
    found = configuration.get("parameters")
    pairs = found.items() if isinstance(found, Mapping) else ()
    return {str(key): str(value["string_value"]) for key, value in pairs if isinstance(value, Mapping)}


def _tensors(content: bytes, length: str | None, host: str) -> dict[str, NDArray[Any]]:
    """The outputs of an answer, binary ones behind the JSON in the order of their names."""
    try:
        end = len(content) if length is None else int(length)
        found: dict[str, NDArray[Any]] = {}
        for one in json.loads(content[:end])["outputs"]:
            dtype, shape = _TYPES[one["datatype"]], one["shape"]
            size = (one.get("parameters") or {}).get("binary_data_size")
            if size is None:  # null is how JSON writers spell NaN
                raw = np.array([np.nan if value is None else value for value in one["data"]], dtype)
            else:
                raw = np.frombuffer(content[end : end + size], dtype)
                end += size
            found[one["name"]] = raw.reshape(shape)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise RemoteError(host, f"answered with tensors that cannot be read: {error!r}") from None
    return found
