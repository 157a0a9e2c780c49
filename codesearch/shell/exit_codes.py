"""Exit codes of the command line: grep's, and the shell's for an interrupt. 0 means there are hits."""

from __future__ import annotations

__all__ = ["ERROR", "INTERRUPTED", "NONE_FOUND"]

NONE_FOUND, ERROR, INTERRUPTED = 1, 2, 130
