"""Dense layers behind the pooling: against PyTorch, in conversions and widths, and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import mlx_jinabert
from conversion.convert import Request, convert
from mlx_jinabert.errors import ModelFolderError, UnsupportedConfig, WeightMismatch
from mlx_jinabert.local.spec import read_spec
from tests.support.checkpoints import Checkpoint, write
from tests.support.closeness import assert_close
from tests.support.dense import IDENTITY, RELU, TANH, add_dense
from tests.support.running import BACKENDS, require

SMALL = Checkpoint("bert", heads=4, hidden=32, max_position=64)
TEXTS = ["def add(a, b): return a + b", "x", "where are retries decided"]


def model_with_dense(folder: Path, **config: object) -> Path:
    """BERT, mean, 32 -> 48 through tanh, 48 -> 16 without bias, L2: as EmbeddingGemma's chain is."""
    write(folder, SMALL)
    add_dense(folder, 32, 48, activation=TANH, bias=True, seed=1)
    add_dense(folder, 48, 16, activation=IDENTITY, bias=False, seed=2, **config)
    return folder


@pytest.mark.parity
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_chain_is_that_of_torch(tmp_path: Path, backend: str) -> None:
    require("torch", {"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    import torch

    from tests.support.reference import open_reference

    folder = model_with_dense(tmp_path)
    model = mlx_jinabert.load(folder, backend=backend, dtype="float32")
    layers = [torch.nn.Linear(32, 48), torch.nn.Linear(48, 16, bias=False)]
    for layer, name in zip(layers, ("2_Dense", "3_Dense"), strict=True):
        from safetensors.torch import load_file

        layer.load_state_dict(
            {
                key.removeprefix("linear."): value
                for key, value in load_file(folder / name / "model.safetensors").items()
            }
        )
    chain = torch.nn.Sequential(layers[0], torch.nn.Tanh(), layers[1]).double()
    forward = open_reference(folder)
    with torch.no_grad():
        rows = [
            chain(forward(torch.from_numpy(ids).long()).mean(0)) for ids in model._tokenizer.encode(TEXTS).ids
        ]
    want = torch.nn.functional.normalize(torch.stack(rows)).float().numpy()
    assert model.dim == 16
    assert_close(model.encode(TEXTS), want, atol=2e-5, what=f"dense on {backend}")


def test_a_residual_keeps_what_came_in(tmp_path: Path) -> None:
    write(tmp_path, SMALL)
    plain = mlx_jinabert.load(tmp_path, backend="onnx").encode(TEXTS, normalize_embeddings=False)
    weight, bias = add_dense(tmp_path, 32, 32, activation=IDENTITY, bias=True, seed=1, use_residual=True)
    got = mlx_jinabert.load(tmp_path, backend="onnx").encode(TEXTS, normalize_embeddings=False)
    assert_close(got, plain @ weight.T + bias + plain, atol=1e-5, what="residual")


def test_the_layers_are_part_of_the_identity(tmp_path: Path) -> None:
    prints = {read_spec(model_with_dense(tmp_path / "a")).fingerprint}
    prints.add(read_spec(write(tmp_path / "b", SMALL)).fingerprint)
    other = model_with_dense(tmp_path / "c")
    config = json.loads((other / "2_Dense/config.json").read_text())
    (other / "2_Dense/config.json").write_text(json.dumps(config | {"activation_function": IDENTITY}))
    prints.add(read_spec(other).fingerprint)
    assert len(prints) == 3


@pytest.mark.parametrize("target", ["mlx", "onnx"])
def test_a_conversion_takes_the_layers_along(tmp_path: Path, target: str) -> None:
    require({"mlx": "mlx.core", "onnx": "onnxruntime"}[target])
    folder = model_with_dense(tmp_path / "source")
    done = convert(Request(str(folder), target, tmp_path / "out"))
    before = mlx_jinabert.load(folder, backend=target, dtype="float32")
    after = mlx_jinabert.load(done.out, backend=target, dtype="float32")
    assert_close(after.encode(TEXTS), before.encode(TEXTS), atol=2e-6, what="converted")


def test_widths_are_cut_behind_the_layers(tmp_path: Path) -> None:
    folder = model_with_dense(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"matryoshka_dims": [8]}))
    short = mlx_jinabert.load(folder, backend="onnx", truncate_dim=8)
    whole = mlx_jinabert.load(folder, backend="onnx").encode(TEXTS)[:, :8]
    assert_close(
        short.encode(TEXTS), whole / np.linalg.norm(whole, axis=1, keepdims=True), atol=1e-6, what="cut"
    )


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedConfig, match="ReLU"):
        mlx_jinabert.load(model_with_dense(tmp_path / "a", activation_function=RELU))
    folder = write(tmp_path / "b", SMALL)
    add_dense(folder, 32, 48, activation=TANH, bias=True, seed=1)
    add_dense(folder, 40, 16, activation=TANH, bias=True, seed=1)
    with pytest.raises(UnsupportedConfig, match=r"3_Dense/in_features.* is 40; supported: 48"):
        mlx_jinabert.load(folder)
    with pytest.raises(WeightMismatch, match=r"missing: linear\.bias"):
        mlx_jinabert.load(model_with_dense(tmp_path / "c", said=True))
    folder = model_with_dense(tmp_path / "d")
    (folder / "2_Dense/model.safetensors").unlink()
    with pytest.raises(ModelFolderError, match=r"2_Dense: no model\.safetensors"):
        mlx_jinabert.load(folder)
