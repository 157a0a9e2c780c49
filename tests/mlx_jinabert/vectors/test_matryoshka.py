"""Shortened vectors: the order of operations that each model was trained in, and refusal where none was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import mlx_jinabert
from conversion.settings import write_settings
from mlx_jinabert.catalog import available_models
from mlx_jinabert.checkpoint.folder import read_folder
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.local.spec import read_spec
from mlx_jinabert.vectors.matryoshka import check_dim
from tests.support.checkpoints import Checkpoint
from tests.support.closeness import assert_close
from tests.support.running import checkpoint_folder

TEXTS = ["def add(a, b): return a + b", "x"]
SHORT = (("matryoshka_dims", (16, 8)),)
NORMED = (*SHORT, ("matryoshka_layer_norm", True))


def nomic(config: tuple[tuple[str, object], ...]) -> Path:
    return checkpoint_folder(Checkpoint("nomic_bert", heads=4, hidden=32, config=config))


@pytest.mark.parametrize(("config", "normed"), [(SHORT, False), (NORMED, True)], ids=["cut", "norm, cut"])
def test_the_order_of_the_model_card(config: tuple[tuple[str, object], ...], normed: bool) -> None:
    plain = mlx_jinabert.load(nomic(()), backend="onnx", dtype="float32")
    raw = plain.encode(TEXTS, normalize_embeddings=False).astype(np.float64)
    model = mlx_jinabert.load(nomic(config), backend="onnx", dtype="float32")
    want = (raw - raw.mean(1, keepdims=True)) / np.sqrt(raw.var(1, keepdims=True) + 1e-5) if normed else raw
    for dim, full in ((16, want), (8, want), (32, raw)):
        short = full[:, :dim].astype(np.float32)
        got = model.encode(TEXTS, truncate_dim=dim, normalize_embeddings=False)
        assert_close(got, short, atol=1e-5, what=f"{dim} components as they are")
        unit = short / np.linalg.norm(short, axis=1, keepdims=True)
        assert_close(model.encode(TEXTS, truncate_dim=dim), unit, atol=1e-6, what=f"{dim} components")


def test_the_norm_is_part_of_what_short_vectors_are() -> None:
    prints = [
        [read_spec(nomic(config), truncate_dim=dim).fingerprint for dim in (None, 16)]
        for config in (SHORT, NORMED)
    ]
    assert prints[0][0] == prints[1][0]
    assert prints[0][1] != prints[1][1]


def test_a_catalogued_model_brings_its_norm_and_its_conversion_keeps_it(tmp_path: Path) -> None:
    folder = read_folder(nomic(()), model_id="x", origin="hub", entry=available_models()["nomic-text"])
    assert folder.config["matryoshka_layer_norm"] is True
    assert check_dim(256, 768, folder.config, folder.entry) == 256
    write_settings(tmp_path, folder, width=768, dtype="float32", quantization=None)
    converted = json.loads((tmp_path / "config.json").read_text())
    assert converted["matryoshka_layer_norm"] is True
    assert check_dim(256, 768, converted, None) == 256


def test_a_width_that_was_not_trained_is_refused() -> None:
    with pytest.raises(ValueError, match=r"16.*32"):
        read_spec(nomic(SHORT), truncate_dim=12)
    with pytest.raises(ValueError, match="not trained for shorter"):
        read_spec(nomic(()), truncate_dim=16)
    with pytest.raises(UnsupportedConfig, match="matryoshka_layer_norm"):
        read_spec(nomic(()), config_overrides={"matryoshka_layer_norm": "yes"})
