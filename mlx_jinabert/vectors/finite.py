"""Find results that are not numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.errors import NonFinite

__all__ = ["check_finite"]

_EXCERPT = 60


def check_finite(rows: NDArray[np.float32], positions: Sequence[int], texts: Sequence[str]) -> None:
    """Raise NonFinite for the first of (n, width) rows that holds NaN or infinity; it names the text.

    Row n belongs to ``texts[positions[n]]``.
    """
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        position = positions[int(np.argmin(finite))]
        raise NonFinite(position, texts[position][:_EXCERPT])
