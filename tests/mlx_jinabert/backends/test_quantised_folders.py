"""Folders that mlx-lm and mlx-embeddings quantised give the vectors that PyTorch has for their weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import mlx_jinabert
from mlx_jinabert import UnsupportedConfig, WeightMismatch
from tests.support.checkpoints import Checkpoint
from tests.support.closeness import assert_close
from tests.support.running import BACKENDS, cosine, require

FLOAT32_ATOL = 2e-5
TEXTS = ["def add(a, b): return a + b", "x", "where are retries decided " * 8]

SMALL = {"heads": 4, "hidden": 64, "intermediate": 128, "max_position": 160, "prefix": "model."}
BERT = Checkpoint("bert", **SMALL, dtype="float16").but(prefix="")
QWEN3 = Checkpoint("qwen3", **SMALL, head_dim=16, pooling="last", dtype="bfloat16")
GEMMA3 = Checkpoint("gemma3", **SMALL, head_dim=16, layers=4, dtype="bfloat16")
MODELS = [
    pytest.param(BERT, id="bert"),
    pytest.param(BERT.but(kind="roberta"), id="xlm-roberta"),
    pytest.param(Checkpoint("modernbert", **SMALL, layers=4, dtype="float16"), id="modernbert"),
    pytest.param(QWEN3, id="qwen3"),
    pytest.param(QWEN3.but(kind="qwen2", head_dim=0, head=True), id="qwen2"),
    pytest.param(GEMMA3, id="gemma3"),
    pytest.param(GEMMA3.but(config=(("use_bidirectional_attention", False),), pooling="last"), id="causal"),
    pytest.param(Checkpoint("llama", **SMALL, dtype="bfloat16"), id="llama"),
]
PACKINGS = [
    pytest.param({"group_size": 64, "bits": 4}, id="4-bit"),
    pytest.param({"group_size": 32, "bits": 8}, id="8-bit"),
]


def reference(tmp_path: Path, checkpoint: Checkpoint, meant: dict[str, NDArray[np.float32]]) -> NDArray:
    """Unit vectors of TEXTS by PyTorch from the unpacked weights, through the dense layers."""
    require("torch", "transformers")
    from mlx_jinabert.text.tokenizer import Tokenizer
    from tests.support import reference as torch_reference
    from tests.support.quantised import write_meant

    folder = write_meant(tmp_path / "meant", checkpoint, meant)
    ids = Tokenizer(folder / "tokenizer.json", 160).encode(TEXTS).ids
    vectors = torch_reference.embed(folder, ids, checkpoint.pooling)
    for n in range(sum(name.startswith("dense.") for name in meant)):
        vectors = vectors @ meant[f"dense.{n}.weight"].T
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parity
@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("checkpoint", MODELS)
def test_packed_weights_are_what_they_mean(
    tmp_path: Path, checkpoint: Checkpoint, packing: dict[str, int]
) -> None:
    require("mlx.core", "onnxruntime")
    from tests.support.quantised import write_quantised

    meant = write_quantised(tmp_path / "packed", checkpoint, packing)
    want = reference(tmp_path, checkpoint, meant)
    told = {"pooling": checkpoint.pooling}
    for backend in BACKENDS:
        model = mlx_jinabert.load(
            tmp_path / "packed", backend=backend, dtype="float32", config_overrides=told
        )
        assert_close(model.encode(TEXTS), want, atol=FLOAT32_ATOL, what=f"{checkpoint.kind} on {backend}")


@pytest.mark.parity
def test_single_layers_may_be_packed_in_another_way(tmp_path: Path) -> None:
    require("mlx.core", "onnxruntime")
    from tests.support.quantised import write_quantised

    wide, fine = {"group_size": 32, "bits": 6}, {"group_size": 64, "bits": 8}
    single = {
        "model.layers.0.self_attn.v_proj": wide,
        "model.layers.1.mlp.down_proj": fine,
        "model.layers.1.mlp.up_proj": False,
        "model.layers.1.mlp.gate_proj": True,
        "lm_head": {"group_size": 64, "bits": 8},
    }
    meant = write_quantised(tmp_path / "packed", QWEN3, {"group_size": 64, "bits": 4}, single=single)
    want = reference(tmp_path, QWEN3, meant)
    for backend in BACKENDS:
        got = mlx_jinabert.load(tmp_path / "packed", backend=backend, dtype="float32").encode(TEXTS)
        assert_close(got, want, atol=FLOAT32_ATOL, what=f"mixed on {backend}")


@pytest.mark.parity
@pytest.mark.parametrize("listed", [True, False], ids=["modules.json", "nothing said"])
@pytest.mark.parametrize("packed", [True, False], ids=["packed", "floats"])
def test_dense_layers_among_the_weights_follow_the_pooling(
    tmp_path: Path, packed: bool, listed: bool
) -> None:
    """EmbeddingGemma's, as mlx-embeddings stores them; modules.json may still name folders that are gone."""
    require("mlx.core", "onnxruntime")
    from tests.support.quantised import write_quantised

    random = np.random.RandomState(3)
    inner = {
        "dense.0.weight": random.standard_normal((256, 64)).astype(np.float32) / 8,
        "dense.1.weight": random.standard_normal((64, 256)).astype(np.float32) / 16,
    }
    single = {} if packed else {"dense.0": False, "dense.1": False}
    packing = {"group_size": 64, "bits": 4}
    folder = tmp_path / "packed"
    meant = write_quantised(folder, GEMMA3, packing, single=single, inner=inner)
    if listed:
        kinds = ("Transformer", "Pooling", "Dense", "Dense", "Normalize")
        modules = [
            {"idx": n, "path": f"{n}_{kind}" if n else "", "type": f"sentence_transformers.models.{kind}"}
            for n, kind in enumerate(kinds)
        ]
        (folder / "modules.json").write_text(json.dumps(modules))
    want = reference(tmp_path, GEMMA3, meant)
    for backend in BACKENDS:
        got = mlx_jinabert.load(folder, backend=backend, dtype="float32").encode(TEXTS)
        assert_close(got, want, atol=FLOAT32_ATOL, what=f"dense on {backend}")


