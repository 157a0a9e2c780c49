"""Whom a command works for: the caller's working folder, environment variables and streams.

They are this process's own, except in the resident process, which runs commands for its clients: there each
request carries those of the client, and the thread that answers it sees nothing else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

from codesearch.quick_dataclass import dataclass

__all__ = [
    "VARIABLES",
    "Caller",
    "Stream",
    "acting_for",
    "finish",
    "folder",
    "path",
    "progress",
    "stderr",
    "stdout",
    "variable",
]

VARIABLES = ("CODESEARCH_MODEL", "CODESEARCH_STATS", "NO_COLOR", "TERM")
"""Environment variables that a client hands over, because they change what a question prints."""


class Stream(Protocol):
    """Where text goes: a file, or the way back to a client."""

    def write(self, text: str, /) -> Any:
        """BrokenPipeError where nobody reads any more."""

    def flush(self) -> Any:
        """Hand over what was written."""

    def isatty(self) -> bool:
        """Whether a person looks on."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of the resident process."""

    folder: Path
    """Its working folder, absolute."""
    variables: Mapping[str, str]
    """Those of ``VARIABLES`` that it has set."""
    stdout: Stream
    stderr: Stream
    progress: Callable[[str, str, int, int], None]
    """``progress(what, stage, done, total)``: shown by the client itself."""
    finish: Callable[[Path], None] | None = None
    """Told of the root whose refresh the time did not suffice for: the rest is done when nobody waits."""


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


@contextmanager
def acting_for(caller: Caller) -> Iterator[None]:
    """Work for a client inside the block (in this thread or task)."""
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)


def folder() -> Path:
    """The working folder."""
    caller = _caller.get()
    return caller.folder if caller else Path.cwd()


def path(given: str | os.PathLike[str]) -> Path:
    """A path as the caller means it: absolute where a client means it relative to its own folder."""
    caller = _caller.get()
    found = caller.folder / given if caller else Path(given)
    if not os.fspath(given).startswith("~") or found.exists():
        return found
    try:  # typed where no shell expands it: by an editor, an agent
        return Path(given).expanduser()
    except RuntimeError:
        return found


def variable(name: str) -> str:
    """An environment variable; "" where it is not set."""
    caller = _caller.get()
    if caller is None:
        return os.environ.get(name, "")
    assert name in VARIABLES, name
    return caller.variables.get(name, "")


def stdout() -> Stream:
    """Where data goes."""
    caller = _caller.get()
    return caller.stdout if caller else sys.stdout


def stderr() -> Stream:
    """Where messages go."""
    caller = _caller.get()
    return caller.stderr if caller else sys.stderr


def finish(root: Path) -> bool:
    """Have a refresh that was cut short finished in the background; False where nobody can."""
    caller = _caller.get()
    if caller is None or caller.finish is None:
        return False
    caller.finish(root)
    return True


def progress() -> Callable[[str, str, int, int], None] | None:
    """How a client is shown progress; None where this process shows it."""
    caller = _caller.get()
    return caller.progress if caller else None
