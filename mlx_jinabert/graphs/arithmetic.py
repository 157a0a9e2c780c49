"""What a graph computes its matrix products in: the protocol, and plain float32.

Activations are (tokens, width), batch and length flattened: one matrix product per layer, and rows
that know nothing of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.graphs.builder import GraphBuilder, Value

__all__ = ["Arithmetic", "Float32", "Rows"]

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rows:
    """Activations ready for products: ``values`` (tokens, width) times ``scale`` (tokens, 1), if any."""

    values: Value
    scale: Value | None = None


class Arithmetic(Protocol):
    """Dense layers of one graph."""

    def rows(self, x: Value, scale: Value | None = None) -> Rows:
        """Prepare (tokens, width) float32, in units of ``scale``, for the products that share it."""

    def dense(self, rows: Rows, weight: Array, bias: Array | None = None) -> Value:
        """x W^T + b, (tokens, out) float32, for a weight (out, in)."""

    def unscaled(self, rows: Rows, weight: Array) -> Value:
        """x W^T in units of ``rows.scale``: saves a pass where what follows carries the scale along."""

    def table(self, values: Array, half: bool) -> Value:
        """A table to gather rows from; ``half``: the checkpoint holds it in float16."""


class Float32:
    """Products in float32; the weights keep the checkpoint's (out, in) layout."""

    def __init__(self, graph: GraphBuilder) -> None:
        self._graph = graph

    def rows(self, x: Value, scale: Value | None = None) -> Rows:
        """Nothing to prepare; ``scale`` is never given as no product has one."""
        return Rows(x)

    def dense(self, rows: Rows, weight: Array, bias: Array | None = None) -> Value:
        """One Gemm, bias included."""
        inputs = [self._graph.constant(array) for array in (weight, bias) if array is not None]
        return self._graph.op("Gemm", rows.values, *inputs, transB=1)

    def unscaled(self, rows: Rows, weight: Array) -> Value:
        """The same as ``dense``: there is no scale."""
        return self.dense(rows, weight)

    def table(self, values: Array, half: bool) -> Value:
        """As precise as the checkpoint."""
        return self._graph.constant(values.astype(np.float16) if half else values)
