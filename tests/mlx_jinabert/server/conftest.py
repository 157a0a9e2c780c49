"""One server for most tests: the shipped model and a random reranker, on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import mlx_jinabert
from mlx_jinabert.server.settings import ModelSpec, Settings
from tests.mlx_jinabert.server.models import RERANKER, reranker_folder
from tests.support.serving import Served, served


@pytest.fixture(scope="session")
def embedder() -> mlx_jinabert.Embedder:
    return mlx_jinabert.load("embedded", backend="onnx")


@pytest.fixture(scope="session")
def reranker() -> mlx_jinabert.Reranker:
    return mlx_jinabert.load_reranker(reranker_folder(), backend="onnx")


@pytest.fixture(scope="session")
def server() -> Iterator[Served]:
    models = (
        ModelSpec("embedded", "embedded"),
        ModelSpec(RERANKER, str(reranker_folder()), is_reranker=True),
    )
    with served(Settings(models=models, backend="onnx")) as running:
        yield running
