"""Embedding services on 127.0.0.1: real HTTP that speaks as TEI, OpenAI, Voyage and Triton do.

Vectors are those of a ``WordHashEmbedder``, so that what comes back can be judged. Faults are given in the
order in which POST requests meet them; after the last one everything works.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from mlx_jinabert.remote.embedder import RemoteEmbedder
from mlx_jinabert.remote.http import Policy
from mlx_jinabert.remote.opening import load_remote
from mlx_jinabert.text.tokenizer import without_surrogates
from tests.support import kserve
from tests.support.closeness import WordHashEmbedder

PROTOCOLS = ("tei", "openai", "voyage", "triton")
TEXTS = [
    "def parse(line)",
    "where are retries decided",
    "世界 🚀",
    "naïve\tcafé\n",
    "x",
    "a" * 300,
    "",
    "\ud800 lone",
]
QUICK = Policy(timeout=5, attempts=3, first_wait=0.01, longest_wait=0.02, longest_retry_after=5)
VOYAGE_PROMPTS = {"query": "Represent the query: ", "document": "Represent the document: ", None: ""}
MODEL = WordHashEmbedder("served")


@dataclass(frozen=True)
class Fault:
    """What one request gets instead of vectors; ``status`` 0 drops the connection without an answer."""

    status: int = 0
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What the server saw of one request."""

    path: str
    body: Mapping[str, Any]
    authorization: str
    at: float

    @property
    def texts(self) -> list[str]:
        return self.body.get("inputs") or self.body.get("input") or []


@dataclass
class EmbeddingServer:
    """The running server, and how it behaves."""

    host: str
    info: dict[str, Any] = field(
        default_factory=lambda: {
            "model_id": "someone/word-hash",
            "model_sha": "a" * 40,
            "model_dtype": "float16",
            "model_type": {"embedding": {"pooling": "mean"}},
            "max_input_length": 256,
            "max_client_batch_size": 4,
        }
    )
    rows: int = 1000
    """More texts in one request are answered with 422, as TEI does."""
    says_model: bool = True
    delay: threading.Event | None = None
    """If set, no request is answered before this event."""
    faults: list[Fault] = field(default_factory=list)
    change: Callable[[Any], Any] = lambda answer: answer
    """Applied to every answer with vectors."""
    requests: list[Request] = field(default_factory=list)

    def posts(self) -> list[Request]:
        return [request for request in self.requests if request.body]

    def name(self, protocol: str) -> str:
        """The model's name for ``mlx_jinabert.load``."""
        path = {
            "tei": "",
            "openai": "/v1#word-hash",
            "voyage": "/v1#voyage-word-hash",
            "triton": "/word-hash",
        }[protocol]
        return f"{protocol}+http://{self.host}{path}"


@contextmanager
def running_server() -> Iterator[EmbeddingServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.state = state = EmbeddingServer(f"127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        if state.delay is not None:
            state.delay.set()
        server.shutdown()
        server.server_close()
        thread.join()


def running_without_keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    """A server, in an environment without keys: the body of a fixture."""
    for protocol in PROTOCOLS:
        monkeypatch.delenv(f"{protocol.upper()}_API_KEY", raising=False)
    with running_server() as state:
        yield state


def opened(server: EmbeddingServer, protocol: str, **options: Any) -> RemoteEmbedder:
    """A model whose opening requests are forgotten, so that a test counts its own."""
    model = load_remote(server.name(protocol), **({"policy": QUICK} | options))
    server.requests.clear()
    return model


def local(texts: list[str], prompt: str = "", dim: int | None = None) -> np.ndarray:
    """What the served model gives for the texts without HTTP, of unit length."""
    vectors = MODEL.encode_document([without_surrogates(prompt + text) or " " for text in texts])[:, :dim]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        state = self._note({})
        if self.path == "/info":
            return self._send(200, json.dumps(state.info))
        if self.path in kserve.PAGES:
            return self._send(200, json.dumps(kserve.PAGES[self.path](state.info)))
        return self._send(404, '{"error": "no such page"}')

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        in_binary = self.headers.get(kserve.HEADER)
        body = kserve.read(content, int(in_binary)) if in_binary else json.loads(content)
        state = self._note(body)
        if state.delay is not None:
            state.delay.wait(5)
        if state.faults:
            return self._fail(state.faults.pop(0))
        texts = body.get("inputs") or body["input"]
        if len(texts) > state.rows or "" in texts or any("\ud800" in text for text in texts):
            return self._send(422, '{"error": "batch size > maximum allowed", "error_type": "Validation"}')
        if in_binary:
            return self._send_tensors(state.change(_vectors(texts, None).tolist()))
        answer = {"/embed": _tei, "/v1/embeddings": _openai}[self.path](body, texts, state)
        return self._send(200, json.dumps(state.change(answer)))

    def _note(self, body: Mapping[str, Any]) -> EmbeddingServer:
        state: EmbeddingServer = self.server.state  # type: ignore[attr-defined]
        key = self.headers.get("Authorization", "")
        state.requests.append(Request(self.path, body, key, time.monotonic()))
        return state

    def _fail(self, fault: Fault) -> None:
        if not fault.status:
            self.close_connection = True
            return
        self._send(fault.status, fault.body, fault.headers)

    def _send_tensors(self, rows: Any) -> None:
        head, body = kserve.written(rows)
        self._send(200, head + body, {kserve.HEADER: str(len(head))})

    def _send(self, status: int, content: str | bytes, headers: Mapping[str, str] | None = None) -> None:
        raw = content.encode() if isinstance(content, str) else content
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the tests look at ``requests``."""


def _tei(body: Mapping[str, Any], texts: list[str], state: EmbeddingServer) -> Any:
    return _vectors(texts, body.get("dimensions")).tolist()


def _openai(body: Mapping[str, Any], texts: list[str], state: EmbeddingServer) -> Any:
    prompt = VOYAGE_PROMPTS[body.get("input_type")]
    dim = body.get("dimensions") or body.get("output_dimension")
    vectors = _vectors([prompt + text for text in texts], dim)
    in_base64 = body.get("encoding_format") == "base64"
    data = [
        {
            "object": "embedding",
            "index": n,
            "embedding": base64.b64encode(row.tobytes()).decode() if in_base64 else row.tolist(),
        }
        for n, row in enumerate(vectors)
    ]
    return {"object": "list", "data": data} | ({"model": body["model"]} if state.says_model else {})


def _vectors(texts: list[str], dim: int | None) -> np.ndarray:
    return MODEL.encode_document(texts)[:, :dim]
