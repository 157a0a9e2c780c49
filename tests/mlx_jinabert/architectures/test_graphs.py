"""Pieces of the ONNX graphs against dumb twins, and their files.

Whole float32 graphs are held against the references in test_parity.py and test_golden.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mlx_jinabert.architectures import ARCHITECTURES, ArchitectureConfig, implementation
from mlx_jinabert.architectures.shared.alibi import alibi_slopes
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.vectors.pooling import pool
from tests.support.checkpoints import Checkpoint, tensors_of, write
from tests.support.closeness import assert_close
from tests.support.running import checkpoint_folder, read

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from mlx_jinabert.architectures.graphs import builder_sources
from mlx_jinabert.architectures.shared.onnx import builder
from mlx_jinabert.architectures.shared.onnx.arithmetic import Float32
from mlx_jinabert.architectures.shared.onnx.builder import FLOAT, GraphBuilder
from mlx_jinabert.architectures.shared.onnx.dtypes import DTYPES
from mlx_jinabert.architectures.shared.onnx.layers import Layers
from mlx_jinabert.architectures.shared.onnx.tensors import Checkpoint as Tensors
from tests.support.graphing import build, padded, session
from tests.support.imports import imported
from tests.support.paths import ROOT

KINDS = ("code", "en", "bert", "qwen2", "qwen3")
Array = NDArray[np.float32]


def pieces(path: Path, finish: Callable[[Layers], None]) -> Callable[..., Array]:
    """A graph of shared pieces alone."""
    with Weights([]) as weights:
        tensors = Tensors(weights, _NoTensors(hidden_size=4, vocab_size=8, max_position=8))
    graph = GraphBuilder()
    layers = Layers(graph, tensors, Float32(graph), 4)
    finish(layers)
    return session(layers.graph.finish(), path)


class _NoTensors(ArchitectureConfig):
    recognises = read = classmethod(lambda cls, config, names: None)

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        return {}


@pytest.mark.parametrize("heads", [2, 12])
def test_the_bias_of_alibi_and_padding(tmp_path: Path, heads: int) -> None:
    slopes = alibi_slopes(heads)
    run = pieces(
        tmp_path,
        lambda layers: layers.graph.output(layers.mask_bias(slopes), "bias", FLOAT, ("b", "h", "l", "l")),
    )
    bias = run(**padded((3, 5), 5))
    for b, h, i, j in np.ndindex(bias.shape):
        if b == 0 and j >= 3:
            assert -np.inf < bias[b, h, i, j] < -1e37
        else:
            assert bias[b, h, i, j] == -slopes[h] * abs(i - j)


@pytest.mark.parametrize("mode", ["mean", "cls", "last"])
@settings(max_examples=25)
@given(mask=arrays(np.int64, st.tuples(st.integers(1, 3), st.integers(1, 6)), elements=st.integers(0, 1)))
def test_pooling_is_that_of_the_package(
    tmp_path_factory: pytest.TempPathFactory, mode: str, mask: NDArray[np.int64]
) -> None:
    run = pieces(
        tmp_path_factory.mktemp("pool"),
        lambda layers: layers.pool(layers.graph.input("hidden", FLOAT, ("tokens", 4)), mode),
    )
    hidden = np.random.RandomState(0).randn(*mask.shape, 4).astype(np.float32)
    got = run(hidden=hidden.reshape(-1, 4), input_ids=mask, attention_mask=mask)
    assert_close(got, pool(hidden, mask, mode), atol=1e-6, what=mode)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing_and_a_row_of_it_is_zero(tmp_path: Path, kind: str, dtype: str) -> None:
    run = session(build(checkpoint_folder(Checkpoint(kind)), dtype), tmp_path)
    alone, among = run(**padded((7,), 7)), run(**padded((7, 12, 0), 12))
    assert_close(among[:1], alone, atol=2e-6, what="the padded row")
    assert_close(among[2], np.zeros(64, np.float32), atol=0, what="the row of padding")


def test_the_format_is_one_that_older_runtimes_read() -> None:
    model = build(checkpoint_folder(Checkpoint()), "int8", "last").model
    assert {opset.domain: opset.version for opset in model.opset_import} == {"": 20, "com.microsoft": 1}
    assert model.ir_version == 9
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata == {"architecture": "jina_bert", "dtype": "int8", "pooling": "last", "dim": "64"}


def test_weights_in_a_file_of_their_own(tmp_path: Path) -> None:
    graph = build(checkpoint_folder(Checkpoint(dtype="float16")), "float32")
    inputs = padded((3, 9), 9)
    inline = session(graph, tmp_path)(**inputs)
    assert not (tmp_path / "model.onnx.data").exists()
    total = sum(array.nbytes for array in graph.weights.values())
    external = session(graph, tmp_path, inline_bytes=total - 1)(**inputs)
    assert (tmp_path / "model.onnx").stat().st_size < 100_000 < (tmp_path / "model.onnx.data").stat().st_size
    assert_close(external, inline, atol=0, what="vectors")


def test_weights_that_go_to_their_file_while_the_graph_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first weight too many on; those before it follow them. Blocks of rows are a weight too."""
    folder, inputs = checkpoint_folder(Checkpoint(dtype="bfloat16")), padded((3, 9), 9)
    held = build(folder, "int8")
    monkeypatch.setattr(builder, "Initializers", partial(builder.Initializers, inline_bytes=70_000))
    spilled = build(folder, "int8", data=tmp_path / "model.onnx.data")
    for (name, array), (other, twin) in zip(
        sorted(held.weights.items()), sorted(spilled.weights.items()), strict=True
    ):
        assert name == other
        assert_close(twin, array, atol=0, what=name)
    with pytest.raises(ValueError, match="the graph cannot be"):
        spilled.save(tmp_path / "other.onnx")
    want = session(held, tmp_path)(**inputs)
    assert_close(session(spilled, tmp_path)(**inputs), want, atol=0, what="vectors")
    assert (tmp_path / "model.onnx.data").stat().st_size > 70_000 > (tmp_path / "model.onnx").stat().st_size


