"""convert-weights: ``--verify``, and models that come from the Hub."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from mlx_jinabert.catalog import available_models
from mlx_jinabert.checkpoint.folder import read_folder
from tests.support.checkpoints import Checkpoint, write
from tests.support.converting import CODE, contents, names, record, run
from tests.support.hub_server import Repository, running_hub
from tests.support.running import minilm


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("source") / "code-model", CODE)


def test_verify_without_published_vectors(source: Path, tmp_path: Path) -> None:
    done = run(source, "--quantize", "int8", "--verify", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert done.out.count("to the source in float32  ok (>= 0.999)") == 3
    assert "no whole vector is published for this checkpoint" in done.err


@pytest.mark.parametrize("options", [["--dtype", "float16"], ["--quantize", "int8"], ["--to", "onnx"]])
def test_verify_real_weights(tmp_path: Path, options: list[str]) -> None:
    """all-MiniLM-L6-v2, recognised by the hash of its weights."""
    done = run(minilm(), *options, "--verify", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    [line] = [line for line in done.out.splitlines() if "whole" in line]
    assert float(line.split()[1]) > (0.9998 if "int8" in options else 0.99999), line
    assert record(tmp_path / "out")["source"]["model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert read_folder(tmp_path / "out", model_id="out", origin="folder").normalize


def test_verify_finds_a_broken_model(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(minilm(), tmp_path / "broken"))
    tensors = {name: values.copy() for name, values in load_file(folder / "model.safetensors").items()}
    tensors["encoder.layer.3.output.dense.weight"][:, ::2] = 0
    save_file(tensors, folder / "model.safetensors")
    done = run(folder, "--verify-as", "minilm", "--out", tmp_path / "out")
    assert done.code == 1
    assert "expected at least 0.9999" in done.err
    assert names(tmp_path) == ["broken"]


def test_verify_as_an_unknown_name(source: Path, tmp_path: Path) -> None:
    done = run(source, "--verify-as", "minillm", "--out", tmp_path / "out")
    assert done.code == 2
    assert "did you mean minilm" in done.err


def convert_from_hub(alias: str, source: Path, folder: Path) -> None:
    """``convert-weights ALIAS --dtype float16`` in ``folder``, against the stand-in Hub."""
    entry = available_models()[alias]
    environment = {**os.environ, "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "0"}
    with running_hub() as hub:
        hub.repositories[entry.hub_id] = Repository(contents(source), entry.revision or "c" * 40)
        environment["HF_ENDPOINT"] = hub.endpoint
        command = [sys.executable, "-c", "from conversion.cli import main; main()", alias]
        subprocess.run([*command, "--dtype", "float16"], env=environment, cwd=folder, check=True)


def test_an_alias_comes_from_the_hub_at_its_pinned_revision(source: Path, tmp_path: Path) -> None:
    convert_from_hub("jina-code", source, tmp_path)
    written = record(tmp_path / "jina-embeddings-v2-base-code-mlx-float16")["source"]
    entry = available_models()["jina-code"]
    assert (written["model"], written["revision"]) == (entry.hub_id, entry.revision)
    assert entry.revision is not None


def test_what_only_the_catalog_knows_is_written_down(tmp_path: Path) -> None:
    source = write(tmp_path / "source", Checkpoint("bert", layers=1))
    for name in ("modules.json", "1_Pooling/config.json", "config_sentence_transformers.json"):
        (source / name).unlink()
    convert_from_hub("bge-base", source, tmp_path)
    out = tmp_path / "bge-base-en-v1.5-mlx-float16"
    found = read_folder(out, model_id="out", origin="folder")
    assert found.pooling == available_models()["bge-base"].pooling == "cls"
    assert dict(found.prompts) == dict(available_models()["bge-base"].prompts)
