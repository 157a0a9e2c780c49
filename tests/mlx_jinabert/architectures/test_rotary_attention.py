"""Attention of the rotary encoders in MLX: windows in stretches, padding, angles at long distances."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.closeness import assert_close
from tests.support.running import require

require("mlx.core")

import mlx.core as mx  # noqa: E402

from mlx_jinabert.architectures.shared.mlx import local_attention  # noqa: E402
from mlx_jinabert.architectures.shared.mlx.local_attention import LocalBias, attend_locally  # noqa: E402
from mlx_jinabert.architectures.shared.mlx.rotary import Rotation  # noqa: E402

HEADS, SIZE, WINDOW = 2, 4, 3


def looped(q: NDArray, k: NDArray, v: NDArray, mask: NDArray) -> NDArray[np.float32]:
    """One text, one head, one query at a time; keys out of sight are left out, not masked."""
    out = np.zeros((*q.shape[:1], q.shape[2], HEADS * SIZE))
    for text, head, i in np.ndindex(q.shape[:3]):
        keys = [j for j in np.flatnonzero(mask[text]) if abs(i - j) <= WINDOW]
        if keys:
            scores = k[text, head, keys] @ q[text, head, i] / SIZE**0.5
            weights = np.exp(scores - scores.max())
            out[text, i, head * SIZE : (head + 1) * SIZE] = weights @ v[text, head, keys] / weights.sum()
    return out.astype(np.float32)


@pytest.mark.parametrize("length", [1, 4, 5, 23])
@pytest.mark.parametrize("stretch", [512, 4, 1], ids=["whole", "stretches of 4", "row by row"])
@pytest.mark.parametrize("padded", [True, False])
def test_local_attention_is_the_loop(
    length: int, stretch: int, padded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_attention, "_STRETCH", stretch)
    q, k, v = np.random.RandomState(5).standard_normal((3, 2, HEADS, length, SIZE)).astype(np.float32)
    mask = np.ones((2, length), np.int32)
    mask[1, (length + 1) // 2 :] = 0
    bias = LocalBias(mx.array(mask) if padded else None, length, WINDOW, mx.float32)
    got = np.array(attend_locally(*map(mx.array, (q, k, v)), bias))
    seen = mask if padded else np.ones_like(mask)
    assert np.isfinite(got).all()
    real = seen.astype(bool)
    assert_close(got[real], looped(q, k, v, seen)[real], atol=1e-6, what="local attention")


def test_masks_are_made_once_and_grow_with_the_length() -> None:
    bias = LocalBias(None, 8192, 64, mx.float32)
    x = mx.zeros((1, 1, 8192, 8))
    attend_locally(x, x, x, bias)
    first = dict(bias._built)
    attend_locally(x, x, x, bias)
    assert all(bias._built[key] is mask for key, mask in first.items())
    assert sum(mask.size for mask in first.values()) <= 8192 * (local_attention._STRETCH + 2 * 64)


@pytest.mark.parametrize(("dtype", "atol"), [(mx.float32, 1e-3), (mx.float16, 3e-3), (mx.bfloat16, 2e-2)])
def test_angles_are_float32_whatever_the_heads_are(dtype: mx.Dtype, atol: float) -> None:
    length, size, base = 8192, 64, 10000.0
    x = np.zeros((1, 1, length, size), np.float32)
    x[..., : size // 2] = 1
    got = np.array(Rotation(size, base)(mx.array(x).astype(dtype)).astype(mx.float32))[0, 0]
    angles = np.arange(length)[:, None] / base ** (np.arange(0, size, 2) / size)
    want = np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert_close(got, want, atol=atol, what="rotated ones")
