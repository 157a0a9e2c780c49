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
        self._bits = architecture.quantization.bits if architecture.quantization else 0

    def read(self, name: str) -> Array:
        """A tensor as float32: exact for half types, dequantised where MLX packed it."""
        if self._packed(name):
            return self._dequantized(name, f"{name.removesuffix('.weight')}.scales")
        return np.asarray(self._stored(name), np.float32)

    def shape(self, name: str) -> Shape:
        """Shape of a tensor, unpacked."""
        return self._shapes[name]

    def blocks(self, name: str) -> Iterator[Array]:
        """The same as ``read``, a block of rows at a time."""
        if self._packed(name):
            yield self.read(name)
            return
        rows, *rest = self._shapes[name]
        step = max(1, _BLOCK_VALUES // max(1, prod(rest)))
        for start in range(0, rows, step):
            block = self._weights.rows(self._names[name], start, start + step)
            yield np.asarray(block, np.float32)

    def has(self, name: str) -> bool:
        """Whether the architecture has a tensor of this canonical name."""
        return name in self._names

    def half(self, name: str) -> bool:
        """Whether the tensor is stored as float16, so that keeping it so loses nothing."""
        return self._weights.dtype(self._names[name]) == "float16"

    def _packed(self, name: str) -> bool:
        return f"{name.removesuffix('.weight')}.scales" in self._names

    def _stored(self, name: str) -> NDArray[Any]:
        return self._weights.read(self._names[name])

    def _dequantized(self, name: str, scales: str) -> Array:
        """MLX's affine scheme: weight = scale * integer + bias per group of columns.

        The integers of a row are one little-endian stream of bits, for every supported width.
        """
        words = np.ascontiguousarray(self._stored(name))
        scale = np.asarray(self._stored(scales), np.float32)[..., None]
        bias = np.asarray(self._stored(scales.removesuffix("scales") + "biases"), np.float32)[..., None]
        stream = np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little")
        bits = stream.reshape(*words.shape[:-1], -1, self._bits)
        integers = bits @ (1 << np.arange(self._bits)).astype(np.float32)
        grouped = integers.reshape(*scale.shape[:-1], -1)
        return (grouped * scale + bias).reshape(words.shape[0], -1).astype(np.float32)
