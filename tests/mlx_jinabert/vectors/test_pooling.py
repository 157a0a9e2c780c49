"""Pooling against loops, on NumPy and MLX arrays alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mlx_jinabert.vectors.pooling import POOLING_MODES, l2_normalize, pool, truncate
from tests.support.closeness import assert_close
from tests.support.running import require

finite = st.floats(-100, 100, width=32)
masks = arrays(np.int32, (3, 5), elements=st.integers(0, 1))
hiddens = arrays(np.float32, (3, 5, 4), elements=finite)


def looped(hidden: NDArray[np.float32], mask: NDArray[np.int32], mode: str) -> NDArray[np.float32]:
    """One row and one token at a time."""
    rows = []
    for tokens, flags in zip(hidden, mask, strict=True):
        real = [token for token, flag in zip(tokens, flags, strict=True) if flag]
        chosen = {"mean": real, "cls": real[:1], "last": real[-1:]}[mode]
        rows.append(np.sum(chosen, axis=0) / len(chosen) if chosen else np.zeros(hidden.shape[2], np.float32))
    return np.array(rows, np.float32)


@pytest.mark.parametrize("mode", POOLING_MODES)
@given(hidden=hiddens, mask=masks)
def test_pool_is_the_loop(mode: str, hidden: NDArray[np.float32], mask: NDArray[np.int32]) -> None:
    got = pool(hidden, mask, mode)
    assert got.dtype == np.float32
    assert_close(got, looped(hidden, mask, mode), atol=1e-4, what=mode)


@pytest.mark.parametrize("mode", POOLING_MODES)
def test_one_body_for_numpy_and_mlx(mode: str) -> None:
    require("mlx.core")
    import mlx.core as mx

    random = np.random.RandomState(0)
    hidden = random.standard_normal((4, 6, 8)).astype(np.float32)
    mask = (np.arange(6) < np.array([[6], [1], [3], [0]])).astype(np.int32)
    got = np.array(l2_normalize(truncate(pool(mx.array(hidden), mx.array(mask), mode), 5)))
    assert_close(got, l2_normalize(truncate(pool(hidden, mask, mode), 5)), atol=1e-6, what=mode)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="max"):
        pool(np.zeros((1, 1, 1), np.float32), np.ones((1, 1), np.int32), "max")


@given(arrays(np.float32, (3, 4), elements=st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False)))
def test_rows_have_unit_length_or_stay_zero(vectors: NDArray[np.float32]) -> None:
    got = np.linalg.norm(l2_normalize(vectors).astype(np.float64), axis=1)
    assert_close(got, np.any(vectors != 0, axis=1).astype(np.float64), atol=1e-6, what="norms")


def test_truncate() -> None:
    vectors = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert truncate(vectors, 2).tolist() == [[0, 1], [4, 5], [8, 9]]
    assert truncate(vectors, None) is vectors
    for dim in (0, 5, -1):
        with pytest.raises(ValueError, match="4"):
            truncate(vectors, dim)
