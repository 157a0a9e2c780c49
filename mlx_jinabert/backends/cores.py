"""How many threads are worth starting: physical cores that this process may use.

The second hardware thread of a core adds nothing to a matrix product that keeps the core's units
busy, and threads over the quota of a container are stopped for most of each period.
"""

from __future__ import annotations

import math
import os
import platform
from pathlib import Path

__all__ = ["usable_cores"]

_CPUS = Path("/sys/devices/system/cpu")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """At least 1."""
    return max(1, min(_physical_cores(), _quota()))


def _physical_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        allowed = os.sched_getaffinity(0)
        try:
            return len({_siblings(cpu) for cpu in allowed})
        except OSError:
            return len(allowed)
    logical = os.cpu_count() or 1
    # No call of the standard library tells cores from threads; only x86 has two threads a core here.
    return logical if platform.machine().lower() in ("arm64", "aarch64") else max(1, logical // 2)


def _siblings(cpu: int) -> str:
    return (_CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text(encoding="ascii")


def _quota() -> int:
    """Whole processors that a control group grants (cgroup v2), rounded up."""
    try:
        granted, period = _QUOTA.read_text(encoding="ascii").split()
        return math.ceil(int(granted) / int(period))
    except (OSError, ValueError):  # no such file, or "max"
        return os.cpu_count() or 1
