"""Hold a checkpoint's tensors against its architecture: every one is used or dropped by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlx_jinabert.architectures.shared.config import AffineQuantization, ArchitectureConfig
from mlx_jinabert.checkpoint.weights import FLOAT_DTYPES, Shape, Weights
from mlx_jinabert.errors import WeightMismatch
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["match"]


def match(weights: Weights, architecture: ArchitectureConfig) -> dict[str, str]:
    """Canonical name -> stored name of every tensor that the architecture uses.

    Used and dropped tensors together have to be the whole checkpoint, in the expected shapes and a
    float type. Raises ``WeightMismatch`` with the names otherwise. Quantised layers bring their
    ``.scales`` and ``.biases`` along.
    """
    stored: dict[str, str] = {}
    for name in sorted(weights.names()):
        canonical = architecture.canonical(name)
        if canonical in stored:
            hint = f"both are {canonical}"
            raise WeightMismatch(extra=(stored[canonical], name), hint=hint)
        stored[canonical] = name
    expected = _expected(architecture, stored)
    missing = [name for name in expected if name not in stored]
    surplus = [name for name in stored if name not in expected]
    extra = [stored[name] for name in surplus if not architecture.dropped(name)]
    shapes = {
        stored[name]: (weights.shape(stored[name]), tensor.shape)
        for name, tensor in expected.items()
        if name in stored and weights.shape(stored[name]) != tensor.shape
    }
    wrong_types = [
        f"{stored[name]} is {weights.dtype(stored[name])}, expected {' or '.join(tensor.dtypes)}"
        for name, tensor in expected.items()
        if name in stored and weights.dtype(stored[name]) not in tensor.dtypes
    ]
    if missing or extra or shapes or wrong_types:
        raise WeightMismatch(missing, extra, shapes, hint="; ".join(wrong_types[:3]))
    return {name: stored[name] for name in expected}


@dataclass(frozen=True, slots=True)
class _TensorSpec:
    shape: Shape
    dtypes: Sequence[str] = FLOAT_DTYPES


def _expected(architecture: ArchitectureConfig, stored: Mapping[str, str]) -> dict[str, _TensorSpec]:
    """Describe the tensors that have to be there; a layer is quantised where its scales are."""
    expected = {name: _TensorSpec(shape) for name, shape in architecture.tensor_shapes().items()}
    if architecture.quantization is None:
        return expected
    for name, tensor in list(expected.items()):
        layer = name.removesuffix(".weight")
        if layer != name and f"{layer}.scales" in stored:
            expected |= _packed(layer, tensor.shape, architecture.quantization.of(layer))
    return expected


def _packed(layer: str, shape: Shape, quantization: AffineQuantization) -> dict[str, _TensorSpec]:
    groups = _TensorSpec(quantization.group_shape(shape))
    words = _TensorSpec(quantization.packed_shape(shape), ("uint32",))
    return {f"{layer}.weight": words, f"{layer}.scales": groups, f"{layer}.biases": groups}
