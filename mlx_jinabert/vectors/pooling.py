"""Hidden states -> one vector per text: pooling, the Matryoshka cut, L2 normalisation.

One body for NumPy and MLX arrays: only operators and methods that both have, so this file imports
neither. Callers hand in float32: sums in half precision lose digits.
"""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["POOLING_MODES", "l2_normalize", "layer_norm", "pool", "truncate"]

Array: TypeAlias = Any
"""A NumPy or MLX array; what comes in goes out."""

POOLING_MODES = ("mean", "cls", "last")


def pool(hidden: Array, mask: Array, mode: str) -> Array:
    """(batch, length, width) float32 and a (batch, length) mask -> (batch, width).

    The mask is 0 for padding, else 1, or more where a token weighs more. ``mean`` averages the real tokens,
    special ones included; ``cls`` takes the first and ``last`` the last real one, on whichever side the
    padding is. A row without real tokens gives zeros.
    """
    weights = token_weights(mask.astype(hidden.dtype), mode)
    count = weights.sum(axis=1, keepdims=True)
    count = count + (count == 0)
    return (hidden * weights[..., None]).sum(axis=1) / count


def token_weights(mask: Array, mode: str) -> Array:
    """Which tokens take part, (batch, length) of 0 and 1 in the mask's dtype."""
    if mode == "mean":
        return mask
    if mode not in POOLING_MODES:
        raise ValueError(f"pooling mode {mode!r}; supported: {', '.join(POOLING_MODES)}")
    seen = mask.cumsum(axis=1)
    return mask * (seen == (1 if mode == "cls" else mask.sum(axis=1, keepdims=True)))


def truncate(vectors: Array, dim: int | None) -> Array:
    """The first ``dim`` components (Kusupati et al., arXiv:2205.13147); normalise after, not before."""
    width = vectors.shape[-1]
    if dim is None:
        return vectors
    if not 1 <= dim <= width:
        raise ValueError(f"cannot cut vectors of width {width} to {dim}; pass 1 to {width}")
    return vectors[..., :dim]


def layer_norm(vectors: Array) -> Array:
    """Each row with mean 0 and variance 1, nothing learned; epsilon is PyTorch's, 1e-5."""
    centred = vectors - vectors.mean(axis=-1, keepdims=True)
    return centred / ((centred * centred).mean(axis=-1, keepdims=True) + 1e-5) ** 0.5


def l2_normalize(vectors: Array) -> Array:
    """Rows of unit length; rows of zeros stay zeros. Scaled first, so that squares cannot vanish."""
    peak = abs(vectors).max(axis=-1, keepdims=True)
    scaled = vectors / (peak + (peak == 0))
    norm = (scaled * scaled).sum(axis=-1, keepdims=True) ** 0.5
    return scaled / (norm + (norm == 0))
