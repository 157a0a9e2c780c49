"""The shared MLX attention: bias, hidden padding and tiles, against a loop in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mlx_jinabert.architectures.shared.alibi import alibi_slopes
from tests.support.closeness import assert_close
from tests.support.running import require

require("mlx.core")

import mlx.core as mx  # noqa: E402

from mlx_jinabert.architectures.shared.mlx import layers  # noqa: E402
from mlx_jinabert.architectures.shared.mlx.layers import AlibiBias, PaddingBias, attend  # noqa: E402

HEADS, WIDTH = 3, 12


def looped(q: NDArray, k: NDArray, v: NDArray, mask: NDArray) -> NDArray[np.float32]:
    """One text, one head, one query at a time; hidden keys are left out, not masked."""
    out = np.zeros(q.shape)
    for text in range(len(q)):
        keys = np.flatnonzero(mask[text])
        for head, slope in enumerate(alibi_slopes(HEADS)):
            part = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS)
            for i in range(q.shape[1]):
                scores = k[text, keys, part] @ q[text, i, part] / 2 - slope * abs(keys - i)
                weights = np.exp(scores - scores.max())
                out[text, i, part] = weights @ v[text, keys, part] / weights.sum()
    return out.astype(np.float32)


@pytest.mark.parametrize("tile", [1 << 26, 2 * HEADS * 9 * 4, 1], ids=["whole", "tiles of 4", "row by row"])
def test_attention_is_the_loop(tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "_TILE_ELEMENTS", tile)
    random = np.random.RandomState(5)
    q, k, v = random.standard_normal((3, 2, 9, WIDTH)).astype(np.float32)
    mask = np.array([[1] * 9, [1] * 4 + [0] * 5], np.int32)
    bias = AlibiBias(mx.array(mask), 9, HEADS, mx.float32)
    got = attend(mx.array(q), mx.array(k), mx.array(v), HEADS, bias)
    assert_close(np.array(got), looped(q, k, v, mask), atol=1e-6, what="attention")


@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16])
def test_alibi_is_made_in_float32_and_rounded_once(dtype: mx.Dtype) -> None:
    length = 4096
    got = AlibiBias(None, length, 8, dtype).rows(0, 1)
    exact = -alibi_slopes(8)[:, None] * np.arange(length, dtype=np.float32)
    assert got.dtype == dtype
    want = np.array(mx.array(exact).astype(dtype).astype(mx.float32))
    assert_close(np.array(got[0, :, 0].astype(mx.float32)), want, atol=0, what="bias")


@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16])
@pytest.mark.parametrize("length", [32, 128, 129])
def test_a_row_of_nothing_but_padding_is_finite(length: int, dtype: mx.Dtype) -> None:
    mask = mx.array(np.stack([np.ones(length), np.zeros(length)]).astype(np.int32))
    random = np.random.RandomState(6)
    x = mx.array(30 * random.standard_normal((2, length, WIDTH)).astype(np.float32)).astype(dtype)
    for bias in (PaddingBias(mask, dtype), AlibiBias(mask, length, HEADS, dtype)):
        out = attend(x, x, x, HEADS, bias)
        assert out.dtype == dtype
        assert np.isfinite(np.array(out.astype(mx.float32))).all()


def test_long_texts_never_have_their_whole_bias_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    tile, length = 1 << 20, 2048
    monkeypatch.setattr(layers, "_TILE_ELEMENTS", tile)
    x = mx.zeros((1, length, WIDTH))
    mask = mx.array((np.arange(length) < length - 1)[None].astype(np.int32))
    mx.eval(x, mask)
    mx.clear_cache()
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    bias = AlibiBias(mask, length, HEADS, mx.float32)
    for _ in range(3):
        x = attend(x, x, x, HEADS, bias)
    mx.eval(x)
    whole = 4 * HEADS * length * length
    assert mx.get_peak_memory() - before < whole / 2
