"""Where this package keeps what it can compute again: ONNX graphs and file hashes. Never data of the user."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_dir"]


def cache_dir() -> Path:
    """``$MLX_JINABERT_CACHE``, else the platform's cache folder for "mlx-jinabert"; may not exist yet."""
    override = os.environ.get("MLX_JINABERT_CACHE")
    if override:
        return Path(override).expanduser()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("mlx-jinabert", appauthor=False))
