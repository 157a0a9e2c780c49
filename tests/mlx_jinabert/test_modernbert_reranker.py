"""ModernBERT with a classifier: logits against transformers, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import mlx_jinabert
from conversion.convert import Request, convert
from mlx_jinabert.errors import UnsupportedConfig, WeightMismatch
from tests.support.checkpoints import Checkpoint, config_of, tensors_of, write, write_shards
from tests.support.closeness import assert_close
from tests.support.running import BACKENDS, require

MODERN = Checkpoint("modernbert", heads=4, hidden=64, layers=4, max_position=160, pooler=False)
PAIRS = [("where are retries decided", "def retry(): ..."), ("x", ""), ("a b c", "y " * 60), ("世界", "🚀")]


def written(folder: Path, *, bias: bool = False, **config: object) -> Path:
    """As transformers saves ``ModernBertForSequenceClassification`` with one label."""
    write(folder, MODERN)
    random = np.random.RandomState(5)
    width = MODERN.hidden
    tensors = {f"model.{name}": value for name, value in tensors_of(MODERN).items()}
    tensors["head.dense.weight"] = (random.standard_normal((width, width)) / 8).astype(np.float32)
    if bias:
        tensors["head.dense.bias"] = random.standard_normal(width).astype(np.float32)
    tensors["head.norm.weight"] = 1 + 0.1 * random.standard_normal(width).astype(np.float32)
    tensors["classifier.weight"] = (random.standard_normal((1, width)) / 8).astype(np.float32)
    tensors["classifier.bias"] = random.standard_normal(1).astype(np.float32)
    write_shards(folder, tensors, "float32")
    record = {**config_of(MODERN), "id2label": {"0": "LABEL_0"}, "classifier_bias": bias, **config}
    (folder / "config.json").write_text(json.dumps(record))
    return folder


@pytest.mark.parity
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("pooling", "bias"), [("cls", False), ("mean", True)])
def test_logits_are_those_of_transformers(tmp_path: Path, backend: str, pooling: str, bias: bool) -> None:
    require("torch", "transformers", {"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    import torch
    from transformers import ModernBertForSequenceClassification

    folder = written(tmp_path, bias=bias, classifier_pooling=pooling)
    model = mlx_jinabert.load_reranker(folder, backend=backend, dtype="float32")
    reference, report = ModernBertForSequenceClassification.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float64, num_labels=1, output_loading_info=True
    )
    assert not report["missing_keys"]
    tokens = model.tokenizer.encode_pairs(PAIRS)
    with torch.no_grad():
        want = [
            reference.eval()(
                input_ids=torch.from_numpy(ids)[None].long(), attention_mask=torch.ones(1, len(ids))
            )
            for ids in tokens.ids
        ]
    logits = np.array([float(each.logits[0, 0]) for each in want], np.float32)
    assert_close(
        model.predict(PAIRS, activation="identity"), logits, atol=2e-5, what=f"{pooling} on {backend}"
    )


@pytest.mark.parametrize("target", BACKENDS)
def test_a_conversion_keeps_the_head(tmp_path: Path, target: str) -> None:
    require({"mlx": "mlx.core", "onnx": "onnxruntime"}[target])
    folder = written(tmp_path / "source", classifier_pooling="mean")
    done = convert(Request(str(folder), target, tmp_path / "out"))
    want = mlx_jinabert.load_reranker(folder, backend=target, dtype="float32").predict(PAIRS)
    got = mlx_jinabert.load_reranker(done.out, backend=target, dtype="float32").predict(PAIRS)
    assert_close(got, want, atol=1e-5, what="converted")


@pytest.mark.parametrize(
    ("key", "value"),
    [("id2label", {"0": "a", "1": "b"}), ("classifier_activation", "relu"), ("classifier_pooling", "max")],
)
def test_a_head_of_another_kind_is_refused(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(UnsupportedConfig, match=key):
        mlx_jinabert.load_reranker(written(tmp_path, **{key: value}))


def test_its_vectors_are_not_asked_for(tmp_path: Path) -> None:
    with pytest.raises(WeightMismatch, match="load_reranker"):
        mlx_jinabert.load(written(tmp_path))
