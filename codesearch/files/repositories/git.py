"""Run git on an untrusted folder: it executes nothing from it, fetches nothing and never waits for input.

Besides what is switched off (hooks, the file system monitor, locks, lazy fetching, prompts) every protocol
is refused, so that a git that does not know one of the switches still runs no remote of the repository's
choice. What it prints, holds in memory and takes in time is bounded.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

__all__ = ["git_command", "installed", "run_git", "run_gits"]

_TIMEOUT_SECONDS = 60.0
_MOST_BYTES = 512 << 20
_PIECE_BYTES = 1 << 20
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
    (answer,) = run_gits(folder, arguments, seconds=seconds, memory_bytes=memory_bytes)
    return answer


def run_gits(
    folder: Path,
    *commands: Sequence[str],
    seconds: float = _TIMEOUT_SECONDS,
    memory_bytes: int | None = None,
) -> list[bytes | None]:
    """Return the answers of ``run_git`` to several commands, which run at once."""
    deadline = time.monotonic() + seconds
    with ExitStack() as stack:
        started = [_started(stack, folder, command, memory_bytes) for command in commands]
        return [None if process is None else _answer(process, deadline) for process in started]


def _started(
    stack: ExitStack, folder: Path, arguments: Sequence[str], memory_bytes: int | None
) -> subprocess.Popen[bytes] | None:
    git = installed()
    if git is None:
        return None
    words, environment = git_command(git, *arguments)
    try:
        process = stack.enter_context(
            subprocess.Popen(
                words,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        )
    except (OSError, ValueError, subprocess.SubprocessError):  # ValueError: a NUL in an argument
        return None
    stack.callback(process.kill)  # which does nothing to one that has ended
    if memory_bytes is not None:
        _limit_memory(process.pid, memory_bytes)
    return process


def _answer(process: subprocess.Popen[bytes], deadline: float) -> bytes | None:
    """Return the output; None where the process fails, prints too much, or has not ended in time."""
    try:
        printed = _output(process, deadline)
        return printed if process.wait(max(deadline - time.monotonic(), 0)) in (0, 1) else None
    except (OSError, subprocess.SubprocessError):
        return None


if sys.platform == "win32":

    def _output(process: subprocess.Popen[bytes], deadline: float) -> bytes:
        """Read until the process ends, its time is up or that is too much; then it is killed."""
        timer = threading.Timer(deadline - time.monotonic(), process.kill)
        timer.daemon = True
        timer.start()
        try:
            assert process.stdout is not None
            printed = process.stdout.read(_MOST_BYTES + 1)
            if len(printed) > _MOST_BYTES:
                process.kill()
            return printed
        finally:
            timer.cancel()

else:

    def _output(process: subprocess.Popen[bytes], deadline: float) -> bytes:
        """Read until the process ends, its time is up or that is too much; then it is killed.

        Without a thread that waits for the time: starting one takes as long as many an answer.
        """
        assert process.stdout is not None
        parts: list[bytes] = []
        left = _MOST_BYTES
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while left >= 0 and selector.select(max(deadline - time.monotonic(), 0)):
                part = os.read(process.stdout.fileno(), _PIECE_BYTES)
                if not part:
                    return b"".join(parts)
                parts.append(part)
                left -= len(part)
        process.kill()
        return b"".join(parts)


def _limit_memory(pid: int, limit: int) -> None:
    if sys.platform == "linux":
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))
