"""Run a command in the resident process and show its output as if it had run here. Imports little.

Whatever keeps the resident process from answering, this process does the work itself, as if there were none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from codesearch.shell.exit_codes import INTERRUPTED

if TYPE_CHECKING:
    from codesearch.shell.progress import Display

__all__ = ["answer"]

_START_SECONDS = 3.0
"""For the first question to wait for a process to come up, which then keeps what it loads."""
_HERE = frozenset(
    {
        "index",
        "status",
        "list",
        "clear",
        "bench",
        "tune",
        "models",
        "doctor",
        "help",
        "serve",
        "stats",
        "plan",
    }
    | {"embed-corpus", "mcp", "agents"}
    | {"-", "--help", "-h", "--version", "--no-daemon"}
)
"""Arguments with which the resident process is not even asked; a query of that name is answered here too."""
_HERE_IF_SET = ("CODESEARCH_DEBUG", "_CODESEARCH_COMPLETE")
_VARIABLES = (
    "CODESEARCH_MODEL",
    "CODESEARCH_STATS",
    "NO_COLOR",
    "TERM",
)  # caller.VARIABLES, which costs an import


def answer(args: Sequence[str]) -> int | None:
    """The exit code of the command; None where this process has to run it, and nothing was printed yet."""
    if not args or _is_for_here(args):
        return None
    from codesearch.serving.resident import client  # late, with sockets: many commands are for here

    if not client.allowed():
        return None
    if sys.stdout is None or sys.stderr is None:  # closed by whoever started us
        return None
    try:
        # Where each program is expected to end with its parent, none is started.
        address = client.resident() if os.environ.get("CI") else client.started(_START_SECONDS)
        if address is not None:
            return _shown(_Screen(), client.ask(address, "/v1/command", _command(args)))
    except (client.Unreachable, ValueError, OSError):  # it is gone, it refuses, or none can be started
        pass
    return None


def _is_for_here(args: Sequence[str]) -> bool:
    """Whether the resident process need not be asked: it would gain nothing, or does not have what it takes.

    A service or a store by its address may need secrets of this environment.
    """
    return (
        not _HERE.isdisjoint(args)
        or any("://" in arg or arg.startswith("--open") for arg in args)
        or any(map(os.environ.get, _HERE_IF_SET))
    )


def _command(args: Sequence[str]) -> dict[str, Any]:
    from codesearch.serving.resident.address import surroundings

    return {
        "args": list(args),
        "folder": os.getcwd(),  # noqa: PTH109
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "tty": [sys.stdout.isatty(), sys.stderr.isatty()],
        "surroundings": surroundings(),
    }


class _Screen:
    """This process's streams. What goes to stdout is held back until the answer is whole."""

    def __init__(self) -> None:
        self._display: Display | None = None
        self._held: list[str] = []

    def show(self, frame: dict[str, Any]) -> None:
        """Any frame but the last."""
        if "progress" in frame:
            self._progress(*frame["progress"])
        elif "err" in frame:
            self.end_progress()
            sys.stderr.write(frame["err"])
            sys.stderr.flush()
        else:
            self._held.append(frame["out"])

    def end(self) -> None:
        """Print what was held back."""
        self.end_progress()
        sys.stdout.write("".join(self._held))
        sys.stdout.flush()

    def end_progress(self) -> None:
        """Take the bar off the screen."""
        if self._display is not None:
            self._display.__exit__(None, None, None)
            self._display = None

    def _progress(self, what: str, stage: str, done: int, total: int) -> None:
        if self._display is None:
            from codesearch.shell.progress import Display

            self._display = Display(what, delay=0.0)
        self._display(stage, done, total)


def _shown(screen: _Screen, frames: Any) -> int | None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        for frame in frames:
            if "local" in frame:
                return None
            if "exit" in frame:
                screen.end()
                return int(frame["exit"])
            screen.show(frame)
    except BrokenPipeError:
        _silence()
        return 0
    except KeyboardInterrupt:
        screen.end_progress()
        sys.stderr.write("codesearch: interrupted; what was done is kept\n")
        return INTERRUPTED
    finally:
        screen.end_progress()
    return None  # torn off before its end


def _silence() -> None:
    """Whoever read stdout has stopped: the interpreter's flush at exit must not fail."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
