"""Tell of texts that are longer than a model takes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from mlx_jinabert.errors import TooLong, check_choice

__all__ = ["Truncation", "check_truncation", "report_cut"]

Truncation: TypeAlias = Literal["warn", "error", "silent"] | Callable[[Sequence[int]], object]
"""For a text that is longer than the model takes: cut it and log that, raise TooLong, or cut it silently; or
cut it and call a function with the positions of all that were cut, which is not called where none was."""
_WORDS = ("warn", "error", "silent")

_log = logging.getLogger("mlx_jinabert")


def check_truncation(wanted: object) -> None:
    """ValueError for anything but a ``Truncation``."""
    if not callable(wanted):
        check_choice("truncation", wanted, _WORDS)


def report_cut(lengths: Sequence[int], max_length: int, truncation: Truncation) -> None:
    """Report texts whose ``lengths`` in tokens are over the limit, as ``truncation`` says."""
    over = [position for position, length in enumerate(lengths) if length > max_length]
    if not over or truncation == "silent":
        return
    if callable(truncation):
        truncation(over)
        return
    if truncation == "error":
        raise TooLong(over, [lengths[position] for position in over], max_length)
    _log.warning(
        "%d of %d texts were cut to the limit of %d tokens (the longest has %d)",
        len(over),
        len(lengths),
        max_length,
        max(lengths),
    )
