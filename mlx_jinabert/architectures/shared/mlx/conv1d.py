"""GPT-2's dense layer: the weight is (in, out), as transformers' ``Conv1D`` stores it.

Kept in that layout, quantised or not, so that a converted checkpoint has the shapes of the original one.
The groups of a quantised weight therefore run along the outputs, where ``nn.QuantizedLinear`` has them
along the inputs.
"""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

__all__ = ["Conv1D", "QuantizedConv1D"]


class Conv1D(nn.Module):
    """x W + b for W (in, out)."""

    def __init__(self, wide: int, out: int) -> None:
        super().__init__()
        self.weight = mx.zeros((wide, out))
        self.bias = mx.zeros((out,))

    def __call__(self, x: mx.array) -> mx.array:
        """(..., in) -> (..., out)."""
        return mx.addmm(self.bias, x, self.weight)

    def to_quantized(
        self, group_size: int | None = None, bits: int | None = None, mode: str = "affine"
    ) -> QuantizedConv1D:
        """Make the layer that ``nn.quantize`` puts in this one's place."""
        return QuantizedConv1D(self, group_size or 64, bits or 4, mode)


class QuantizedConv1D(nn.Module):
    """The same with packed words (in, out * bits / 32) and a scale and bias per group of outputs."""

    def __init__(self, dense: Conv1D, group_size: int, bits: int, mode: str) -> None:
        super().__init__()
        self._group_size, self._bits, self._mode = group_size, bits, mode
        self.weight, self.scales, self.biases = mx.quantize(dense.weight, group_size, bits, mode=mode)
        self.bias = dense.bias
        self.freeze()

    def __call__(self, x: mx.array) -> mx.array:
        """(..., in) -> (..., out)."""
        product = mx.quantized_matmul(
            x,
            self.weight,
            self.scales,
            self.biases,
            transpose=False,
            group_size=self._group_size,
            bits=self._bits,
            mode=self._mode,
        )
        return product + self.bias
