"""ModernBERT with a classifier: logits against transformers, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mlx_jinabert
from conversion.convert import Request, convert
from mlx_jinabert.errors import UnsupportedConfig, WeightMismatch
from tests.support.closeness import assert_close
from tests.support.running import BACKENDS, require
from tests.support.sequence_classifiers import write_modernbert_classifier

PAIRS = [("where are retries decided", "def retry(): ..."), ("x", ""), ("a b c", "y " * 60), ("世界", "🚀")]


@pytest.mark.parity
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("pooling", "bias"), [("cls", False), ("mean", True)])
def test_logits_are_those_of_transformers(tmp_path: Path, backend: str, pooling: str, bias: bool) -> None:
    require("torch", "transformers", {"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    import torch
    from transformers import ModernBertForSequenceClassification

    folder = write_modernbert_classifier(tmp_path, bias=bias, classifier_pooling=pooling)
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
    folder = write_modernbert_classifier(tmp_path / "source", classifier_pooling="mean")
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
        mlx_jinabert.load_reranker(write_modernbert_classifier(tmp_path, **{key: value}))


def test_its_vectors_are_not_asked_for(tmp_path: Path) -> None:
    with pytest.raises(WeightMismatch, match="load_reranker"):
        mlx_jinabert.load(write_modernbert_classifier(tmp_path))
