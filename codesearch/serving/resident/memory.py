"""How much memory this process uses right now."""

from __future__ import annotations

__all__ = ["resident_bytes"]


def resident_bytes() -> int:
    """Bytes in physical memory (RSS), pages of mapped files included."""
    import psutil

    return int(psutil.Process().memory_info().rss)
