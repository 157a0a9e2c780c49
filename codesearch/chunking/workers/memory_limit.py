"""Limit the memory of a parsing process, with whatever the platform offers.

Linux enforces RLIMIT_AS, which the process sets for itself. Windows has job objects, which its parent puts
it in. macOS accepts RLIMIT_AS and ignores it. Everywhere but on Linux the parent also looks at what the
process holds, and kills it.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["LIMIT_BYTES", "NEEDS_WATCHING", "confine", "limit_self", "resident_bytes"]

LIMIT_BYTES = 768 << 20
"""Address space of a parsing process. The largest file that is indexed needs a third of it."""
NEEDS_WATCHING = sys.platform != "linux"
"""Whether the parent has to look at what a process holds."""

_PROCESS_MEMORY, _KILL_ON_CLOSE = 0x100, 0x2000
_EXTENDED_LIMITS = 9


def limit_self(limit_bytes: int = LIMIT_BYTES) -> None:
    """Bound this process, where it can do that itself, and keep it from leaving its memory on the disk."""
    if sys.platform == "win32":
        return
    import resource

    for kind, wanted in ((resource.RLIMIT_AS, limit_bytes), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS may refuse what it would ignore
            resource.setrlimit(kind, (most, most))


def confine(process: subprocess.Popen[bytes], limit_bytes: int = LIMIT_BYTES) -> object:
    """Bound a child where its parent has to; the result has to live as long as the child."""
    if sys.platform != "win32":
        return None
    import ctypes
    from ctypes import wintypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.CreateJobObjectW.restype = wintypes.HANDLE
    kernel.SetInformationJobObject.argtypes = (
        wintypes.HANDLE,
        ctypes.c_int,
        ctypes.c_void_p,
        wintypes.DWORD,
    )
    kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
    limits = _windows_limits(limit_bytes)
    job = kernel.CreateJobObjectW(None, None)
    kernel.SetInformationJobObject(job, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits))
    kernel.AssignProcessToJobObject(job, int(vars(process)["_handle"]))
    return job


def _windows_limits(limit_bytes: int) -> Any:
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION with a limit on each process of the job."""
    import ctypes

    class Basic(ctypes.Structure):
        _fields_ = (
            ("PerProcessUserTimeLimit", ctypes.c_int64),
            ("PerJobUserTimeLimit", ctypes.c_int64),
            ("LimitFlags", ctypes.c_uint32),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", ctypes.c_uint32),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", ctypes.c_uint32),
            ("SchedulingClass", ctypes.c_uint32),
        )

    class Extended(ctypes.Structure):
        _fields_ = (
            ("BasicLimitInformation", Basic),
            ("IoInfo", ctypes.c_uint64 * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        )

    limits = Extended()
    limits.BasicLimitInformation.LimitFlags = _PROCESS_MEMORY | _KILL_ON_CLOSE
    limits.ProcessMemoryLimit = limit_bytes
    return limits


def resident_bytes(pids: Sequence[int]) -> dict[int, int]:
    """Return what processes hold in memory, by process id; nothing of those that are gone."""
    import psutil

    held: dict[int, int] = {}
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            held[pid] = psutil.Process(pid).memory_info().rss
    return held
