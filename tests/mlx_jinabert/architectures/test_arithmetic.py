"""The int8 and 4-bit arithmetic of the ONNX graphs: its layouts, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.checkpoint.sentence_files import read_json
from mlx_jinabert.text.tokenizer import Tokenizer
from tests.support.checkpoints import Checkpoint
from tests.support.closeness import assert_close
from tests.support.running import checkpoint_folder, cosine, embed, minilm, open_model, random_ids
from tests.support.stdlib_functions import documented_functions

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from mlx_jinabert.architectures.shared.onnx import int4
from mlx_jinabert.architectures.shared.onnx.arithmetic import ScaledValue
from mlx_jinabert.architectures.shared.onnx.builder import FLOAT, GraphBuilder
from mlx_jinabert.architectures.shared.onnx.int8 import WEIGHT_LIMIT, Int8, quantize_weight
from tests.support.graphing import build, session

KINDS = ("code", "en", "bert")
Array = NDArray[np.float32]


@pytest.mark.parametrize(("dtype", "least"), [("int8", 0.999), ("int4", 0.96)])
@pytest.mark.parametrize("kind", KINDS)
def test_quantised_graphs_follow_float32(kind: str, dtype: str, least: float) -> None:
    """The same computation: random weights are kinder than trained ones, so the bound is tight."""
    folder, ids = checkpoint_folder(Checkpoint(kind)), random_ids((1, 2, 33, 128), 512)
    exact, rounded = (embed(open_model(folder, "onnx", dtype), ids) for dtype in ("float32", dtype))
    assert cosine(rounded, exact).min() > least
    assert np.abs(rounded - exact).max() > 1e-4  # and it is not float32 under another name


def int8_identity(path: Path, width: int, groups: int) -> Callable[[Array], Array]:
    """x -> x + 1 through an int8 product, in a model that is ``width`` wide."""
    g = GraphBuilder()
    arithmetic = Int8(g, width)
    rows = arithmetic.rows(ScaledValue(g.input("x", FLOAT, ("tokens", 4))), 4, groups)
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
    rows = Int8(g, 256).rows(ScaledValue(g.input("x", FLOAT, ("tokens", 4))), 4)
    g.output(rows.scales[0] or g.number(0), "scale", FLOAT, ("tokens", 1))
    scale = session(g.finish(), tmp_path)(x=np.zeros((2, 4), np.float32))
    assert (scale > 0).all()


def test_an_outlier_channel_costs_the_other_group_nothing(tmp_path: Path) -> None:
    x = np.array([[1e4, 0, 0.3, -0.7]], np.float32)
    assert_close(int8_identity(tmp_path, 384, 2)(x)[:, 2:], x[:, 2:] + 1, atol=0.01, what="two groups")
    assert_close(int8_identity(tmp_path, 256, 2)(x)[:, 2:], np.ones((1, 2), np.float32), atol=0, what="one")


@given(weight=arrays(np.float32, (3, 5), elements=st.floats(-1e6, 1e6, width=32)))
def test_weights_are_rounded_to_the_nearest_step(weight: Array) -> None:
    quantized = quantize_weight(weight)
    assert np.abs(quantized.values).max() <= WEIGHT_LIMIT
    error = np.abs(quantized.values.T * quantized.scales[:, None] - weight)
    assert (error <= quantized.scales[:, None] * 0.5001).all()


@given(weight=arrays(np.float32, (2, 3 * int4.BLOCK - 5), elements=st.floats(-1e6, 1e6, width=32)))
def test_4_bits_are_within_a_step_and_keep_zero(weight: Array) -> None:
    weight[0, :40] = 0
    packed = int4.quantize_weight(weight)
    codes, zeros = (
        np.stack([pairs & 15, pairs >> 4], axis=-1).reshape(2, -1).astype(np.float32)
        for pairs in (packed.codes, packed.zero_points.reshape(2, -1))
    )
    steps = packed.scales.reshape(2, 3).repeat(int4.BLOCK, axis=1)
    back = (codes - zeros[:, :3].repeat(int4.BLOCK, axis=1)) * steps
    assert (np.abs(back[:, : weight.shape[1]] - weight) <= steps[:, : weight.shape[1]] * 1.001).all()
    assert not back[0, :32].any()
    assert not back[:, weight.shape[1] :].any()


@pytest.mark.parametrize("width", [32, 40, 264])
def test_the_layout_of_4_bits_is_that_of_the_runtime(tmp_path: Path, width: int) -> None:
    random = np.random.RandomState(0)
    weight = random.randint(-8, 8, (6, width)).astype(np.float32)
    weight[:, ::16] = [[-8.0], [7.0]] * 3  # both ends in every block, so that rounding is exact
    weight[:, 1::16] = [[7.0], [-8.0]] * 3
    g = GraphBuilder()
    arithmetic = int4.Int4(g)
    rows = arithmetic.rows(ScaledValue(g.input("x", FLOAT, ("tokens", width))), width)
    g.output(arithmetic.dense(rows, weight, np.ones(6, np.float32)), "y", FLOAT, ("tokens", 6))
    run = session(g.finish(), tmp_path)
    x = random.randint(-127, 128, (3, width)).astype(np.float32)
    x[:, ::16] = 127
    assert_close(run(x=x), x @ weight.T + 1, atol=0.02, what="products")
    assert_close(run(x=x[:1]), run(x=x)[:1], atol=0.02, what="a row alone")


def test_no_pair_of_products_saturates_16_bits() -> None:
    """What processors without VNNI add up in 16 bits: two products of uint8 and int8."""
    graph = build(EMBEDDED, "int8")
    matrices = [array for array in graph.weights.values() if array.dtype == np.int8]
    config = read_json(EMBEDDED / "config.json")
    assert config is not None
    assert len(matrices) == 7 * config["num_hidden_layers"]
    for matrix in matrices:
        assert_no_saturation(matrix)


@given(weight=arrays(np.float32, (3, 7), elements=st.floats(-1e3, 1e3, width=32)))
def test_no_weight_makes_a_pair_saturate(weight: Array) -> None:
    weight[0] = np.abs(weight[0])  # of one sign: the sums bind
    assert_no_saturation(quantize_weight(weight).values)


def test_single_weights_use_8_bits() -> None:
    assert np.abs(quantize_weight(np.array([[3, -2, 0.5]], np.float32)).values).max() == 127
    assert quantize_weight(np.array([[2, 2, 0.5]], np.float32)).values[0, 0] == 64


def assert_no_saturation(matrix: NDArray[np.int8]) -> None:
    """For (in, out) weights: any uint8 times inputs 2n and 2n + 1, added, fits 16 bits with a sign."""
    padded = np.pad(matrix.astype(np.int64), ((0, len(matrix) % 2), (0, 0)))
    pairs = padded.reshape(-1, 2, padded.shape[1])
    assert 255 * int(np.maximum(pairs, 0).sum(axis=1).max()) < 2**15
    assert 255 * int(np.minimum(pairs, 0).sum(axis=1).min()) >= -(2**15)


@pytest.mark.parametrize("model", ["embedded", "all-MiniLM-L6-v2"])
def test_trained_weights(model: str) -> None:
    """What int8 has to keep; 4 bits are reported by ``python -m scripts.quantisation_table``."""
    folder = EMBEDDED if model == "embedded" else minilm()
    texts = [text for pair in documented_functions(110) for text in (pair.prose, pair.code)]
    assert len(texts) == 220
    ids = sorted(Tokenizer(folder / "tokenizer.json", 256).encode(texts).ids, key=len)
    exact, rounded = (embed(open_model(folder, "onnx", dtype), ids) for dtype in ("float32", "int8"))
    found = cosine(rounded, exact)
    assert found.min() >= 0.995
