"""The command with which other programs start this installation."""

from __future__ import annotations

import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

__all__ = ["missing", "start_command"]

_PACKAGE = "mlx-jinabert[mcp]"


def start_command() -> list[str]:
    """The program and its arguments, without a subcommand: an absolute path, or uvx where that runs us."""
    if _is_uvx(Path(sys.prefix)):
        return ["uvx", "--from", _PACKAGE, "codesearch"]
    name = "codesearch.exe" if sys.platform == "win32" else "codesearch"
    script = Path(sysconfig.get_path("scripts")) / name
    if script.exists():
        return [str(script)]
    return [sys.executable, "-m", "codesearch"]


def missing() -> list[str]:
    """Say what has to be installed before agents can search, as commands or advice."""
    if find_spec("mcp") is None and not _is_uvx(Path(sys.prefix)):
        return [f"the extra 'mcp' is not installed: {sys.executable} -m pip install '{_PACKAGE}'"]
    return []


def _is_uvx(prefix: Path) -> bool:
    """Whether this environment is one that uvx has made for the moment."""
    return any(part.startswith(("archive-v", "environments-v", "builds-v")) for part in prefix.parts)
