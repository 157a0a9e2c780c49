"""Many callers at once: the same bytes for all, too much is refused, who leaves costs nothing."""

from __future__ import annotations

import json
import logging
import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import mlx_jinabert
from mlx_jinabert.local.embedder import LocalEmbedder
from mlx_jinabert.server.settings import Settings
from tests.mlx_jinabert.server.models import TEXTS
from tests.support.serving import Served, served
from tests.support.waiting import PATIENCE, wait_for

WORDS = ["def", "return", "self", "path", "open", "read", "for", "in", "range", "value", "世界", "naïve"]


def some_texts(seed: int, count: int) -> list[str]:
    pick = random.Random(seed)
    return [" ".join(pick.choices(WORDS, k=pick.choice([1, 5, 20, 80]))) for _ in range(count)]


def test_everybody_gets_the_bytes_that_encode_gives(embedder: mlx_jinabert.Embedder) -> None:
    """In whatever company: requests of several sizes from 16 threads, without a cache."""
    requests = [some_texts(seed, [1, 1, 1, 7, 40][seed % 5]) for seed in range(100)]
    want = [embedder.encode(texts).tobytes() for texts in requests]
    with served(Settings(backend="onnx", cache_bytes=0, window_tokens=700)) as server:

        def ask(texts: list[str]) -> bytes:
            rows = server.post("/embed", {"inputs": texts}).json
            return np.array(rows, np.float64).astype(np.float32).tobytes()

        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(ask, requests)) == want
        metrics = server.get("/metrics").content.decode()
        together = next(
            line for line in metrics.splitlines() if line.startswith("mlx_jinabert_batch_requests_count")
        )
        assert float(together.split()[-1]) < len(requests)  # some were computed together


def test_an_answer_from_the_cache_is_the_same(server: Served, embedder: mlx_jinabert.Embedder) -> None:
    texts = [*some_texts(1000, 10), *TEXTS]
    first = server.post("/embed", {"inputs": texts[5:]})
    mixed = server.post("/embed", {"inputs": texts})
    again = server.post("/embed", {"inputs": texts})
    assert mixed.content == again.content
    assert json.loads(mixed.content)[5:] == first.json
    assert np.array(again.json, np.float64).astype(np.float32).tobytes() == embedder.encode(texts).tobytes()
    long = "word " * 600
    assert server.post("/embed", {"inputs": [long], "truncate": True}).status == 200
    refused = server.post("/embed", {"inputs": ["unseen", texts[0], long]})  # known, and still too long
    assert refused.status == 413
    assert "text 2 has 602 tokens" in refused.json["error"]
    unknown = server.post("/embed", {"inputs": [texts[0], "word " * 601]})
    assert "text 1 has 603 tokens" in unknown.json["error"]


class Held:
    """The shipped model, whose batches wait until they are let go; the sizes of batches are kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = threading.Event()
        self.sizes: list[int] = []
        pool = LocalEmbedder.pool

        def held(model: LocalEmbedder, ids: list) -> np.ndarray:
            self.sizes.append(len(ids))
            assert self.go.wait(PATIENCE)
            return pool(model, ids)

        monkeypatch.setattr(LocalEmbedder, "pool", held)


def test_too_much_is_refused_and_what_was_taken_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(backend="onnx", cache_bytes=0, max_queue_tokens=40, max_concurrent_requests=6)
    with served(settings) as server, ThreadPoolExecutor(8) as pool:
        held = Held(monkeypatch)
        scheduler = server.app.state.pool.loaded()["embedded"].scheduler
        first = pool.submit(server.post, "/embed", {"inputs": "first"})
        wait_for(lambda: held.sizes == [1])
        queued = pool.submit(server.post, "/embed", {"inputs": ["word " * 10] * 3})
        wait_for(lambda: scheduler.tokens == 36)
        refused = server.post("/embed", {"inputs": ["word " * 10]})
        assert refused.status == 429
        assert refused.json["error_type"] == "Overloaded"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        openai = server.post("/v1/embeddings", {"input": "word " * 10})
        assert openai.status == 429
        assert openai.json["error"]["code"] == "rate_limit_exceeded"
        small = [pool.submit(server.post, "/embed", {"inputs": ""}) for _ in range(2)]
        wait_for(lambda: scheduler.tokens == 40)
        held.go.set()
        assert [request.result().status for request in (first, queued, *small)] == [200] * 4


def test_so_many_requests_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(backend="onnx", cache_bytes=0, max_concurrent_requests=2)
    with served(settings) as server, ThreadPoolExecutor(4) as pool:
        held = Held(monkeypatch)
        taken = [pool.submit(server.post, "/embed", {"inputs": "a"}) for _ in range(2)]
        wait_for(lambda: "mlx_jinabert_requests_in_flight 3.0" in server.get("/metrics").content.decode())
        assert server.post("/embed", {"inputs": "b"}).status == 429
        assert server.get("/health").status == 200
        held.go.set()
        assert [request.result().status for request in taken] == [200, 200]


def test_who_leaves_is_not_computed_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mlx_jinabert.server")
    with served(Settings(backend="onnx", cache_bytes=0, window_tokens=64)) as server:
        held = Held(monkeypatch)
        scheduler = server.app.state.pool.loaded()["embedded"].scheduler
        body = json.dumps({"inputs": ["word " * 60] * 500}).encode()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            head = f"POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sendall(head.encode() + body)
            wait_for(lambda: held.sizes != [])
            assert scheduler.tokens > 30_000
        wait_for(lambda: scheduler.tokens == 0)
        held.go.set()
        assert server.post("/embed", {"inputs": "still there"}).status == 200
        assert sum(held.sizes) < 10
        assert any(getattr(record, "fields", {}).get("status") == 499 for record in caplog.records)