def packed_folder(folder: Path, checkpoint: Checkpoint = QWEN3) -> Path:
    require("mlx.core")
    from tests.support.quantised import write_quantised

    write_quantised(folder, checkpoint, {"group_size": 64, "bits": 4})
    return folder


def test_what_is_chosen_by_itself_stays_close_to_float32(tmp_path: Path) -> None:
    require("onnxruntime")
    folder = packed_folder(tmp_path, BERT)
    told = {"pooling": "mean"}
    exact = mlx_jinabert.load(folder, backend="onnx", dtype="float32", config_overrides=told).encode(TEXTS)
    for backend, dtype in (("mlx", "int4"), ("onnx", "int8")):
        model = mlx_jinabert.load(folder, backend=backend, config_overrides=told)
        assert model.dtype == dtype
        assert cosine(model.encode(TEXTS), exact).min() > 0.99


@pytest.mark.parametrize("mode", ["mxfp4", "mxfp8", "nvfp4"])
def test_another_scheme_is_named(tmp_path: Path, mode: str) -> None:
    folder = packed_folder(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    record = config.pop("quantization_config")
    (folder / "config.json").write_text(json.dumps(config | {"quantization": {**record, "mode": mode}}))
    with pytest.raises(UnsupportedConfig, match=rf"quantization\.mode.*{mode}.*affine"):
        mlx_jinabert.load(folder)
    single = {**record, "model.layers.1.mlp.up_proj": {"group_size": 32, "bits": 4, "mode": mode}}
    (folder / "config.json").write_text(json.dumps(config | {"quantization": single}))
    with pytest.raises(UnsupportedConfig, match=rf"quantization\.model\.layers\.1.*mode.*{mode}"):
        mlx_jinabert.load(folder)


def test_a_packing_that_the_tensors_contradict_is_refused(tmp_path: Path) -> None:
    folder = packed_folder(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["quantization"]["model.layers.0.mlp.up_proj"] = {"group_size": 64, "bits": 8}
    config["quantization_config"] = config["quantization"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightMismatch, match=r"layers\.0\.mlp\.up_proj\.weight"):
        mlx_jinabert.load(folder)
    config["quantization"]["model.layers.0.mlp.up_proj"] = "8 bits"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UnsupportedConfig, match=r"up_proj.*'8 bits'"):
        mlx_jinabert.load(folder)


def test_dense_layers_that_do_not_fit_are_named(tmp_path: Path) -> None:
    require("mlx.core")
    from tests.support.quantised import write_quantised

    inner = {"dense.0.weight": np.ones((128, 128), np.float32)}
    write_quantised(tmp_path, GEMMA3, {"group_size": 64, "bits": 4}, inner=inner, single={"dense.0": False})
    with pytest.raises(WeightMismatch, match=r"dense\.0\.weight.*\(128, 128\)"):
        mlx_jinabert.load(tmp_path)


def test_a_conversion_puts_dense_layers_into_folders_of_their_own(tmp_path: Path) -> None:
    require("mlx.core", "onnxruntime")
    from conversion.convert import Request, convert
    from tests.support.quantised import write_quantised

    inner = {"dense.0.weight": np.eye(128, 64, dtype=np.float32), "dense.1.weight": np.eye(32, 128)}
    write_quantised(
        tmp_path / "floats", GEMMA3, {}, inner={k: v.astype(np.float32) for k, v in inner.items()}
    )
    config = json.loads((tmp_path / "floats/config.json").read_text())
    plain = {key: value for key, value in config.items() if not key.startswith("quantization")}
    (tmp_path / "floats/config.json").write_text(json.dumps(plain))
    done = convert(Request(str(tmp_path / "floats"), "onnx", tmp_path / "out"))
    before = mlx_jinabert.load(tmp_path / "floats", backend="onnx").encode(TEXTS)
    assert before.shape == (3, 32)
    assert_close(mlx_jinabert.load(done.out).encode(TEXTS), before, atol=2e-6, what="converted")
