"""pplx-embed: Qwen3 that sees both ways, and its module that makes small integers of the vectors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import mlx_jinabert
from conversion.convert import Request, convert
from mlx_jinabert import UnsupportedConfig
from mlx_jinabert.checkpoint.folder import read_folder
from tests.support.checkpoints import Checkpoint, write
from tests.support.running import BACKENDS, require

TEXTS = ["def add(a, b): return a + b", "x", "where are retries decided " * 5]
PPLX = Checkpoint(
    "qwen3",
    heads=4,
    hidden=64,
    head_dim=16,
    intermediate=128,
    max_position=160,
    config=(
        ("model_type", "bidirectional_pplx_qwen3"),
        ("architectures", ["PPLXQwen3Model"]),
        ("auto_map", {"AutoConfig": "configuration.PPLXQwen3Config", "AutoModel": "modeling.PPLXQwen3Model"}),
        ("use_bidirectional_attention", True),
        ("layer_types", ["full_attention", "full_attention"]),
    ),
)
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "", "type": "st_quantize.FlexibleQuantizer", "kwargs": ["quantization"]},
]
NORMALIZE = {"idx": 3, "path": "3_Normalize", "type": "sentence_transformers.models.Normalize"}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path_factory.mktemp("cache")))


def written(folder: Path, modules: list[dict[str, object]] = MODULES) -> Path:
    write(folder, PPLX)
    (folder / "config_sentence_transformers.json").unlink()
    (folder / "modules.json").write_text(json.dumps(modules))
    return folder


def pooled_by_torch(folder: Path) -> NDArray[np.float64]:
    """Mean hidden states by PyTorch in float64, one text at a time."""
    require("torch", "transformers")
    import torch

    from mlx_jinabert.text.tokenizer import Tokenizer
    from tests.support.reference import open_reference

    forward = open_reference(folder)
    with torch.no_grad():
        ids = Tokenizer(folder / "tokenizer.json", 160).encode(TEXTS).ids
        return np.stack([forward(torch.from_numpy(row).long()).mean(0).numpy() for row in ids])


@pytest.mark.parity
@pytest.mark.parametrize("backend", BACKENDS)
def test_vectors_are_those_of_the_original(tmp_path: Path, backend: str) -> None:
    """As sentence-transformers gives them for ``quantization`` "int8", "binary" and "ubinary"."""
    import torch

    folder = written(tmp_path / "pplx")
    pooled = pooled_by_torch(folder)
    model = mlx_jinabert.load(folder, backend=backend, dtype="float32")
    exact = 127 * torch.tanh(torch.from_numpy(pooled)).numpy()
    want = torch.round(torch.from_numpy(exact)).numpy()
    sure = np.abs(exact - np.floor(exact) - 0.5) > 1e-3
    assert sure.mean() > 0.99
    assert np.abs(want).max() > 100, "the checkpoint is too tame to show what tanh does"
    for precision in ("float32", "int8"):
        got = model.encode(TEXTS, normalize_embeddings=False, precision=precision)
        assert got.dtype == precision
        np.testing.assert_array_equal(got[sure], want[sure])
    shifted = model.encode(TEXTS, normalize_embeddings=False, precision="uint8")
    np.testing.assert_array_equal(shifted.astype(np.int16)[sure] - 128, want[sure])
    unit = model.encode(TEXTS)
    np.testing.assert_allclose(unit, want / np.linalg.norm(want, axis=1, keepdims=True), atol=2e-3)
    assert np.abs(pooled).min() > 1e-6, "a sign would be a matter of rounding"
    bits = np.packbits(torch.where(torch.from_numpy(pooled) >= 0, 1, 0).numpy().astype(bool), axis=1)
    for normalised in (True, False):
        signs = model.encode(TEXTS, normalize_embeddings=normalised, precision="ubinary")
        np.testing.assert_array_equal(signs, bits)


def test_components_that_round_to_zero_keep_their_sign_as_bits(tmp_path: Path) -> None:
    model = mlx_jinabert.load(written(tmp_path / "pplx"))
    tiny = np.tile(np.array([1e-4, -1e-4, 0.5, -9.0], np.float32), 16)[None]
    finish = model.finisher(normalize_embeddings=False)
    assert finish(tiny)[0, :4].tolist() == [0, 0, 59, -127]
    for normalised in (True, False):
        assert set(model.finisher(normalised, precision="ubinary")(tiny)[0]) == {0b10101010}


def test_a_conversion_keeps_it(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    folder = written(tmp_path / "pplx")
    want = mlx_jinabert.load(folder, backend="onnx")
    for target in ("mlx", "onnx"):
        convert(Request(str(folder), target, tmp_path / target))
        kept = mlx_jinabert.load(tmp_path / target, backend="onnx")
        got = kept.encode(TEXTS, normalize_embeddings=False)
        np.testing.assert_array_equal(got, want.encode(TEXTS, normalize_embeddings=False))
        assert kept.fingerprint == want.fingerprint


def test_it_is_part_of_the_identity(tmp_path: Path) -> None:
    with_it, without = written(tmp_path / "a"), written(tmp_path / "b", MODULES[:2])
    assert mlx_jinabert.load(with_it).fingerprint != mlx_jinabert.load(without).fingerprint


def test_a_conversion_for_mlx_is_known_by_its_name(tmp_path: Path) -> None:
    folder = written(tmp_path / "pplx-embed-v1-0.6b-8bit")
    shutil.rmtree(folder / "1_Pooling")
    (folder / "modules.json").unlink()
    found = read_folder(folder, model_id=str(folder), origin="folder")
    assert (found.pooling, found.rounds) == ("mean", True)


def test_the_contextual_sibling_states_no_pooling(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = written(tmp_path / "pplx-embed-context-v1-0.6b")
    shutil.rmtree(folder / "1_Pooling")
    (folder / "modules.json").unlink()
    mlx_jinabert.load(folder)
    assert "pooling the mean of all tokens, which may be wrong: models of type" in caplog.text


@pytest.mark.parametrize(
    "modules",
    [
        [*MODULES, NORMALIZE],
        [MODULES[0], MODULES[2]],
        [MODULES[0], MODULES[2], MODULES[1]],
        [*MODULES[:2], {**MODULES[2], "type": "elsewhere.FlexibleQuantizer"}],
        [*MODULES, MODULES[2]],
    ],
    ids=["normalised", "unpooled", "before the pooling", "another module of that name", "twice"],
)
def test_other_chains_are_refused(tmp_path: Path, modules: list[dict[str, object]]) -> None:
    with pytest.raises(UnsupportedConfig, match="FlexibleQuantizer"):
        mlx_jinabert.load(written(tmp_path / "pplx", modules))


def test_another_rounding_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "pplx")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "vector_rounding": "int4"}))
    with pytest.raises(UnsupportedConfig, match="vector_rounding"):
        mlx_jinabert.load(folder)
