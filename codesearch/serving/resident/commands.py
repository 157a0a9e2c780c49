"""Run a command for a client: its arguments come in, what it would have printed goes out as frames.

A frame is a JSON object: ``{"out": text}``, ``{"err": text}``, ``{"progress": [what, stage, done, total]}``,
last ``{"exit": code}``, or as the only one ``{"local": reason}``: the client has to do this one itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from codesearch.caller import VARIABLES, Caller, acting_for
from codesearch.index.opening import lending
from codesearch.quick_dataclass import dataclass
from codesearch.serving.resident.address import surroundings
from codesearch.serving.resident.pool import IndexPool

__all__ = ["Command", "Frame", "Runner", "run_command"]

Frame = dict[str, Any]
Send = Callable[[Frame], None]
"""BrokenPipeError where the client has gone."""

_FIRST_PROGRESS_SECONDS, _PROGRESS_SECONDS = 0.6, 0.1


class Runner(Protocol):
    """The command line, as whoever starts the server brings it along."""

    def profits(self, args: Sequence[str]) -> bool:
        """Whether the resident process may run this command."""

    def run(self, args: list[str]) -> int:
        """Run it, print what it prints, never raise; the exit code."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a client."""

    args: list[str]
    folder: Path
    variables: Mapping[str, str]
    tty: tuple[bool, bool]
    """Whether its stdout and its stderr are terminals."""
    surroundings: str

    @classmethod
    def read(cls, body: Any) -> Command:
        """ValueError for what no client of this version sends."""
        try:
            args, variables = [str(arg) for arg in body["args"]], dict(body["variables"])
            out, err = body["tty"]
            folder = Path(body["folder"])
            surrounded = str(body["surroundings"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a command: {type(error).__name__} {error}") from error
        if not folder.is_absolute():
            raise ValueError(f"folder is {str(folder)!r}; expected an absolute path")
        if not set(variables) <= set(VARIABLES):
            raise ValueError(f"variables are {sorted(variables)}; expected some of {VARIABLES}")
        return cls(args, folder, variables, (bool(out), bool(err)), surrounded)


def run_command(
    command: Command,
    runner: Runner,
    pool: IndexPool,
    send: Send,
    *,
    finish: Callable[[Path], None] | None = None,
) -> None:
    """Run it in this thread, and send frames until its exit.

    ``finish`` is told of roots whose refresh was cut short.
    """
    if command.surroundings != surroundings():
        send({"local": "other environment variables than those of the resident process"})
    elif not runner.profits(command.args):
        send({"local": "a command that gains nothing"})
    else:
        caller = Caller(
            command.folder,
            command.variables,
            _Stream("out", command.tty[0], send),
            _Stream("err", command.tty[1], send),
            _Progress(send),
            finish,
        )
        with acting_for(caller), lending(pool.lend):
            code = runner.run(command.args)
        send({"exit": code})


class _Stream:
    """The client's stdout or stderr."""

    def __init__(self, name: str, is_terminal: bool, send: Send) -> None:
        self._name = name
        self._is_terminal = is_terminal
        self._send = send

    def write(self, text: str, /) -> None:
        if text:
            self._send({self._name: text})

    def flush(self) -> None:
        return

    def isatty(self) -> bool:
        return self._is_terminal


class _Progress:
    """Progress for a client that has waited a while; and the moment in which one that has left is noticed."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._due = time.monotonic() + _FIRST_PROGRESS_SECONDS

    def __call__(self, what: str, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now < self._due:
            self._send({})
            return
        self._due = now + _PROGRESS_SECONDS
        self._send({"progress": [what, stage, done, total]})
