"""``python -m mlx_jinabert.verify`` says yes to a right model and no to a wrong one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import mlx_jinabert
from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.local.embedder import LocalEmbedder
from mlx_jinabert.local.spec import read_spec
from mlx_jinabert.text.tokenizer import TokenBatch, Tokenizer
from mlx_jinabert.verify.report import attention_kernel, checks, main
from scripts import write_embedded_golden
from tests.support.closeness import assert_close
from tests.support.running import minilm, require


def test_the_shipped_model_passes_and_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seconds", "0", "--dtype", "float32", "--backend", "onnx"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    model = read_spec("embedded")
    for part in (
        f"embedded {model.fingerprint[:12]}",
        "onnx float32 on cpu",
        "Python 3.",
        "texts/s",
        "| pass",
    ):
        assert part in line


@pytest.mark.parametrize(
    ("device", "width", "says"),
    [("metal", 64, "fused attention"), ("cuda", 32, "unfused"), ("cpu", 64, ""), ("metal", 0, "")],
)
def test_the_line_says_which_kernel_computes_attention(device: str, width: int, says: str) -> None:
    said = attention_kernel("mlx", device, width)
    assert said.startswith(says) if says else said == ""


def test_heads_are_as_wide_as_the_checkpoint_says() -> None:
    assert mlx_jinabert.load("embedded").head_width == 64
    assert mlx_jinabert.load(minilm()).head_width == 32  # for which MLX has no fused kernel


def test_all_minilm_agrees_with_what_others_published() -> None:
    found = {check.name: check for check in checks.published(mlx_jinabert.load(minilm(), backend="onnx"))}
    for text in ("What is Deep Learning?", "hello world"):
        assert found[f"published: {text}"].passed
        assert found[f"published: {text}"].cosine > 0.99999
    assert "text-embeddings-inference @0d124dc" in found["published: What is Deep Learning?"].detail


def test_the_report_as_json_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seconds", "0", "--json"]) == 0
    report = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (report["passed"], report["model"]) == (True, "embedded")
    assert {check["name"] for check in report["checks"]} >= {"golden vectors", "single = batch"}


def test_a_model_that_cannot_be_loaded_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", "./nowhere"]) == 2
    assert "no such folder" in capsys.readouterr().err


class Faulty:
    """The right backend with a fault; ``spoil(vectors, batch)`` gives what it answers."""

    def __init__(self, spoil: Callable[[np.ndarray, TokenBatch], np.ndarray]) -> None:
        self._model = mlx_jinabert.load("embedded", backend="onnx", dtype="float32")
        self._spoil = spoil
        self.name, self.device, self.dtype, self.dim = "onnx", "cpu", "float32", 256
        self.brief_tokens = 0

    def embed(self, batch: TokenBatch) -> np.ndarray:
        return self._spoil(self._model._owner.run(lambda backend: backend.embed(batch)), batch)

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("golden vectors", lambda v, batch: v + 1e-3),
        ("single = batch", lambda v, batch: v + 1e-3 * (len(v) > 1) * np.arange(len(v))[:, None]),
        (
            "padding does not matter",
            lambda v, batch: v * (1 + batch.mask.mean(1, keepdims=True) * np.eye(1, 256)),
        ),
    ],
)
def test_a_fault_is_found(name: str, spoil: Callable[[np.ndarray, TokenBatch], np.ndarray]) -> None:
    source = read_spec("embedded")
    owner = BackendOwner(lambda: Faulty(lambda v, b: spoil(v, b).astype(np.float32)))
    model = LocalEmbedder(source, Tokenizer(source.folder.tokenizer, source.max_length), owner, partial(int))
    found = {check.name: check for check in (*checks.golden(model), *checks.invariants(model))}
    assert not found[name].passed


def test_golden_vectors_are_of_the_shipped_files() -> None:
    record = json.loads((EMBEDDED / "golden.json").read_text())
    for name, key in (("model.safetensors", "weights_sha256"), ("tokenizer.json", "tokenizer_sha256")):
        assert record[key] == hashlib.sha256((EMBEDDED / name).read_bytes()).hexdigest()


@pytest.mark.parity
def test_golden_vectors_are_what_the_reference_computes() -> None:
    require("torch")
    record = json.loads((Path(EMBEDDED) / "golden.json").read_text())
    assert record["texts"] == list(write_embedded_golden.TEXTS)
    want = write_embedded_golden.vectors()
    assert_close(np.array(record["vectors"], np.float32), want, atol=1e-7, what="golden.json")
