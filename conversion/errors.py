"""The one error of this tool; those of mlx_jinabert pass through. Both become a line on stderr, exit 2."""

from __future__ import annotations

__all__ = ["ConversionError"]


class ConversionError(Exception):
    """The conversion cannot be done as asked; the message says what was found and what to do."""
