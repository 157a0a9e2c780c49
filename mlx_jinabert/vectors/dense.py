"""Apply the layers behind a transformer, in float32 whatever the transformer computes in.

They take no time beside it, and computed here they are the same on every backend.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.checkpoint.dense import DenseModule, Layer, NormModule
from mlx_jinabert.vectors.pooling import layer_norm

__all__ = ["DenseChain"]

Array = NDArray[np.float32]

_erf = np.vectorize(math.erf, otypes=[np.float64])


class DenseChain:
    """Layers one after the other; none of them leave vectors as they are."""

    def __init__(self, modules: Sequence[Layer]) -> None:
        self._layers = [
            _Norm(module) if isinstance(module, NormModule) else _Dense(module) for module in modules
        ]

    def __call__(self, vectors: Array) -> Array:
        """(..., in) -> (..., out) float32."""
        for layer in self._layers:
            vectors = layer(vectors)
        return vectors


class _Norm:
    def __init__(self, module: NormModule) -> None:
        tensors = module.read()
        self._weight, self._bias = tensors["norm.weight"], tensors["norm.bias"]

    def __call__(self, x: Array) -> Array:
        return np.asarray(layer_norm(x) * self._weight + self._bias, np.float32)


class _Dense:
    def __init__(self, module: DenseModule) -> None:
        tensors = module.read()
        self._weight = tensors["linear.weight"]
        self._bias = tensors.get("linear.bias")
        self._residual = tensors.get("residual.weight")
        self._module = module

    def __call__(self, x: Array) -> Array:
        y = x @ self._weight.T
        if self._bias is not None:
            y += self._bias
        if self._module.activation == "tanh":
            y = np.tanh(y)
        elif self._module.activation == "gelu":
            y = y * (0.5 * (1 + _erf(y / math.sqrt(2)))) if y.size else y
        if self._module.residual:
            y = y + (x if self._residual is None else x @ self._residual.T)
        return np.asarray(y, np.float32)
