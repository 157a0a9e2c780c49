"""Asking git about a folder that others may have made, so that it runs, fetches and waits for nothing.

Besides what is switched off (hooks, the file system monitor, locks, lazy fetching, prompts) every protocol
is refused, so that a git that does not know one of the switches still runs no remote of the repository's
choice. What it prints, holds in memory and takes in time is bounded.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

__all__ = ["git_command", "installed", "run_git"]

_TIMEOUT_SECONDS = 60.0
_MOST_BYTES = 512 << 20
_FOREIGN = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)
_OURS = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",  # a partial clone must not send us to the network
    "GIT_TERMINAL_PROMPT": "0",
}
_SETTINGS = ("core.fsmonitor=false", f"core.hooksPath={os.devnull}", "submodule.recurse=false")


@lru_cache(maxsize=1)
def installed() -> str | None:
    """The path of git; None where there is none."""
    found = shutil.which("git")
    if sys.platform == "darwin" and found == "/usr/bin/git":
        # Without the developer tools this is a stub that opens a dialog.
        tools = ("/Library/Developer/CommandLineTools/usr/bin/git", "/Applications/Xcode.app")
        return found if any(Path(tool).exists() for tool in tools) else None
    return found


def git_command(git: str, *arguments: str, protocols: Sequence[str] = ()) -> tuple[list[str], dict[str, str]]:
    """Return words and environment of a git that runs nothing of a repository's choice.

    It speaks ``protocols`` alone; none of them by default.
    """
    settings = [*_SETTINGS] if protocols else [*_SETTINGS, "protocol.allow=never"]
    words = [git, *(part for setting in settings for part in ("-c", setting)), *arguments]
    inherited = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    return words, {**inherited, **_OURS, "GIT_ALLOW_PROTOCOL": ":".join(protocols) or "none"}


def run_git(
    folder: Path, *arguments: str, seconds: float = _TIMEOUT_SECONDS, memory_bytes: int | None = None
) -> bytes | None:
    """Return what git prints; b"" where it has nothing to say, None where it cannot be asked.

    ``memory_bytes`` limits its address space (Linux); a command that reads packs maps all of them.
    """
    git = installed()
    if git is None:
        return None
    words, environment = git_command(git, *arguments)
    try:
        with subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            if memory_bytes is not None:
                _limit_memory(process.pid, memory_bytes)
            printed = _output(process, seconds)
            return printed if process.wait() in (0, 1) else None
    except (OSError, ValueError, subprocess.SubprocessError):  # ValueError: a NUL in an argument
        return None


def _output(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """Read the output of the process until it ends, its time is up or that is too much; then it is killed."""
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        assert process.stdout is not None
        printed = process.stdout.read(_MOST_BYTES + 1)
        if len(printed) > _MOST_BYTES:
            process.kill()
        process.wait()
        return printed
    finally:
        timer.cancel()


def _limit_memory(pid: int, limit: int) -> None:
    if sys.platform == "linux":
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))
