"""Shorter vectors of models that were trained for them (Matryoshka, Kusupati et al., arXiv:2205.13147)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.catalog import CatalogEntry
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.vectors.pooling import layer_norm, truncate

__all__ = ["KEYS", "check_dim", "norms_prefixes", "shorten"]

KEYS = frozenset({"matryoshka_dims", "matryoshka_dimensions", "matryoshka_layer_norm"})
"""Keys of config.json that matter to shortened vectors alone."""


def check_dim(wanted: int | None, full: int, config: Mapping[str, Any], entry: CatalogEntry | None) -> int:
    """The width to cut vectors to; ``full`` for None.

    Raises TypeError for what is not an int, ValueError unless the model was trained for vectors of that
    width: the folder's config.json or the catalogue lists the widths, or the catalogue allows every prefix.
    """
    if wanted is None or wanted == full:
        return full
    if isinstance(wanted, bool) or not isinstance(wanted, int | np.integer):
        raise TypeError(f"truncate_dim must be an int, not {type(wanted).__name__}")
    named = config.get("matryoshka_dims") or config.get("matryoshka_dimensions") or ()
    trained = sorted({*named, *(entry.matryoshka_dims if entry else ())})
    least = entry.shortest_prefix if entry is not None and entry.any_prefix else None
    if wanted in trained or (least is not None and least <= wanted <= full):
        return int(wanted)
    if least is not None:
        allowed = f"{least} to {full}"
    elif trained:
        allowed = " or ".join(map(str, (*trained, full)))
    else:
        allowed = f"{full}, as this model was not trained for shorter vectors"
    raise ValueError(f"truncate_dim is {wanted}; supported: {allowed}")


def norms_prefixes(config: Mapping[str, Any]) -> bool:
    """Whether vectors are layer-normed at full width before they are cut: ``matryoshka_layer_norm``.

    That key is ours; nomic-embed-text-v1.5 was trained so, and only its model card says it.
    """
    found = config.get("matryoshka_layer_norm", False)
    if not isinstance(found, bool):
        raise UnsupportedConfig("matryoshka_layer_norm", found, (True, False))
    return found


def shorten(vectors: NDArray[np.float32], dim: int, normed: bool) -> NDArray[np.float32]:
    """The first ``dim`` components of (n, width), after a layer norm if ``normed``; all stay as they are."""
    if dim == vectors.shape[-1]:
        return vectors
    short: NDArray[np.float32] = truncate(layer_norm(vectors) if normed else vectors, dim)
    return short
