"""Models by name: late, once, let go when idle, red when broken."""

from __future__ import annotations

import asyncio
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mlx_jinabert.loading.embedding import load_local
from mlx_jinabert.local.embedder import LocalEmbedder
from mlx_jinabert.server.engine import pool as pool_module
from mlx_jinabert.server.engine.pool import ModelPool
from mlx_jinabert.server.settings import ModelSpec, Settings
from mlx_jinabert.server.web.metrics import Metrics
from tests.mlx_jinabert.server.models import reranker_folder
from tests.support.checkpoints import Checkpoint
from tests.support.running import checkpoint_folder
from tests.support.serving import served

FIRST = ModelSpec("embedded", "embedded")


def test_another_model_is_loaded_once_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []

    def counted(name: str, **options: str) -> object:
        loads.append(name)
        return load_local(name, **options)

    monkeypatch.setattr(pool_module, "load_local", counted)
    folder = str(checkpoint_folder(Checkpoint("code", heads=4, hidden=32)))
    with served(Settings(models=(FIRST, ModelSpec("small", folder)), backend="onnx")) as server:
        assert loads == ["embedded"]
        with ThreadPoolExecutor(4) as pool:
            asked = list(
                pool.map(
                    lambda text: server.post("/v1/embeddings", {"input": text, "model": "small"}), "abcd"
                )
            )
        assert [len(answer.json["data"][0]["embedding"]) for answer in asked] == [32] * 4
        assert loads == ["embedded", folder]


def test_an_idle_model_is_let_go_and_comes_back() -> None:
    async def run() -> None:
        ranker = ModelSpec("ranker", str(reranker_folder()), is_reranker=True)
        pool = ModelPool(Settings(models=(FIRST, ranker), backend="onnx", unload_after=0.02), Metrics())
        await pool.start()
        async with pool.use(ranker) as served:
            model = weakref.ref(served.model)
            await asyncio.sleep(0.1)
            assert set(pool.loaded()) == {"embedded", "ranker"}  # in use
        del served
        await asyncio.sleep(0.2)
        assert set(pool.loaded()) == {"embedded"}  # the first one stays
        gc.collect()
        assert model() is None
        async with pool.use(ranker) as served:
            assert (await served.score("a", ["b"], False)).values.shape == (1, 1)
        await pool.close()
        assert pool.loaded() == {}

    asyncio.run(run())


def test_a_model_that_cannot_be_loaded_leaves_the_others_alone(tmp_path: Path) -> None:
    with served(Settings(models=(FIRST, ModelSpec("broken", str(tmp_path))), backend="onnx")) as server:
        answer = server.post("/v1/embeddings", {"input": "a", "model": "broken"})
        assert answer.status == 503
        assert "'broken' cannot be loaded" in answer.json["error"]["message"]
        assert server.post("/v1/embeddings", {"input": "a"}).status == 200
        assert server.get("/health").status == 200


def test_health_is_red_while_the_first_model_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Settings(backend="onnx", cache_bytes=0)) as server:
        pool = LocalEmbedder.pool

        def broken(model: LocalEmbedder, ids: list) -> np.ndarray:
            raise RuntimeError("device lost")

        monkeypatch.setattr(LocalEmbedder, "pool", broken)
        answer = server.post("/embed", {"inputs": "a"})
        assert (answer.status, answer.json["error_type"]) == (424, "Backend")
        assert server.post("/v1/embeddings", {"input": "a"}).status == 500
        health = server.get("/health")
        assert health.status == 503
        assert "device lost" in health.json["error"]
        assert "mlx_jinabert_healthy 0" in server.get("/metrics").content.decode()
        monkeypatch.setattr(LocalEmbedder, "pool", pool)
        assert server.get("/health").status == 200  # it was tried again
