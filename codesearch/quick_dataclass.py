"""``dataclass``, quick to define: beside models the one thing that comes from the other package."""

from __future__ import annotations

from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["dataclass"]
