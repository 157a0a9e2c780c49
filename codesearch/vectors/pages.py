"""Give the memory of a mapped file back."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["give_back"]


def give_back(array: NDArray[Any]) -> None:
    """Give the memory that an array of a mapped file takes back to the system; it stays readable.

    For one row that is read, Linux maps 64 KiB or more around it, and keeps them.
    """
    mapped: Any = array
    while isinstance(mapped, np.ndarray):
        mapped = mapped.base
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
