"""Tell of texts that are longer than a model takes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal, get_args

from mlx_jinabert.errors import TooLong, check_choice

__all__ = ["Truncation", "check_truncation", "report_cut"]

Truncation = Literal["warn", "error", "silent"]
"""For a text that is longer than the model takes: cut it and log that, raise TooLong, or cut it silently."""

_log = logging.getLogger("mlx_jinabert")


def check_truncation(wanted: str) -> None:
    """ValueError for anything but a ``Truncation``."""
    check_choice("truncation", wanted, get_args(Truncation))


def report_cut(lengths: Sequence[int], max_length: int, truncation: Truncation) -> None:
    """Report texts whose ``lengths`` in tokens are over the limit: one log record, TooLong, or nothing."""
    over = [position for position, length in enumerate(lengths) if length > max_length]
    if not over or truncation == "silent":
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
