"""Casting between the float types of a checkpoint; bfloat16, which NumPy lacks, as its 16 bits.

Refused: a value that the target type can't hold. float16 ends at 65504, and an infinity in the weights
would only show as NaN vectors much later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FLOAT_DTYPES", "ITEM_BYTES", "STORED_NAME", "NotRepresentable", "narrowed", "widened"]

FLOAT_DTYPES = ("float32", "float16", "bfloat16")
STORED_NAME: Mapping[str, str] = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "uint32": "U32"}
"""Our name -> the name in a safetensors header."""
ITEM_BYTES: Mapping[str, int] = {"float32": 4, "float16": 2, "bfloat16": 2, "uint32": 4}


class NotRepresentable(ValueError):
    """A value is not finite, or not within the range of the target type."""


def narrowed(values: NDArray[np.float32], dtype: str) -> NDArray[Any]:
    """float32 -> the stored words of ``dtype`` (bfloat16: uint16), rounded to nearest even."""
    if not np.isfinite(values).all():
        raise NotRepresentable("holds NaN or infinity")
    if dtype == "float32":
        return values.astype("<f4", copy=False)
    if dtype == "bfloat16":
        bits = np.ascontiguousarray(values, "<f4").view(np.uint32)
        words = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")
        finite = (words & 0x7F80) != 0x7F80
    else:
        with np.errstate(over="ignore"):
            words = values.astype("<f2")
        finite = np.isfinite(words)
    if not finite.all():
        largest = float(np.abs(values).max())
        raise NotRepresentable(f"holds {largest:.6g}, which is out of the range of {dtype}")
    return words


def widened(words: NDArray[Any], dtype: str) -> NDArray[np.float32]:
    """The float32 values of stored words: exact."""
    if dtype == "bfloat16":
        return (words.astype(np.uint32) << 16).view(np.float32)
    return words.astype(np.float32, copy=False)
