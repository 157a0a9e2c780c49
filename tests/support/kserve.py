"""The KServe v2 protocol with Triton's binary tensors, from its description and without our client."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

HEADER = "Inference-Header-Content-Length"
NAME = "word-hash"


def _metadata(info: Mapping[str, Any]) -> Any:
    return {
        "name": NAME,
        "platform": "ensemble",
        "inputs": [{"name": "TEXT", "datatype": "BYTES", "shape": [-1, 1]}],
        "outputs": [{"name": "VECTOR", "datatype": "FP32", "shape": [-1, -1]}],
    }


def _configuration(info: Mapping[str, Any]) -> Any:
    said = {
        "model": info.get("model_id", ""),
        "revision": info.get("model_sha") or "",
        "max_length": str(info.get("max_input_length", 512)),
        "dtype": info.get("model_dtype", "unknown"),
    }
    return {
        "max_batch_size": info.get("max_client_batch_size", 0),
        "parameters": {key: {"string_value": value} for key, value in said.items()},
    }


PAGES: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    f"/v2/models/{NAME}": _metadata,
    f"/v2/models/{NAME}/config": _configuration,
}


def read(content: bytes, head: int) -> dict[str, Any]:
    """The texts of a request: each is its length in four bytes and its UTF-8."""
    [tensor] = json.loads(content[:head])["inputs"]
    body, texts = content[head:], []
    assert tensor["parameters"]["binary_data_size"] == len(body)
    while body:
        (size,) = struct.unpack("<I", body[:4])
        texts.append(body[4 : 4 + size].decode())
        body = body[4 + size :]
    assert tensor["shape"] == [len(texts), 1]
    return {"inputs": texts}


def written(rows: Any) -> tuple[bytes, bytes]:
    """(JSON, tensor) of an answer."""
    table = np.array(rows, np.float64).astype("<f4")
    output = {
        "name": "VECTOR",
        "datatype": "FP32",
        "shape": list(table.shape),
        "parameters": {"binary_data_size": table.nbytes},
    }
    return json.dumps({"model_name": NAME, "outputs": [output]}).encode(), table.tobytes()
