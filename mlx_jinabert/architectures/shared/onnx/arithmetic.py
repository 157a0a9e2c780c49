"""Matrix products of a graph in one number type: the protocol, and plain float32.

Activations are (tokens, width), batch and length flattened: one matrix product per layer, and rows
that know nothing of each other.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.architectures.shared.onnx.builder import GraphBuilder, Value
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["Arithmetic", "Float32", "Rows", "ScaledValue"]

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rows:
    """Activations ready for products: each of ``values`` (tokens, part of the width) times its scale.

    ``scales`` are (tokens, 1), None where the values are what they are.
    """

    values: tuple[Value, ...]
    scales: tuple[Value | None, ...] = (None,)


@dataclass(frozen=True, slots=True)
class ScaledValue:
    """(tokens, width) ``values`` in units of ``scale`` (tokens, 1), or as they are."""

    values: Value
    scale: Value | None = None


class Arithmetic(Protocol):
    """Dense layers of one graph."""

    def rows(self, x: ScaledValue, width: int, groups: int = 1) -> Rows:
        """Prepare activations, (tokens, width), for the products that share them.

        ``groups``: how many parts of the width may need a resolution of their own.
        """

    def dense(self, rows: Rows, weight: Array, bias: Array | None = None) -> Value:
        """x W^T + b, (tokens, out) float32, for a weight (out, in)."""

    def unscaled(self, rows: Rows, weight: Array) -> ScaledValue:
        """x W^T with the scale still to come, which saves a pass where it can be carried along."""

    def table_type(self, half: bool) -> np.dtype[Any]:
        """Of a table to gather rows from; ``half``: the checkpoint holds it in float16."""


class Float32:
    """Products in float32; the weights keep the checkpoint's (out, in) layout."""

    def __init__(self, graph: GraphBuilder) -> None:
        self._graph = graph

    def rows(self, x: ScaledValue, width: int, groups: int = 1) -> Rows:
        """Nothing to prepare: no product here has a scale."""
        return Rows((x.values,))

    def dense(self, rows: Rows, weight: Array, bias: Array | None = None) -> Value:
        """One Gemm, bias included."""
        inputs = [self._graph.constant(array) for array in (weight, bias) if array is not None]
        return self._graph.op("Gemm", rows.values[0], *inputs, transB=1)

    def unscaled(self, rows: Rows, weight: Array) -> ScaledValue:
        """The same as ``dense``."""
        return ScaledValue(self.dense(rows, weight))

    def table_type(self, half: bool) -> np.dtype[Any]:
        """As precise as the checkpoint."""
        return np.dtype(np.float16 if half else np.float32)
