"""The constants of a graph under construction: in memory while they are few, else in a file as they come.

A protobuf message holds at most 2 GB, and a large model not twice in memory. So weights beyond
``INLINE_BYTES`` go into a file beside the graph, and where that file is known from the start, nothing but
the tensor at hand is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["INLINE_BYTES", "Initializers"]

INLINE_BYTES = 1 << 30
"""Weights beyond this go into a file of their own."""
SMALL_BYTES = 1024
"""Below this a tensor stays in the graph file, where shape inference sees it."""
_ALIGNMENT = 4096
"""Page size: external tensors are mapped, not read, when they start on one."""


@dataclass(frozen=True, slots=True)
class _Placement:
    """A tensor in the data file."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


class Initializers:
    """Named tensors. ``data``: the file for those that are too many; None keeps all in memory."""

    def __init__(self, data: Path | None = None, inline_bytes: int = INLINE_BYTES) -> None:
        self._data = data
        self._inline_bytes = inline_bytes
        self._held: dict[str, NDArray[Any]] = {}
        self._placed: dict[str, _Placement] = {}
        self._file: BinaryIO | None = None
        self._bytes = 0

    def add(self, array: NDArray[Any]) -> str:
        """Take a tensor; its name."""
        name = self._next_name(array.nbytes)
        if self._file is None or array.nbytes <= SMALL_BYTES:
            self._held[name] = np.ascontiguousarray(array)
        else:
            self._place(self._file, name, array.dtype, array.shape, [array])
        return name

    def add_rows(self, shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Iterable[NDArray[Any]]) -> str:
        """Take a tensor that comes as consecutive blocks of rows, each cast to ``dtype``; its name."""
        name = self._next_name(prod(shape) * dtype.itemsize)
        if self._file is None:
            whole = np.empty(shape, dtype)
            start = 0
            for block in blocks:
                whole[start : start + len(block)] = block
                start += len(block)
            self._held[name] = whole
        else:
            self._place(self._file, name, dtype, shape, blocks)
        return name

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """All tensors by name; those in the file are mapped."""
        if self._file is None or self._data is None:
            return self._held
        self._file.flush()
        mapped = {
            name: np.memmap(self._data, at.dtype, "r", at.offset, at.shape)
            for name, at in self._placed.items()
        }
        return {**self._held, **mapped}

    def write(self, path: Path, inline_bytes: int = INLINE_BYTES) -> list[TensorProto]:
        """Return the tensors to keep in the graph at ``path``; larger ones go to ``path`` + ".data"."""
        data = path.with_name(path.name + ".data")
        if self._file is None and self._bytes > inline_bytes:
            self._data = data
            self._spill(data)
        if self._file is None:
            return [numpy_helper.from_array(array, name) for name, array in self._held.items()]
        if self._data != data:
            raise ValueError(f"the weights are in {self._data}, so the graph cannot be {path}")
        self._file.close()
        small = [numpy_helper.from_array(array, name) for name, array in self._held.items()]
        return small + [_external(name, at, data.name) for name, at in self._placed.items()]

    def _next_name(self, size: int) -> str:
        """Count a tensor of ``size`` bytes in; from the first one too many on, all go to the file."""
        self._bytes += size
        if self._data is not None and self._file is None and self._bytes > self._inline_bytes:
            self._spill(self._data)
        return f"weight_{len(self._held) + len(self._placed)}"

    def _spill(self, data: Path) -> None:
        self._file = data.open("wb")
        for name, array in list(self._held.items()):
            if array.nbytes > SMALL_BYTES:
                self._place(self._file, name, array.dtype, array.shape, [self._held.pop(name)])

    def _place(
        self,
        file: BinaryIO,
        name: str,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        blocks: Iterable[NDArray[Any]],
    ) -> None:
        file.write(b"\0" * (-file.tell() % _ALIGNMENT))
        self._placed[name] = _Placement(dtype, shape, file.tell())
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype).data)


def _external(name: str, at: _Placement, location: str) -> TensorProto:
    tensor = TensorProto(name=name, data_type=helper.np_dtype_to_tensor_dtype(at.dtype))
    tensor.dims.extend(at.shape)
    tensor.data_location = TensorProto.EXTERNAL
    place = {"location": location, "offset": str(at.offset), "length": str(at.nbytes)}
    for key, value in place.items():
        tensor.external_data.add(key=key, value=value)
    return tensor
