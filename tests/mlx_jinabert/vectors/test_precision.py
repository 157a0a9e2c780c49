"""Vectors in fewer bits: what they are of a vector alone, and what of sentence-transformers' they keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mlx_jinabert.vectors.pooling import l2_normalize
from mlx_jinabert.vectors.precision import as_precision, check_precision
from tests.support.closeness import assert_close

Vectors = NDArray[np.float32]
WIDTHS = st.sampled_from([8, 24, 128, 768])


@st.composite
def unit_vectors(draw: st.DrawFn) -> Vectors:
    shape = (draw(st.integers(1, 4)), draw(WIDTHS))
    return l2_normalize(draw(arrays(np.float32, shape, elements=st.floats(-1, 1, width=32))))


def theirs(vectors: Vectors, precision: str) -> NDArray[np.generic]:
    """quantize_embeddings of sentence-transformers 5 (sentence_transformers/quantization.py) for bits."""
    packed = np.packbits(vectors > 0).reshape(vectors.shape[0], -1)
    return packed if precision == "ubinary" else (packed - 128).astype(np.int8)


@given(unit_vectors())
@pytest.mark.parametrize("precision", ["binary", "ubinary"])
def test_bits_are_those_of_sentence_transformers(precision: str, vectors: Vectors) -> None:
    ours, want = as_precision(vectors, precision), theirs(vectors, precision)
    assert ours.dtype == want.dtype
    assert (ours == want).all()


@given(unit_vectors())
def test_int8_is_the_nearest_step_and_never_wraps(vectors: Vectors) -> None:
    limit = min(1, 8 / np.sqrt(vectors.shape[1]))
    back = as_precision(vectors, "int8") * np.float32(limit / 127)
    assert_close(back, np.clip(vectors, -limit, limit), atol=limit / 127 * 0.501, what="steps")


@given(unit_vectors())
def test_uint8_is_int8_on_another_zero(vectors: Vectors) -> None:
    shifted = as_precision(vectors, "uint8")
    assert shifted.dtype == np.uint8
    assert (shifted.astype(int) - 128 == as_precision(vectors, "int8")).all()


def test_what_is_out_of_range_is_held_at_its_end() -> None:
    one = np.zeros((2, 768), np.float32)
    one[0, 3], one[1, 3] = 1, -1
    assert as_precision(one, "int8")[:, 3].tolist() == [127, -127]
    assert as_precision(one, "uint8")[:, 3].tolist() == [255, 1]
    assert as_precision(one, "int8").astype(int).any(axis=0).sum() == 1


@given(unit_vectors())
def test_a_vector_is_the_same_in_any_company(vectors: Vectors) -> None:
    for precision in ("int8", "uint8", "binary", "ubinary"):
        assert (as_precision(vectors, precision)[:1] == as_precision(vectors[:1], precision)).all()


def test_cosines_stay() -> None:
    random = l2_normalize(np.random.RandomState(0).standard_normal((50, 256)).astype(np.float32))
    steps = as_precision(random, "int8").astype(np.float32)
    assert_close(l2_normalize(steps) @ l2_normalize(steps).T, random @ random.T, atol=0.008, what="cosines")


@pytest.mark.parametrize(
    ("precision", "normalised", "dim"),
    [("int8", False, 8), ("uint8", False, 8), ("binary", True, 12), ("ubinary", False, 7), ("int4", True, 8)],
)
def test_refusals(precision: str, normalised: bool, dim: int) -> None:
    with pytest.raises(ValueError, match=precision):
        check_precision(precision, normalised=normalised, dim=dim)
