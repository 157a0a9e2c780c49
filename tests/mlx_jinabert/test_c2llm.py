"""C2LLM: pooling by attention, beside what test_parity.py shows of its vectors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import mlx_jinabert
from conversion.convert import Request, convert
from mlx_jinabert import UnsupportedConfig, WeightMismatch
from tests.support.checkpoints import Checkpoint, tensors_of, write, write_safetensors
from tests.support.closeness import assert_close
from tests.support.running import BACKENDS, require

C2LLM = Checkpoint("c2llm", heads=4, hidden=64, intermediate=96, max_position=160, pooling="pma")
TEXTS = ["def add(a, b): return a + b", "x", "where are retries decided " * 5]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path_factory.mktemp("cache")))


def changed(folder: Path, **keys: object) -> Path:
    write(folder, C2LLM)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **keys}))
    return folder


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_text_has_its_vector_in_any_company(tmp_path: Path, backend: str) -> None:
    require("mlx.core", "onnxruntime")
    model = mlx_jinabert.load(write(tmp_path, C2LLM), backend=backend, dtype="float32")
    assert (model.dim, model.folder.pooling) == (64, "pma")
    alone = np.stack([model.encode(text) for text in TEXTS])
    assert_close(model.encode(TEXTS), alone, atol=2e-6, what="batch")


@pytest.mark.parametrize(
    ("target", "options"), [("mlx", {}), ("onnx", {}), ("onnx", {"bits": 8}), ("mlx", {"bits": 8})]
)
def test_a_conversion_keeps_its_pooling(tmp_path: Path, target: str, options: dict[str, int]) -> None:
    require("mlx.core", "onnxruntime")
    folder = write(tmp_path / "original", C2LLM)
    want = mlx_jinabert.load(folder, backend="onnx").encode(TEXTS)
    convert(Request(str(folder), target, tmp_path / "converted", **options))
    got = mlx_jinabert.load(tmp_path / "converted", backend=target).encode(TEXTS)
    assert (got * want).sum(1).min() > (0.99 if options else 0.999999)


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"embedding_method": "mean"}, "embedding_method"),
        ({"pma_norm_mode": "pre_normal"}, "pma_norm_mode"),
        ({"pma_ln": False}, "pma_ln"),
        ({"pma_num_heads": 3}, "pma_num_heads"),
        ({"keep_max_layer": -2}, "keep_max_layer"),
        ({"compressed_dim": None}, "compressed_dim"),
    ],
)
def test_what_is_not_implemented_is_named(tmp_path: Path, keys: dict[str, object], named: str) -> None:
    with pytest.raises(UnsupportedConfig, match=named):
        mlx_jinabert.load(changed(tmp_path, **keys))


def test_another_pooling_of_it_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "own", C2LLM)
    with pytest.raises(UnsupportedConfig, match="'pma', as its checkpoint has layers"):
        mlx_jinabert.load(folder, config_overrides={"pooling": "mean"})
    with pytest.raises(UnsupportedConfig, match="'pma', as its checkpoint has layers"):
        convert(Request(str(folder), "mlx", tmp_path / "out", settings={"pooling": "mean"}))
    plain = write(tmp_path / "plain", Checkpoint("qwen2", heads=4, hidden=64, max_position=160))
    config = json.loads((plain / "config.json").read_text())
    (plain / "config.json").write_text(json.dumps({**config, "embedding_method": "pma"}))
    with pytest.raises(UnsupportedConfig, match="embedding_method"):
        mlx_jinabert.load(plain)


def test_a_checkpoint_without_the_layers_is_named(tmp_path: Path) -> None:
    require("onnxruntime")
    folder = write(tmp_path, C2LLM)
    kept = {
        name: value for name, value in tensors_of(C2LLM).items() if not name.startswith("mha_pma.mab.ln1")
    }
    write_safetensors(folder / "model.safetensors", kept, "float32")
    with pytest.raises(WeightMismatch, match=r"mha_pma\.mab\.ln1"):
        mlx_jinabert.load(folder, backend="onnx").encode("x")
