"""Pieces that the BERT family's configurations share: tensor shapes by name, and their check."""

from __future__ import annotations

from collections.abc import Collection

from mlx_jinabert.architectures.shared.config import ArchitectureConfig, Shape
from mlx_jinabert.errors import WeightMismatch

__all__ = ["affine", "attention", "matrix", "same_first_layer"]

_SCALES = (".scales", ".biases")
"""Endings of the tensors that quantised layers have beside their weights."""


def matrix(name: str, *shape: int) -> dict[str, Shape]:
    """A weight without a bias."""
    return {f"{name}.weight": shape}


def affine(name: str, *shape: int) -> dict[str, Shape]:
    """A weight with a bias over its first axis: a dense layer (out, in) or a layer norm (width,)."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def attention(layer: str, width: int) -> dict[str, Shape]:
    """The attention block of BERT under the prefix of one layer."""
    shapes: dict[str, Shape] = {}
    for part in ("self.query", "self.key", "self.value", "output.dense"):
        shapes |= affine(f"{layer}.attention.{part}", width, width)
    return shapes | affine(f"{layer}.attention.output.LayerNorm", width)


def same_first_layer(architecture: ArchitectureConfig, names: Collection[str], first: str) -> None:
    """Hold the canonical names of one layer, those that begin with ``first``, against the configuration.

    One layer says enough to tell architectures apart before a weight is read. Raises ``WeightMismatch``.
    """
    known = {name for name in architecture.tensor_shapes() if name.startswith(first)}
    found = {
        name
        for name in names
        if name.startswith(first) and not name.endswith(_SCALES) and not architecture.dropped(name)
    }
    if found != known:
        strange = found - known or {name for name in names if not found and not architecture.dropped(name)}
        raise WeightMismatch(
            missing=sorted(known - found),
            extra=sorted(strange),
            hint=f"config.json says {architecture.architecture!r}; the tensors say otherwise",
        )
