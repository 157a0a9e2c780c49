"""``mlx-jinabert check`` against PyTorch: what it compares, what it finds wrong, what it cannot compare."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mlx_jinabert
from mlx_jinabert.catalog import available_models
from mlx_jinabert.verify.original import NotComparable, against_original
from mlx_jinabert.verify.published import CheckVector
from tests.support.checkpoints import Checkpoint, tensors_of, write, write_safetensors
from tests.support.hub_server import Repository, running_hub
from tests.support.quantised import write_quantised
from tests.support.running import require
from tests.support.sequence_classifiers import write_modernbert_classifier

SMALL = {"heads": 4, "hidden": 64, "intermediate": 96, "max_position": 512}
BERT = Checkpoint("bert", **SMALL)
DECODER = Checkpoint("qwen3", **SMALL, head_dim=16, pooling="last")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path_factory.mktemp("cache")))
    require("torch", "transformers", "onnxruntime")


def spoil(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the weights by those of another seed: what was loaded before is no longer what lies there."""
    write_safetensors(folder / "model.safetensors", tensors_of(checkpoint.but(seed=1)), "float32")


@pytest.mark.parity
@pytest.mark.parametrize(
    "checkpoint",
    [
        BERT,
        BERT.but(pooling="cls"),
        BERT.but(kind="roberta", pooling="cls"),
        BERT.but(kind="modernbert", layers=4),
        BERT.but(kind="eurobert"),
        BERT.but(kind="gemma3", layers=4, head_dim=16),
        DECODER,
        DECODER.but(kind="qwen2", head=True, prefix="model."),
    ],
    ids=lambda checkpoint: f"{checkpoint.kind}-{checkpoint.pooling}",
)
def test_the_original_agrees_unless_the_weights_are_others(tmp_path: Path, checkpoint: Checkpoint) -> None:
    model = mlx_jinabert.load(write(tmp_path, checkpoint), backend="onnx", dtype="float32")
    found = against_original(model)
    assert (found.passed, found.name) == (True, "original"), found
    assert found.difference < 2e-5
    assert found.detail.startswith("transformers ")
    spoil(tmp_path, checkpoint)
    assert not against_original(model).passed


@pytest.mark.parity
def test_rerankers_are_compared_by_their_logits(tmp_path: Path) -> None:
    folder = write_modernbert_classifier(tmp_path / "classifier", classifier_pooling="mean")
    model = mlx_jinabert.load_reranker(folder, backend="onnx", dtype="float32")
    found = against_original(model)
    assert (found.passed, found.difference < 1e-4) == (True, True)
    write_modernbert_classifier(folder, classifier_pooling="cls")
    assert not against_original(model).passed


@pytest.mark.parametrize(
    ("checkpoint", "reason"),
    [
        (Checkpoint("code", **SMALL), "only code of its own computes it (bert)"),
        (Checkpoint("c2llm", **SMALL, pooling="pma"), "(c2llm)"),
        (DECODER.but(config=(("is_causal", False),)), "(qwen3)"),
        (DECODER.but(config=(("use_bidirectional_attention", True),)), "(qwen3 that sees both ways)"),
        (Checkpoint("static", hidden=64), "(model2vec)"),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_what_only_its_own_code_computes_is_said(tmp_path: Path, checkpoint: Checkpoint, reason: str) -> None:
    model = mlx_jinabert.load(write(tmp_path, checkpoint), backend="onnx", dtype="float32")
    with pytest.raises(NotComparable) as raised:
        against_original(model)
    assert reason in str(raised.value)


def test_packed_weights_are_not_compared(tmp_path: Path) -> None:
    require("mlx.core")
    write_quantised(tmp_path, DECODER, {"group_size": 32, "bits": 8})
    with pytest.raises(NotComparable, match="packed"):
        against_original(mlx_jinabert.load(tmp_path, backend="onnx"))


def test_a_type_that_the_tensors_contradict_is_said(tmp_path: Path) -> None:
    folder = write(tmp_path, BERT)
    model = mlx_jinabert.load(folder, backend="onnx", dtype="float32")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(NotComparable, match=r"finds no encoder\.layer\.2"):
        against_original(model)


def test_a_vector_that_is_too_short_agrees_with_nothing() -> None:
    theirs = CheckVector("org/model", "x", "mean", np.ones(8, np.float32), "somebody")
    assert (theirs.cosine(np.ones(8, np.float32)), theirs.cosine(np.ones(4, np.float32))) == (
        pytest.approx(1),
        0.0,
    )


def command(hub: str, cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``mlx-jinabert check`` in a process of its own, which sees the stand-in for the Hub alone."""
    settings = {"HF_ENDPOINT": hub, "HF_HOME": str(cache), "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "mlx_jinabert", "check", *arguments, "--backend", "onnx"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def published(folder: Path, alias: str) -> dict[str, Repository]:
    """The alias's repository, holding what lies in ``folder`` at the commit of the catalogue."""
    entry = available_models()[alias]
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*.*")
        if path.is_file()
    }
    return {entry.hub_id: Repository(files, commit=entry.revision or "a" * 40)}


def test_an_alias_from_the_hub_in_one_line(tmp_path: Path) -> None:
    """Nothing is published for it, so the original in PyTorch decides; the record's block is printed."""
    folder = write(tmp_path / "model", BERT.but(pooling="cls"))
    with running_hub() as hub:
        hub.repositories |= published(folder, "arctic-xs")
        result = command(hub.endpoint, tmp_path / "cache", "arctic-xs", "--record", "me")
    assert result.returncode == 0, result.stderr
    line, _, block = result.stdout.partition("\n\n")
    assert line.startswith("arctic-xs | ")
    assert line.endswith("| verified")
    assert "transformers " in line
    assert "\n" not in line
    assert f'revision = "{available_models()["arctic-xs"].revision}"' in block


def test_an_alias_with_other_weights_fails(tmp_path: Path) -> None:
    """Vectors are published for it, and its own code alone computes it."""
    folder = write(tmp_path / "model", Checkpoint("code", **SMALL))
    with running_hub() as hub:
        hub.repositories |= published(folder, "jina-code")
        result = command(hub.endpoint, tmp_path / "cache", "jina-code", "--record", "me")
    assert result.returncode == 1, result.stderr
    assert "FAIL: published" in result.stdout
    assert "not by PyTorch" in result.stdout
    assert "nothing to record" in result.stderr


def test_without_torch_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "model", BERT)
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "torch.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(blocked), os.environ.get("PYTHONPATH", ""), str(Path.cwd())])
    )
    result = command("http://127.0.0.1:9", tmp_path / "cache", str(folder))
    shutil.rmtree(blocked)
    assert result.returncode == 0, result.stderr
    assert "not by PyTorch: PyTorch and transformers are not installed | unverified" in result.stdout