def test_an_unknown_dtype_is_refused() -> None:
    with pytest.raises(ValueError, match="'float16'; supported: float32, int8"):
        build(checkpoint_folder(Checkpoint()), "float16")


@pytest.mark.parametrize("bits", [3, 4, 6, 8])
def test_quantised_folders_of_mlx_are_read(tmp_path: Path, bits: int) -> None:
    mx = pytest.importorskip("mlx.core")
    folder = write(tmp_path / "m", Checkpoint())
    name = "encoder.layer.0.mlp.down_layer"
    tensors = tensors_of(Checkpoint())
    with mx.stream(mx.cpu):
        packed = mx.quantize(mx.array(tensors[f"{name}.weight"]), group_size=32, bits=bits)
        want = np.array(mx.dequantize(*packed, group_size=32, bits=bits))
    parts = dict(zip(("weight", "scales", "biases"), map(np.array, packed), strict=True))
    mx.save_safetensors(
        str(folder / "model.safetensors"),
        {k: mx.array(v) for k, v in (tensors | {f"{name}.{k}": v for k, v in parts.items()}).items()},
    )
    record = '{"quantization": {"group_size": 32, "bits": BITS},'.replace("BITS", str(bits))
    config = (folder / "config.json").read_text().replace("{", record, 1)
    (folder / "config.json").write_text(config)
    record, architecture = read(folder)
    with Weights(record.weights) as weights:
        got = Tensors(weights, architecture).read(f"{name}.weight")
    assert_close(got, want, atol=1e-7, what=f"{bits} bits")


def test_the_version_of_the_builder_covers_all_that_a_graph_is_built_by() -> None:
    """All of the package that onnx.py files and the builder import, but errors and what holds no numbers."""
    done: set[Path] = set()
    queue = [
        ROOT / "mlx_jinabert/architectures/graphs.py",
        *ROOT.glob("mlx_jinabert/architectures/*/onnx.py"),
    ]
    while queue:
        path = queue.pop()
        if path in done:
            continue
        done.add(path)
        for name in imported(path):
            parts = name.split(".")
            for file in (ROOT.joinpath(*parts).with_suffix(".py"), ROOT.joinpath(*parts, "__init__.py")):
                if parts[0] == "mlx_jinabert" and len(parts) > 1 and file.is_file():
                    queue.append(file)
    without_numbers = {"errors.py", "quick_dataclass.py", "checkpoint/__init__.py"}
    needed = {path.relative_to(ROOT / "mlx_jinabert").as_posix() for path in done} - without_numbers
    hashed = {path.relative_to(ROOT / "mlx_jinabert").as_posix() for path in builder_sources()}
    assert needed <= hashed
    assert {"checkpoint/weights.py", "architectures/gte/config.py", "architectures/shared/rope.py"} <= needed


def test_every_architecture_is_a_folder_and_a_row() -> None:
    folder = ROOT / "mlx_jinabert/architectures"
    with_config = {path.parent.name for path in folder.glob("*/config.py")} - {"shared", "decoder"}
    assert with_config == set(ARCHITECTURES)
    for name in ARCHITECTURES:
        kind = import_module(f"mlx_jinabert.architectures.{name}.config").CONFIG
        assert kind.architecture == name
        assert callable(implementation(kind, "onnx").encode)
