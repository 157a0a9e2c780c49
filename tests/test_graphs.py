"""Pieces of the ONNX graphs against dumb twins, and the int8 arithmetic.

Whole float32 graphs are held against the references in test_parity.py and test_golden.py.
"""

from __future__ import annotations

import ast
import sysconfig
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mlx_jinabert.alibi import alibi_slopes
from mlx_jinabert.configs import ArchitectureConfig
from mlx_jinabert.folder import EMBEDDED
from mlx_jinabert.pooling import pool
from mlx_jinabert.tokenizer import Tokenizer
from mlx_jinabert.weights import Weights
from tests.checkpoints import Checkpoint, tensors_of, write
from tests.running import checkpoint_folder, cosine, embed, minilm, open_model, random_ids, read
from tests.support import assert_close

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from mlx_jinabert.graphs import build_graph  # noqa: E402
from mlx_jinabert.graphs.arithmetic import Float32, Scaled  # noqa: E402
from mlx_jinabert.graphs.builder import FLOAT, Graph, GraphBuilder  # noqa: E402
from mlx_jinabert.graphs.checkpoint import Checkpoint as Tensors  # noqa: E402
from mlx_jinabert.graphs.layers import Layers  # noqa: E402
from mlx_jinabert.graphs.quantize import WEIGHT_LIMIT, Int8, quantize_weight  # noqa: E402

KINDS = ("code", "en", "bert")
Array = NDArray[np.float32]


def build(folder: Path, dtype: str, pooling: str = "mean") -> Graph:
    record, architecture = read(folder)
    with Weights(record.weights) as weights:
        return build_graph(weights, architecture, pooling=pooling, dtype=dtype)


def session(graph: Graph, path: Path, **options: int) -> Callable[..., Array]:
    graph.save(path / "model.onnx", **options)
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    opened = onnxruntime.InferenceSession(path / "model.onnx", quiet, providers=["CPUExecutionProvider"])
    names = {value.name for value in opened.get_inputs()}
    return lambda **inputs: opened.run(None, {k: v for k, v in inputs.items() if k in names})[0]


def padded(lengths: Sequence[int], length: int) -> dict[str, NDArray[np.int64]]:
    ids = np.ones((len(lengths), length), np.int64)
    mask = np.zeros_like(ids)
    for row, sequence in enumerate(random_ids(lengths, 512)):
        ids[row, : len(sequence)], mask[row, : len(sequence)] = sequence, 1
    return {"input_ids": ids, "attention_mask": mask}


def pieces(path: Path, finish: Callable[[Layers], None]) -> Callable[..., Array]:
    """A graph of shared pieces alone."""
    with Weights([]) as weights:
        tensors = Tensors(weights, _NoTensors(hidden_size=4, max_position=8))
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
@settings(max_examples=25, deadline=None)
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


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing_and_a_row_of_it_is_zero(tmp_path: Path, kind: str, dtype: str) -> None:
    run = session(build(checkpoint_folder(Checkpoint(kind)), dtype), tmp_path)
    alone, among = run(**padded((7,), 7)), run(**padded((7, 12, 0), 12))
    assert_close(among[:1], alone, atol=2e-6, what="the padded row")
    assert_close(among[2], np.zeros(64, np.float32), atol=0, what="the row of padding")


@pytest.mark.parametrize("kind", KINDS)
def test_int8_follows_float32(kind: str) -> None:
    """The same computation: random weights are kinder than trained ones, so the bound is tight."""
    folder, ids = checkpoint_folder(Checkpoint(kind)), random_ids((1, 2, 33, 128), 512)
    exact, rounded = (embed(open_model(folder, "onnx", dtype), ids) for dtype in ("float32", "int8"))
    assert cosine(rounded, exact).min() > 0.999
    assert np.abs(rounded - exact).max() > 1e-4  # and it is not float32 under another name


def int8_identity(path: Path, width: int, groups: int) -> Callable[[Array], Array]:
    """x -> x + 1 through an int8 product, in a model that is ``width`` wide."""
    g = GraphBuilder()
    arithmetic = Int8(g, width)
    rows = arithmetic.rows(Scaled(g.input("x", FLOAT, ("tokens", 4))), 4, groups)
    product = arithmetic.dense(rows, np.eye(4, dtype=np.float32), np.ones(4, np.float32))
    g.output(product, "y", FLOAT, ("tokens", 4))
    run = session(g.finish(), path)
    return lambda x: run(x=x)


