"""POST /v1/embeddings and GET /v1/models, as OpenAI has them."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

import mlx_jinabert
from mlx_jinabert.local.spec import read_spec
from tests.mlx_jinabert.server.models import RERANKER, TEXTS
from tests.support.serving import Answer, Served

ROWS = int(read_spec("embedded").folder.config["vocab_size"])


def ask(server: Served, **body: Any) -> Answer:
    return server.post("/v1/embeddings", {"model": "embedded", **body})


def vectors(answer: Answer) -> np.ndarray:
    assert answer.status == 200, answer.content
    rows = sorted(answer.json["data"], key=lambda row: row["index"])
    if isinstance(rows[0]["embedding"], str):
        return np.stack([np.frombuffer(base64.b64decode(row["embedding"]), "<f4") for row in rows])
    return np.array([row["embedding"] for row in rows], np.float64).astype(np.float32)


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_vectors_are_those_of_encode_to_the_byte(
    server: Served, embedder: mlx_jinabert.Embedder, encoding: str | None
) -> None:
    answer = ask(server, input=TEXTS, encoding_format=encoding)
    assert vectors(answer).tobytes() == embedder.encode(TEXTS).tobytes()
    assert answer.json["model"] == "embedded"
    count = sum(embedder.count_tokens(TEXTS))
    assert answer.json["usage"] == {"prompt_tokens": count, "total_tokens": count}


def test_one_text_ids_and_lists_of_ids(server: Served, embedder: mlx_jinabert.Embedder) -> None:
    want = embedder.encode(TEXTS[:2])
    ids = [[token["id"] for token in row] for row in server.post("/tokenize", {"inputs": TEXTS[:2]}).json]
    assert vectors(ask(server, input=TEXTS[0])).tobytes() == want[0].tobytes()
    assert vectors(ask(server, input=ids)).tobytes() == want.tobytes()
    assert vectors(ask(server, input=ids[1])).tobytes() == want[1].tobytes()


def test_shorter_vectors(server: Served, embedder: mlx_jinabert.Embedder) -> None:
    got = vectors(ask(server, input=TEXTS, dimensions=64))
    assert got.tobytes() == embedder.encode(TEXTS, truncate_dim=64).tobytes()


@pytest.mark.parametrize(
    ("body", "status", "param", "words"),
    [
        ({"input": []}, 400, "input", "empty"),
        ({"input": {"a": 1}}, 400, "input", "a list of strings"),
        ({"input": ["a", 1]}, 400, "input", "a list of strings"),
        ({"input": [True]}, 400, "input", "a list of strings"),
        ({"input": [[]]}, 400, "input", "list 0 of token ids is empty"),
        (
            {"input": [[5], [6, ROWS]]},
            400,
            "input",
            f"list 1 of token ids holds {ROWS}; they are from 0 to {ROWS - 1}",
        ),
        ({"input": [-1]}, 400, "input", f"holds -1; they are from 0 to {ROWS - 1}"),
        ({}, 400, "input", "missing"),
        ({"input": "a", "dimensions": 0}, 400, "dimensions", "positive"),
        ({"input": "a", "dimensions": 257}, 400, "dimensions", "1 to 256"),
        ({"input": "a", "encoding_format": "hex"}, 400, "encoding_format", "base64"),
        ({"input": "a", "pooling": "cls"}, 400, "pooling", "unknown field 'pooling'; known are input"),
        ({"input": "a" * 10 + " b" * 600}, 400, "input", "604 tokens; this model takes at most 512"),
        ({"input": ["a"] * 2049}, 400, "input", "2049 texts; at most 2048"),
        (
            {"input": "a", "model": "gpt"},
            404,
            "model",
            "there is: embedded; to serve another: mlx-jinabert serve",
        ),
        ({"input": "a", "model": RERANKER}, 404, "model", "there is: embedded"),
    ],
)
def test_bad_requests_are_told_what_is_wrong(
    server: Served, body: dict[str, Any], status: int, param: str, words: str
) -> None:
    answer = ask(server, **body)
    error = answer.json["error"]
    assert (answer.status, error["param"]) == (status, param), answer.content
    assert words in error["message"]
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"input": "\\ud800"}'])
def test_what_is_no_object(server: Served, body: bytes) -> None:
    assert server.post("/v1/embeddings", body).status == 400


def test_too_long_a_text_says_so_in_its_code(server: Served) -> None:
    assert ask(server, input="b " * 600).json["error"]["code"] == "context_length_exceeded"


def test_models_are_listed(server: Served) -> None:
    listed = server.get("/v1/models").json
    assert [model["id"] for model in listed["data"]] == ["embedded", RERANKER]
    assert server.get("/v1/models/embedded").json == listed["data"][0]
    assert server.get("/v1/models/gpt").json["error"]["code"] == "model_not_found"
