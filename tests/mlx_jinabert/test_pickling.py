"""Models and errors go from one process to another."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import mlx_jinabert
from mlx_jinabert import errors
from mlx_jinabert.errors import (
    BackendUnavailable,
    JinabertError,
    ModelFolderError,
    NonFinite,
    RemoteError,
    TooLong,
    UnsupportedConfig,
    WeightMismatch,
)
from mlx_jinabert.remote.http import Refusal
from tests.support.checkpoints import Checkpoint
from tests.support.closeness import assert_close
from tests.support.embedding_server import QUICK, EmbeddingServer, opened, running_without_keys
from tests.support.running import checkpoint_folder, require

TEXTS = ["def add(a, b): return a + b", "x", "naïve 🚀"]
ERRORS: list[JinabertError] = [
    JinabertError("plain"),
    UnsupportedConfig("hidden_act", "relu", ("gelu", "silu")),
    UnsupportedConfig("hidden_act", {"a": [1]}, "text"),
    ModelFolderError(Path("/models/x"), "is empty"),
    WeightMismatch(["a"], ["b"], {"c": ((1, 2), (3, 4))}, hint="as saved"),
    BackendUnavailable("mlx", "pip install mlx"),
    TooLong([1, 3], [600, 700], 512),
    NonFinite(3, "def"),
    RemoteError("host:1", "is down"),
    Refusal("host:1", "says no", 422),
]


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as found:
        yield found


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    yield from running_without_keys(monkeypatch)


def _encoded(model: mlx_jinabert.Embedder) -> tuple[str, int, str, np.ndarray]:
    return model.model_id, model.max_length, model.fingerprint, model.encode(TEXTS, truncation="silent")


def _scored(model: mlx_jinabert.Reranker) -> tuple[str, np.ndarray]:
    return model.activation, model.predict([("x", text) for text in TEXTS])


def _fail(error: JinabertError) -> None:
    raise error


def _too_long() -> None:
    mlx_jinabert.load("embedded", max_length=8).encode(["x", "y " * 40], truncation="error")


def test_an_embedder_is_loaded_again_with_its_settings(pool: ProcessPoolExecutor) -> None:
    model = mlx_jinabert.load("embedded", backend="onnx", dtype="float32", truncate_dim=64, max_length=8)
    name, length, fingerprint, vectors = pool.submit(_encoded, model).result()
    assert (name, length, fingerprint) == ("embedded", 8, model.fingerprint)
    assert_close(vectors, model.encode(TEXTS, truncation="silent"), atol=0, what="in another process")
    assert pickle.loads(pickle.dumps(model)).dtype == "float32"


def test_a_folder_is_found_from_another_working_directory(
    pool: ProcessPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = checkpoint_folder(Checkpoint("bert", heads=4, hidden=32))
    monkeypatch.chdir(folder.parent)
    model = mlx_jinabert.load(f"./{folder.name}", backend="onnx")
    assert pool.submit(_encoded, model).result()[0] == str(folder.resolve())


def test_a_reranker_keeps_its_activation(pool: ProcessPoolExecutor) -> None:
    require("onnxruntime")
    folder = checkpoint_folder(Checkpoint("reranker", heads=12, hidden=48))
    model = mlx_jinabert.load_reranker(folder, backend="onnx", activation="identity")
    activation, scores = pool.submit(_scored, model).result()
    assert activation == "identity"
    assert_close(scores, model.predict([("x", text) for text in TEXTS]), atol=0, what="scores")


def test_a_remote_embedder_asks_its_service_again(server: EmbeddingServer, pool: ProcessPoolExecutor) -> None:
    model = opened(server, "tei", truncate_dim=32, policy=QUICK)
    name, _, fingerprint, vectors = pool.submit(_encoded, model).result()
    assert (name, fingerprint) == (model.model_id, model.fingerprint)
    assert_close(vectors, model.encode(TEXTS), atol=1e-6, what="in another process")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_out_of_a_worker_as_it_was(pool: ProcessPoolExecutor, error: JinabertError) -> None:
    error.folder = "/models/here"
    with pytest.raises(type(error)) as caught:
        pool.submit(_fail, error).result()
    assert str(caught.value) == str(error)
    assert vars(caught.value).keys() - {"__notes__"} == vars(error).keys() - {"__notes__"}
    assert all(vars(caught.value)[key] == value for key, value in vars(error).items() if key[0] != "_")


def test_an_error_that_a_worker_raised_keeps_its_fields(pool: ProcessPoolExecutor) -> None:
    with pytest.raises(TooLong) as caught:
        pool.submit(_too_long).result()
    assert (caught.value.texts, caught.value.lengths, caught.value.max_length) == ((1,), (42,), 8)


def test_every_kind_of_error_was_tried() -> None:
    kinds = {getattr(errors, name) for name in errors.__all__}
    assert {kind for kind in kinds if isinstance(kind, type)} == {
        type(error) for error in ERRORS if type(error) is not Refusal
    }