@pytest.mark.parametrize("kind", KINDS)
def test_groups_of_widths_that_they_do_not_divide(kind: str) -> None:
    odd = Checkpoint(kind, hidden=8 * 33, heads=8, intermediate=97 * 2, layers=1)
    folder, ids = checkpoint_folder(odd), random_ids((1, 33), 512)
    exact, rounded = (embed(open_model(folder, "onnx", dtype), ids) for dtype in ("float32", "int8"))
    assert cosine(rounded, exact).min() > 0.999


def test_an_outlier_in_the_batch_costs_its_neighbours_nothing(tmp_path: Path) -> None:
    run = int8_identity(tmp_path, width=256, groups=2)
    x = np.array([[1, -2, 0.5, 0], [1e4, 0, 0, 0], [0, 0, 0, 0]], np.float32)
    assert_close(run(x)[[0, 2]], x[[0, 2]] + 1, atol=0.01, what="rows beside an outlier")
    assert_close(run(x)[:1], run(x[:1]), atol=0, what="a row alone")


def test_the_scale_of_a_row_of_zeros_is_not_zero(tmp_path: Path) -> None:
    g = GraphBuilder()
    rows = Int8(g, 256).rows(Scaled(g.input("x", FLOAT, ("tokens", 4))), 4)
    g.output(rows.scales[0] or g.number(0), "scale", FLOAT, ("tokens", 1))
    scale = session(g.finish(), tmp_path)(x=np.zeros((2, 4), np.float32))
    assert (scale > 0).all()


def test_an_outlier_channel_costs_the_other_group_nothing(tmp_path: Path) -> None:
    x = np.array([[1e4, 0, 0.3, -0.7]], np.float32)
    assert_close(int8_identity(tmp_path, 384, 2)(x)[:, 2:], x[:, 2:] + 1, atol=0.01, what="two groups")
    assert_close(int8_identity(tmp_path, 256, 2)(x)[:, 2:], np.ones((1, 2), np.float32), atol=0, what="one")


@settings(deadline=None)
@given(weight=arrays(np.float32, (3, 5), elements=st.floats(-1e6, 1e6, width=32)))
def test_weights_are_rounded_to_the_nearest_step(weight: Array) -> None:
    quantized = quantize_weight(weight)
    assert np.abs(quantized.values).max() <= WEIGHT_LIMIT
    error = np.abs(quantized.values.T * quantized.scales[:, None] - weight)
    assert (error <= quantized.scales[:, None] * 0.5001).all()


def test_no_pair_of_products_saturates_16_bits() -> None:
    """What processors without VNNI add up in 16 bits: two products of uint8 and int8."""
    graph = build(EMBEDDED, "int8")
    matrices = [array for array in graph.weights.values() if array.dtype == np.int8]
    assert len(matrices) == 4 * 7
    assert max(2 * 255 * int(np.abs(matrix).max()) for matrix in matrices) < 2**15


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


@cache
def functions(count: int) -> list[str]:
    """Documentation and code of the standard library, in equal parts."""
    texts: list[str] = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("[a-d]*.py")):
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and (prose := ast.get_docstring(node)):
                texts += [prose[:200], "\n".join(lines[node.body[0].end_lineno : node.end_lineno])[:300]]
    texts = sorted({text for text in texts if text.strip()})
    return texts[:: len(texts) // count][:count]


@pytest.mark.parametrize("model", ["embedded", "all-MiniLM-L6-v2"])
def test_int8_on_trained_weights(model: str) -> None:
    folder = EMBEDDED if model == "embedded" else minilm()
    texts = functions(220)
    assert len(texts) >= 200
    ids = sorted(Tokenizer(folder / "tokenizer.json", 256).encode(texts).ids, key=len)
    exact, rounded = (embed(open_model(folder, "onnx", dtype), ids) for dtype in ("float32", "int8"))
    found = cosine(rounded, exact)
    assert found.min() >= {"embedded": 0.9995, "all-MiniLM-L6-v2": 0.995}[model]
