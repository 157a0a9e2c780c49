"""Describe the machine of a measurement: chip, system, Python and library versions."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path

from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["Machine", "describe"]

_LIBRARIES = ("mlx", "onnxruntime", "openvino", "numpy", "tokenizers")


@dataclass(frozen=True, slots=True)
class Machine:
    """``libraries``: "name version" of those that are installed."""

    chip: str
    system: str
    python: str
    libraries: tuple[str, ...]


def describe() -> Machine:
    """The machine at hand."""
    return Machine(
        chip=_chip() or platform.processor() or platform.machine(),
        system=_system(),
        python=platform.python_version(),
        libraries=tuple(f"{name} {version}" for name in _LIBRARIES if (version := _version(name))),
    )


def _chip() -> str:
    if platform.system() == "Darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        try:
            return subprocess.run(
                command, capture_output=True, text=True, timeout=10, check=False
            ).stdout.strip()
        except (OSError, subprocess.TimeoutExpired):
            return ""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _system() -> str:
    if platform.system() == "Darwin":
        return f"macOS {platform.mac_ver()[0]} {platform.machine()}"
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
