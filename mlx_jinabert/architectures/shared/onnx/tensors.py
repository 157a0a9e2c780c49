"""Tensors by their canonical names, as float32, whatever type and scheme they are stored in."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.architectures import ArchitectureConfig
from mlx_jinabert.architectures.shared.config import Shape
from mlx_jinabert.architectures.shared.matching import match
from mlx_jinabert.checkpoint.packed import unpack
from mlx_jinabert.checkpoint.weights import Weights

__all__ = ["Checkpoint"]

Array = NDArray[np.float32]

_BLOCK_VALUES = 1 << 22


class Checkpoint:
    """The weights of one architecture. Raises ``WeightMismatch`` unless every tensor is accounted for."""

    def __init__(self, weights: Weights, architecture: ArchitectureConfig) -> None:
        self._weights = weights
        self._names = match(weights, architecture)
        self._shapes = architecture.tensor_shapes()

    def read(self, name: str) -> Array:
        """A tensor as float32: exact for half types, unpacked where MLX packed it."""
        if self._packed(name):
            return np.concatenate(list(self.blocks(name)))
        return np.asarray(self._weights.read(self._names[name]), np.float32)

    def shape(self, name: str) -> Shape:
        """Shape of a tensor, unpacked."""
        return self._shapes[name]

    def blocks(self, name: str) -> Iterator[Array]:
        """The same as ``read``, a block of rows at a time."""
        rows, *rest = self._shapes[name]
        step = max(1, _BLOCK_VALUES // max(1, prod(rest)))
        for start in range(0, rows, step):
            if self._packed(name):
                words, scales, biases = (self._rows(part, start, start + step) for part in _parts(name))
                yield unpack(words, scales, biases, rest[-1])
            else:
                yield np.asarray(self._rows(name, start, start + step), np.float32)

    def has(self, name: str) -> bool:
        """Whether the architecture has a tensor of this canonical name."""
        return name in self._names

    def half(self, name: str) -> bool:
        """Whether the tensor is stored as float16, so that keeping it so loses nothing."""
        return self._weights.dtype(self._names[name]) == "float16"

    def _packed(self, name: str) -> bool:
        return _parts(name)[1] in self._names

    def _rows(self, name: str, start: int, stop: int) -> NDArray[Any]:
        return self._weights.rows(self._names[name], start, stop)


def _parts(name: str) -> tuple[str, str, str]:
    """Names of the words, the scales and the biases of a packed weight."""
    layer = name.removesuffix(".weight")
    return name, f"{layer}.scales", f"{layer}.biases"
