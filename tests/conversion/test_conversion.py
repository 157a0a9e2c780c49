"""convert-weights as it is used: folders in, folders out."""

from __future__ import annotations

import hashlib
import json
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import mlx_jinabert
from conversion import weights
from mlx_jinabert.checkpoint.weights import Weights
from tests.support.checkpoints import Checkpoint, tensors_of, write
from tests.support.closeness import assert_close
from tests.support.converting import CODE, TEXTS, UNUSED, contents, encode, names, record, run


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("source") / "code-model", CODE)


@pytest.mark.parametrize(("dtype", "atol"), [("float32", 2e-6), ("float16", 2e-3), ("bfloat16", 2e-2)])
def test_float_types(source: Path, tmp_path: Path, dtype: str, atol: float) -> None:
    done = run(source, "--dtype", dtype, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert_close(encode(tmp_path / "out"), encode(source), atol=atol, what=dtype)
    with Weights([tmp_path / "out/model.safetensors"]) as stored:
        assert {stored.dtype(name) for name in stored.names()} == {dtype}


@pytest.mark.parametrize(("bits", "cosine"), [(8, 0.9999), (6, 0.999), (4, 0.97)])
def test_packed(source: Path, tmp_path: Path, bits: int, cosine: float) -> None:
    done = run(source, "--quantize", f"int{bits}", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    agreement = (encode(tmp_path / "out") * encode(source)).sum(axis=1)
    assert agreement.min() > cosine, agreement
    config = json.loads((tmp_path / "out/config.json").read_text())
    assert config["quantization"] == {"bits": bits, "group_size": 64}
    stored = load_file(tmp_path / "out/model.safetensors")
    assert stored["encoder.layer.0.mlp.down_layer.weight"].shape == (64, 128 * bits // 32)
    assert stored["encoder.layer.0.mlp.down_layer.scales"].shape == (64, 2)
    assert stored["embeddings.word_embeddings.weight"].dtype == np.float16


def test_a_width_that_wants_smaller_groups(tmp_path: Path) -> None:
    folder = write(tmp_path / "narrow", Checkpoint("en", hidden=64, intermediate=96, layers=1))
    assert run(folder, "--quantize", "int8", "--out", tmp_path / "out").code == 0
    assert record(tmp_path / "out")["quantization"] == {"bits": 8, "group_size": 32}
    agreement = (encode(tmp_path / "out") * encode(folder)).sum(axis=1)
    assert agreement.min() > 0.9999, agreement


def test_a_width_that_no_group_divides(tmp_path: Path) -> None:
    folder = write(tmp_path / "odd", Checkpoint("en", hidden=64, intermediate=80, layers=1))
    done = run(folder, "--quantize", "int8", "--out", tmp_path / "out")
    assert done.code == 2
    assert "widths of the linear layers (64, 80) are not all multiples of 32" in done.err


@pytest.mark.parametrize(("quantize", "cosine"), [("none", 0.999999), ("int8", 0.999), ("int4", 0.97)])
def test_onnx(source: Path, tmp_path: Path, quantize: str, cosine: float) -> None:
    done = run(source, "--to", "onnx", "--quantize", quantize, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert not list((tmp_path / "out").glob("*.safetensors"))
    agreement = (encode(tmp_path / "out", "onnx") * encode(source, "mlx")).sum(axis=1)
    assert agreement.min() > cosine, agreement
    dtype = "float32" if quantize == "none" else quantize
    assert mlx_jinabert.load(tmp_path / "out").dtype == record(tmp_path / "out")["dtype"] == dtype


@pytest.mark.parametrize("options", [["--dtype", "float16"], ["--quantize", "int4"]])
def test_shards(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]) -> None:
    """What one file would hold, in several with an index; a layer's scales are beside its words."""
    assert run(source, *options, "--out", tmp_path / "one").code == 0
    monkeypatch.setattr(weights.write, "__defaults__", (20_000,))
    assert run(source, *options, "--out", tmp_path / "many").code == 0
    index = json.loads((tmp_path / "many/model.safetensors.index.json").read_text())
    files = sorted((tmp_path / "many").glob("model-*.safetensors"))
    assert len(files) > 3
    assert {name: file.name for file in files for name in load_file(file)} == index["weight_map"]
    assert all(file.stat().st_size < 20_000 + 80_000 for file in files)  # or one large tensor
    assert_close(encode(tmp_path / "many"), encode(tmp_path / "one"), atol=0, what="vectors")


@pytest.mark.parametrize("options", [["--dtype", "bfloat16"], ["--quantize", "int6"]])
def test_blocks_of_rows_are_put_together(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    assert run(source, *options, "--out", tmp_path / "whole").code == 0
    monkeypatch.setattr(weights, "_BLOCK_VALUES", 500)
    assert run(source, *options, "--out", tmp_path / "blocks").code == 0
    assert contents(tmp_path / "blocks") == contents(tmp_path / "whole")


def test_names_values_and_what_is_left_out(tmp_path: Path) -> None:
    wrapped = Checkpoint("bert", layers=1, prefix="bert.", shards=2, dtype="bfloat16")
    folder = write(tmp_path / "wrapped", wrapped)
    assert run(folder, "--dtype", "float32", "--out", tmp_path / "out").code == 0
    stored = load_file(tmp_path / "out/model.safetensors")
    with Weights(sorted(folder.glob("*.safetensors"))) as original:
        assert {f"bert.{name}" for name in stored} == original.names() - {f"bert.{name}" for name in UNUSED}
        for name, values in stored.items():
            assert_close(values, original.read(f"bert.{name}"), atol=0, what=name)
    assert set(record(tmp_path / "out")["dropped"]) == {f"bert.{name}" for name in UNUSED}


def test_an_unknown_tensor_stops_it(source: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(source, tmp_path / "extra"))
    tensors = load_file(folder / "model.safetensors")
    save_file({**tensors, "adapter.down": np.ones(3, np.float32)}, folder / "model.safetensors")
    done = run(folder, "--out", tmp_path / "out")
    assert done.code == 2
    assert "not expected: adapter.down" in done.err
    assert names(tmp_path) == ["extra"]


def test_a_value_that_the_type_cannot_hold(source: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(source, tmp_path / "large"))
    tensors = {name: values.copy() for name, values in load_file(folder / "model.safetensors").items()}
    tensors["encoder.layer.1.mlp.down_layer.bias"][7] = 70_000
    save_file(tensors, folder / "model.safetensors")
    done = run(folder, "--dtype", "float16", "--out", tmp_path / "out")
    assert done.code == 2
    assert "encoder.layer.1.mlp.down_layer.bias holds 70000, which is out of the range of float16" in done.err
    assert names(tmp_path) == ["large"]
    assert run(folder, "--dtype", "bfloat16", "--out", tmp_path / "out").code == 0


def test_pickles_are_refused(source: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(source, tmp_path / "pickled"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    done = run(folder, "--out", tmp_path / "out")
    assert done.code == 2
    assert "pytorch_model.bin" in done.err
    assert "safetensors" in done.err


def test_converting_twice(source: Path, tmp_path: Path) -> None:
    assert run(source, "--dtype", "bfloat16", "--out", tmp_path / "half").code == 0
    assert run(tmp_path / "half", "--quantize", "int4", "--out", tmp_path / "packed").code == 0
    done = run(tmp_path / "packed", "--dtype", "float32", "--out", tmp_path / "unpacked")
    assert done.code == 2
    assert "quantised already" in done.err


def test_what_is_said_beside_the_weights(tmp_path: Path) -> None:
    folder = write(tmp_path / "cls", CODE.but(pooling="cls", dtype="float16"))
    prompts = {"prompts": {"query": "query: ", "document": ""}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    (folder / "LICENSE").write_text("terms")
    assert run(folder, "--out", tmp_path / "out").code == 0
    before, after = (
        mlx_jinabert.load(folder, backend="mlx"),
        mlx_jinabert.load(tmp_path / "out", backend="mlx"),
    )
    assert dict(after.prompts) == {"query": "query: ", "document": ""}
    assert after.max_length == before.max_length
    assert after.fingerprint == before.fingerprint
    assert_close(after.encode(TEXTS), before.encode(TEXTS), atol=1e-6, what="cls with a default prompt")
    assert (tmp_path / "out/LICENSE").read_text() == "terms"


def test_fingerprints(source: Path, tmp_path: Path) -> None:
    """A float type alone doesn't change an index; a quantisation does. Neither does the backend."""
    kinds = {
        "half": ["--dtype", "float16"],
        "graph": ["--to", "onnx"],
        "graph-int4": ["--to", "onnx", "--quantize", "int4"],
        "int8": ["--quantize", "int8"],
        "int4": ["--quantize", "int4"],
    }
    found = {}
    for name, options in kinds.items():
        assert run(source, *options, "--out", tmp_path / name).code == 0
        found[name] = mlx_jinabert.load(
            tmp_path / name, backend="onnx" if "graph" in name else "mlx"
        ).fingerprint
    original = mlx_jinabert.load(source, backend="mlx").fingerprint
    assert [found["half"], found["graph"]] == [original, original]
    assert len({original, found["int8"], found["int4"], found["graph-int4"]}) == 4


def test_the_record(source: Path, tmp_path: Path) -> None:
    assert run(source, "--dtype", "float16", "--out", tmp_path / "out").code == 0
    written = record(tmp_path / "out")
    sha256 = hashlib.sha256((source / "model.safetensors").read_bytes()).hexdigest()
    assert written["source"]["files"]["model.safetensors"] == sha256
    assert set(written["source"]["files"]) >= {"config.json", "tokenizer.json", "1_Pooling/config.json"}
    assert (written["target"], written["dtype"], written["quantization"]) == ("mlx", "float16", None)
    assert written["written_by"] == {"tool": "convert-weights", "version": mlx_jinabert.__version__}
    assert written["tensors"] == sorted(set(tensors_of(CODE)) - set(UNUSED))
    assert str(source.parent) not in json.dumps(written)
    for name, digest in written["files"].items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest, name


def test_memory_is_bounded_by_blocks_not_tensors(tmp_path: Path) -> None:
    """100 MB in one tensor; what is held at once is a few blocks of 16 MB."""
    rows = np.ones((400_000, 64), np.float32)
    save_file({"table.weight": rows}, tmp_path / "in.safetensors")
    del rows
    with Weights([tmp_path / "in.safetensors"]) as stored:
        layout = weights.plan(stored, {"table.weight": "table.weight"}, dtype="float16", bits=None)
        tracemalloc.start()
        weights.write(tmp_path / "out.safetensors", stored, layout)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 60e6, peak
    assert (load_file(tmp_path / "out.safetensors")["table.weight"] == 1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "onnx", "--dtype", "float16"], "use float32, or --quantize int8"),
        (["--to", "onnx", "--quantize", "int6"], "use int8 or int4, or --to mlx"),
        (["--quantize", "int5"], "'int5' is not one of"),
    ],
)
def test_what_is_not_offered(source: Path, tmp_path: Path, options: list[str], message: str) -> None:
    done = run(source, *options, "--out", tmp_path / "out")
    assert done.code == 2
    assert message in done.err
    assert names(tmp_path) == []


def test_help_and_version() -> None:
    assert "convert-weights jina-code --quantize int8 --verify" in run("--help").out
    assert run("--version").out == f"convert-weights {mlx_jinabert.__version__}\n"
