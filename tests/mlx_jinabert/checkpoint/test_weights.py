"""Safetensors are mapped, and every tensor of a checkpoint is used or dropped by name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mlx_jinabert.architectures import read_architecture
from mlx_jinabert.architectures.bert.config import BertConfig
from mlx_jinabert.architectures.shared.matching import match
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.errors import ModelFolderError, WeightMismatch
from tests.support.checkpoints import Checkpoint, config_of, tensors_of, write_safetensors, write_shards
from tests.support.closeness import assert_close
from tests.support.mapped import needs_smaps, resident_bytes
from tests.support.running import checkpoint_folder, read, require

Tensors = dict[str, NDArray]


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize(("dtype", "step"), [("float32", 0.0), ("float16", 2**-10), ("bfloat16", 2**-7)])
def test_read_gives_what_was_written(dtype: str, step: float, shards: int) -> None:
    checkpoint = Checkpoint("code", dtype=dtype, shards=shards)
    folder, _ = read(checkpoint_folder(checkpoint))
    with Weights(folder.weights) as weights:
        assert weights.names() == set(tensors_of(checkpoint))
        for name, value in tensors_of(checkpoint).items():
            assert weights.dtype(name) == dtype
            assert weights.read(name).dtype == (np.float16 if dtype == "float16" else np.float32)
            assert_close(weights.read(name) - value, 0 * value, atol=step * abs(value).max(), what=name)


def test_nothing_is_copied_until_it_has_to_be(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "a.safetensors", {"a": np.ones((4, 4), np.float32)}, "float32")
    array = Weights([tmp_path / "a.safetensors"]).read("a")
    assert not array.flags.owndata
    assert not array.flags.writeable


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-4], lambda data: data[:7], lambda _: b"\x80\x04K\x01."]
)
def test_a_damaged_file_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "model.safetensors"
    write_safetensors(path, {"a": np.ones(8, np.float32)}, "float32")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelFolderError, match=r"model\.safetensors"):
        Weights([path])


def test_a_tensor_in_two_shards_is_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "1.safetensors", tmp_path / "2.safetensors"]
    for path in paths:
        write_safetensors(path, {"a": np.ones(1, np.float32)}, "float32")
    with pytest.raises(ModelFolderError, match="tensor a is in 1"):
        Weights(paths)


def matched(folder: Path, tensors: Tensors, kind: str = "bert", dtype: str = "float32") -> dict[str, str]:
    write_shards(folder, tensors, dtype)
    with Weights([folder / "model.safetensors"]) as weights:
        return match(weights, read_architecture(config_of(Checkpoint(kind)), weights.names()))


@pytest.mark.parametrize("kind", ["code", "en", "bert"])
def test_used_and_dropped_are_the_whole_checkpoint(tmp_path: Path, kind: str) -> None:
    tensors = tensors_of(Checkpoint(kind, prefix="bert."))
    tensors["cls.predictions.bias"] = np.zeros(512, np.float32)
    tensors["bert.embeddings.position_ids"] = np.arange(512)[None]
    names = matched(tmp_path, tensors, kind)
    assert set(tensors) - set(names.values()) == {
        "cls.predictions.bias",
        "bert.embeddings.position_ids",
        "bert.pooler.dense.weight",
        "bert.pooler.dense.bias",
    }
    assert names["embeddings.LayerNorm.weight"] == "bert.embeddings.LayerNorm.weight"


def test_missing_extra_and_wrongly_shaped_tensors_are_named(tmp_path: Path) -> None:
    tensors = tensors_of(Checkpoint("bert"))
    del tensors["encoder.layer.1.output.dense.bias"]
    tensors["classifier.weight"] = np.zeros((1, 64), np.float32)
    tensors["embeddings.LayerNorm.bias"] = np.zeros(65, np.float32)
    with pytest.raises(WeightMismatch) as caught:
        matched(tmp_path, tensors)
    assert caught.value.missing == ("encoder.layer.1.output.dense.bias",)
    assert caught.value.extra == ("classifier.weight",)
    assert caught.value.shapes == {"embeddings.LayerNorm.bias": ((65,), (64,))}


def test_a_wrong_type_is_named(tmp_path: Path) -> None:
    tensors = tensors_of(Checkpoint("bert"))
    tensors["embeddings.LayerNorm.bias"] = np.zeros(64, np.int64)
    with pytest.raises(WeightMismatch, match=r"embeddings\.LayerNorm\.bias is int64"):
        matched(tmp_path, tensors)


def test_one_tensor_under_two_names_is_refused(tmp_path: Path) -> None:
    tensors = tensors_of(Checkpoint("bert"))
    tensors["bert.embeddings.LayerNorm.gamma"] = tensors["embeddings.LayerNorm.weight"]
    with pytest.raises(WeightMismatch, match=r"bert\.embeddings\.LayerNorm\.gamma"):
        matched(tmp_path, tensors)


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_quantised_layers_are_packed_with_scales_and_biases(bits: int) -> None:
    require("mlx.core")
    import mlx.core as mx

    folder = checkpoint_folder(Checkpoint("code"))
    packed, scales, biases = mx.quantize(mx.ones((128, 64)), group_size=64, bits=bits)
    config = json.loads((folder / "config.json").read_text()) | {
        "quantization": {"bits": bits, "group_size": 64}
    }
    with Weights([folder / "model.safetensors"]) as weights:
        quantization = read_architecture(config, weights.names()).quantization
    assert quantization is not None
    assert quantization.packed_shape((128, 64)) == packed.shape
    assert quantization.group_shape((128, 64)) == scales.shape == biases.shape


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize(("start", "stop"), [(0, 1), (3, 7), (63, 64), (60, 99), (64, 70)])
def test_rows_are_those_of_the_whole(dtype: str, start: int, stop: int) -> None:
    folder, _ = read(checkpoint_folder(Checkpoint("code", dtype=dtype)))
    with Weights(folder.weights) as weights:
        for name in ("encoder.layer.0.mlp.down_layer.weight", "encoder.layer.1.mlp.down_layer.bias"):
            got, want = weights.rows(name, start, stop), weights.read(name)[start:stop]
            assert_close(got, want, atol=0, what=f"{name}[{start}:{stop}]")


def test_dropped_says_what_takes_no_part() -> None:
    config = config_of(Checkpoint("bert"))
    bert = read_architecture(config, list(tensors_of(Checkpoint("bert"))))
    assert isinstance(bert, BertConfig)
    assert [bert.dropped(name) for name in ("bert.pooler.dense.weight", "classifier.weight")] == [True, False]


@pytest.mark.parametrize("in_turn", [False, True], ids=["pread", "in turn"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_rows_are_read_by_number(tmp_path: Path, monkeypatch, dtype: str, in_turn: bool) -> None:
    path = tmp_path / "model.safetensors"
    table = np.random.default_rng(1).normal(size=(5_000, 64)).astype(np.float32)
    words = {
        "float32": table,
        "float16": table.astype(np.float16),
        "bfloat16": table.view(np.uint16)[:, 1::2],
    }
    stored = np.ascontiguousarray(words[dtype])
    write_safetensors(path, {"first": stored[:3], "table": stored}, dtype)
    if in_turn:
        monkeypatch.delattr(os, "pread", raising=False)
    with Weights([path]) as weights:
        rows, whole = weights.rows_of("table"), weights.read("table")
    assert (len(rows), rows.width) == stored.shape
    for numbers in ([4_999, 0, 17, 17], []):
        read = rows.read(np.array(numbers, np.int32))
        assert read.dtype == whole.dtype
        assert np.array_equal(read, whole[numbers])


@needs_smaps
def test_rows_that_were_read_stay_out_of_memory(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_safetensors(path, {"table": np.ones((5_000, 64), np.float32)}, "float32")
    rows = Weights([path]).rows_of("table")
    rows.read(np.arange(5_000))
    assert resident_bytes(path) == 0
