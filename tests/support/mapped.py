"""What a process has of a file in memory."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

__all__ = ["needs_smaps", "resident_bytes"]

_SMAPS = Path("/proc/self/smaps")
needs_smaps = pytest.mark.skipif(
    sys.platform != "linux" or not _SMAPS.exists(), reason="Linux alone tells what is in memory"
)


def resident_bytes(file: Path) -> int:
    """Return how many bytes of a mapped file this process has in memory."""
    found, is_ours = 0, False
    for line in _SMAPS.read_text(encoding="utf-8", errors="replace").splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            is_ours = line.endswith(f" {file.resolve()}")
        elif is_ours and line.startswith("Rss:"):
            found += 1024 * int(line.split()[1])
    return found
