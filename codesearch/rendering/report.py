"""Records as text for people: one line a fact, generic, so that no field is ever left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from codesearch.rendering.terminal import one_line

__all__ = ["facts", "human_bytes", "seconds"]


def facts(record: Any, labels: Mapping[str, str] | None = None) -> str:
    """``label  value`` lines of a dataclass; empty collections and strings read "none"."""
    names = labels or {}
    pairs = [
        (names.get(field.name, field.name.replace("_", " ")), getattr(record, field.name))
        for field in dataclasses.fields(record)
    ]
    width = max(len(label) for label, _ in pairs)
    return "".join(f"{label:<{width}}  {_shown(label, value)}\n" for label, value in pairs)


def human_bytes(count: int) -> str:
    """1,536 -> "1.5 kB" (powers of 1,000, as disks are sold)."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable")


def seconds(value: float) -> str:
    """A duration, short."""
    return f"{value:.2f} s" if value < 60 else f"{int(value // 60)} min {int(value % 60)} s"


def _shown(label: str, value: Any) -> str:
    if value is None or (isinstance(value, str | Mapping | Sequence) and not value):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(label, value)
    if isinstance(value, Mapping):
        return ", ".join(f"{one_line(str(key))} {_shown(str(key), item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(one_line(str(item)) for item in value)
    return one_line(str(value))


def _number(label: str, value: float) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return human_bytes(value) if "bytes" in label else f"{value:,}"
