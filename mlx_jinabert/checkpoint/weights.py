"""Memory-mapped safetensors: names, shapes, types, and rows read when asked for.

A checkpoint is one file or several shards; nothing is copied until a tensor is read, and bfloat16,
which NumPy does not know, is widened to float32. Other formats are refused: a pickle can run code.
"""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from mlx_jinabert.errors import ModelFolderError
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["FLOAT_DTYPES", "Shape", "TensorRows", "Weights"]

Shape = tuple[int, ...]

FLOAT_DTYPES = ("float32", "float16", "bfloat16")

_DTYPES: Mapping[str, tuple[str, str]] = {
    "F64": ("float64", "<f8"),
    "F32": ("float32", "<f4"),
    "F16": ("float16", "<f2"),
    "BF16": ("bfloat16", "<u2"),
    "I64": ("int64", "<i8"),
    "I32": ("int32", "<i4"),
    "I16": ("int16", "<i2"),
    "I8": ("int8", "i1"),
    "U64": ("uint64", "<u8"),
    "U32": ("uint32", "<u4"),
    "U16": ("uint16", "<u2"),
    "U8": ("uint8", "u1"),
    "BOOL": ("bool", "?"),
}
"""Name in the file -> (our name, NumPy's type of the stored words)."""


@dataclass(frozen=True, slots=True)
class _Tensor:
    path: Path
    offset: int
    shape: Shape
    dtype: str
    words: str


class Weights:
    """The tensors of one checkpoint under their stored names. Use as a context manager, or ``close``."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._tensors: dict[str, _Tensor] = {}
        for path in paths:
            for name, tensor in _tensors_of(Path(path)):
                if name in self._tensors:
                    raise ModelFolderError(
                        path, f"tensor {name} is in {self._tensors[name].path.name} as well"
                    )
                self._tensors[name] = tensor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def names(self) -> frozenset[str]:
        """Stored names of all tensors."""
        return frozenset(self._tensors)

    def shape(self, name: str) -> Shape:
        """Shape as stored: packed words for a quantised weight."""
        return self._tensors[name].shape

    def dtype(self, name: str) -> str:
        """float32 | float16 | bfloat16 | uint32 | ... as stored."""
        return self._tensors[name].dtype

    def read(self, name: str) -> NDArray[Any]:
        """The tensor, read-only and mapped from the file; bfloat16 comes as a float32 copy (exact)."""
        return self._read(self._tensors[name], 0, self._tensors[name].shape)

    def rows(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop`` (or the last one) of a tensor alone, otherwise the same."""
        tensor = self._tensors[name]
        rows, *rest = tensor.shape
        stop = min(stop, rows)
        return self._read(tensor, start * prod(rest), (max(0, stop - start), *rest))

    def rows_of(self, name: str) -> TensorRows:
        """The rows of a tensor, to be read by number, a few of many."""
        return TensorRows(self._tensors[name])

    def close(self) -> None:
        """Nothing is held between two readings; arrays already read stay valid."""

    def _read(self, tensor: _Tensor, skipped: int, shape: Shape) -> NDArray[Any]:
        """``shape`` values after the ``skipped`` first. What is mapped goes when the array does, so that
        the pages of a large checkpoint do not pile up in the process."""
        words = np.dtype(tensor.words)
        size = prod(shape) * words.itemsize
        begin = tensor.offset + skipped * words.itemsize
        mapped = np.memmap(tensor.path, np.uint8, "r", begin, (size,)) if size else b""
        return _values(tensor, mapped).reshape(shape)


class TensorRows:
    """The rows of a tensor in a file that stays open, read and not mapped. Any thread may ask.

    For one row of a mapping that is touched, Linux maps 64 KiB or more around it, and keeps them.
    """

    def __init__(self, tensor: _Tensor) -> None:
        self._tensor = tensor
        self._size = prod(tensor.shape[1:]) * np.dtype(tensor.words).itemsize
        self._handle = os.open(tensor.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._handle)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._tensor.shape[0]

    @property
    def width(self) -> int:
        """Numbers of a row."""
        return prod(self._tensor.shape[1:])

    def read(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Return some rows, (len(numbers), width), in the types of ``Weights.read``."""
        places = (self._tensor.offset + self._size * numbers.astype(np.int64)).tolist()
        parts = self._parts(places) if hasattr(os, "pread") else self._parts_in_turn(places)
        return _values(self._tensor, b"".join(parts)).reshape(len(numbers), self.width)

    def _parts(self, places: Iterable[int]) -> list[bytes]:
        handle, size, read = self._handle, self._size, os.pread
        return [read(handle, size, place) for place in places]

    def _parts_in_turn(self, places: Iterable[int]) -> list[bytes]:
        """Without ``pread``, as on Windows."""
        with self._lock:
            return [os.read(self._handle, self._size) for at in places if os.lseek(self._handle, at, 0) >= 0]


def _values(tensor: _Tensor, stored: Any) -> NDArray[Any]:
    """Read the bytes of a tensor, or of rows of it, as its values."""
    words: NDArray[Any] = np.frombuffer(stored, np.dtype(tensor.words))
    if tensor.dtype != "bfloat16":
        return words
    wide = words.astype(np.uint32)
    wide <<= 16
    return wide.view(np.float32)


def _tensors_of(path: Path) -> Iterator[tuple[str, _Tensor]]:
    """Header entries of one file. The library checks the header against the file, we take offsets."""
    try:
        with safe_open(path, "np"), path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
    except (OSError, SafetensorError, ValueError) as error:
        raise ModelFolderError(path, f"cannot be read as safetensors ({error}); fetch it again") from error
    header.pop("__metadata__", None)
    for name, entry in header.items():
        if entry["dtype"] not in _DTYPES:
            raise ModelFolderError(path, f"tensor {name} has the unknown type {entry['dtype']}")
        dtype, words = _DTYPES[entry["dtype"]]
        begin = 8 + length + entry["data_offsets"][0]
        yield name, _Tensor(path, begin, tuple(entry["shape"]), dtype, words)
