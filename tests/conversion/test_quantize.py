"""Quantisation and float types of convert-weights, bit by bit against MLX."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from conversion.numbers import NotRepresentable, narrowed, widened
from conversion.quantize import group_size_for, quantize_rows
from tests.support.closeness import assert_close

mx = pytest.importorskip("mlx.core")

FINITE = st.floats(-1000, 1000, width=32)
ROWS = arrays(np.float32, st.tuples(st.integers(1, 3), st.just(128)), elements=FINITE)


@pytest.mark.parametrize("group_size", [32, 64])
@pytest.mark.parametrize("bits", [4, 6, 8])
@given(rows=ROWS)
def test_codes_are_those_of_mlx(bits: int, group_size: int, rows: np.ndarray) -> None:
    with mx.stream(mx.cpu):
        words, scales, biases = mx.quantize(mx.array(rows), group_size=group_size, bits=bits)
    ours = quantize_rows(rows, bits, group_size)
    assert (ours.words == np.array(words)).all()
    assert_close(ours.scales, np.array(scales), atol=0, what="scales")
    assert_close(ours.biases, np.array(biases), atol=0, what="biases")


@pytest.mark.parametrize("bits", [4, 6, 8])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@given(rows=ROWS)
def test_error_is_at_most_a_step(bits: int, dtype: str, rows: np.ndarray) -> None:
    """Half a step of rounding, and what a half-typed scale and bias add over the whole range."""
    ours = quantize_rows(rows, bits, 64, dtype)
    for part in (ours.scales, ours.biases):
        assert_close(widened(narrowed(part, dtype), dtype), part, atol=0, what="as stored")
    with mx.stream(mx.cpu):
        parts = [mx.array(part) for part in (ours.words, ours.scales, ours.biases)]
        back = np.array(mx.dequantize(*parts, group_size=64, bits=bits)).reshape(-1, 64)
    groups = rows.reshape(-1, 64)
    largest = np.abs(groups).max(axis=1)
    step = (groups.max(axis=1) - groups.min(axis=1)) / (2**bits - 1)
    rounding = {"float32": 1e-6, "float16": 2**-9, "bfloat16": 2**-6}[dtype]
    assert (np.abs(back - groups).max(axis=1) <= step + rounding * largest + 1e-6).all()


def test_zeros_stay_zeros() -> None:
    ours = quantize_rows(np.zeros((2, 64), np.float32), 4, 32)
    back = mx.dequantize(
        mx.array(ours.words), mx.array(ours.scales), mx.array(ours.biases), group_size=32, bits=4
    )
    assert_close(np.array(back), np.zeros((2, 64), np.float32), atol=0, what="zeros")


@pytest.mark.parametrize(
    ("widths", "size"), [({768, 3072}, 64), ({384, 96}, 32), ({96}, 32), ({64, 80}, None)]
)
def test_group_sizes(widths: set[int], size: int | None) -> None:
    assert group_size_for(widths) == size


@given(arrays(np.float32, 16, elements=st.floats(-(2.0**127), 2.0**127, width=32)))
def test_bfloat16_rounds_as_mlx_does(values: np.ndarray) -> None:
    with mx.stream(mx.cpu):
        theirs = np.array(mx.array(values).astype(mx.bfloat16).astype(mx.float32))
    assert_close(widened(narrowed(values, "bfloat16"), "bfloat16"), theirs, atol=0, what="bfloat16")


@pytest.mark.parametrize(("dtype", "value"), [("float16", 65520), ("bfloat16", 3.4e38), ("float32", np.inf)])
def test_what_does_not_fit_is_refused(dtype: str, value: float) -> None:
    with pytest.raises(NotRepresentable):
        narrowed(np.array([1, value], np.float32), dtype)
    narrowed(np.array([1, 65504], np.float32), dtype)
