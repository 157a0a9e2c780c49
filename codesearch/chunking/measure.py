"""Measure a stretch of bytes in non-blank characters, in constant time per query.

Blank are space, tab, line and form feeds. A character of several UTF-8 bytes counts once (its
continuation bytes do not count); bytes that are not UTF-8 count as they come.
"""

from __future__ import annotations

from itertools import accumulate

__all__ = ["Measure"]

_UNCOUNTED = b" \t\r\n\v\f" + bytes(range(0x80, 0xC0))
_BLOCK_BYTES = 128


class Measure:
    """Non-blank characters of slices of ``data``. Building is linear, asking is O(1)."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        blocks = (
            len(data[at : at + _BLOCK_BYTES].translate(None, _UNCOUNTED))
            for at in range(0, len(data), _BLOCK_BYTES)
        )
        self._totals = list(accumulate(blocks, initial=0))

    def size(self, start: int, end: int) -> int:
        """Non-blank characters in bytes ``start:end``."""
        return self._before(end) - self._before(start)

    def _before(self, at: int) -> int:
        block, rest = divmod(at, _BLOCK_BYTES)
        if not rest:
            return self._totals[block]
        begin = block * _BLOCK_BYTES
        return self._totals[block] + len(self._data[begin : begin + rest].translate(None, _UNCOUNTED))
