"""Writes to the terminal: escaped, encodable, and quiet when nobody reads on.

Text from files is hostile by default: escape sequences, carriage returns and bidirectional overrides are
shown, never obeyed. Output that the terminal cannot encode is escaped too. A closed pipe (``| head``)
is not an error.
"""

from __future__ import annotations

import io
import os
import re
import sys

from codesearch import caller
from codesearch.caller import Stream
from codesearch.errors import CodesearchError

__all__ = ["ClosedPipe", "OutputError", "colours", "one_line", "prepare_streams", "safe", "say", "write"]

# C0 without tab and newline, DEL, C1, line and paragraph separators, bidirectional controls
# ("Trojan Source", CVE-2021-42574), lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


class ClosedPipe(Exception):
    """Whoever read our output has stopped."""


class OutputError(CodesearchError):
    """The output cannot be written: closed, or on a full disk."""


def safe(text: str) -> str:
    """Text whose control characters are written out (``\\x1b``); newlines and tabs stay."""
    return _UNSAFE.sub(_escape, text)


def one_line(text: str) -> str:
    """The same for paths and names, which have no newlines and tabs either."""
    return safe(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def prepare_streams() -> None:
    """Make stdout and stderr escape what they cannot encode, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write(text: str) -> None:
    """Data, to stdout. ClosedPipe when nobody reads it any more, OutputError when it cannot be written."""
    stream: Stream | None = caller.stdout()
    if stream is None:
        if text:
            raise OutputError("standard output is closed; nothing could be printed")
        return
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError as error:
        _silence(stream)
        raise ClosedPipe from error
    except OSError as error:
        _silence(stream)
        raise OutputError(f"the output cannot be written: {error.strerror}") from error


def say(message: str) -> None:
    """A message to the user, on stderr, one line; lost without complaint when stderr is closed."""
    stream: Stream | None = caller.stderr()
    if stream is None:
        return
    try:
        stream.write(f"codesearch: {safe(message)}\n")
        stream.flush()
    except (OSError, ValueError):
        _silence(stream)


def colours(stream: Stream) -> bool:
    """Whether to colour what goes to this stream: a terminal, and nobody says no (no-color.org)."""
    return stream.isatty() and not caller.variable("NO_COLOR") and caller.variable("TERM") != "dumb"


def _silence(stream: Stream) -> None:
    """Point a closed stream at nothing, so that the interpreter's flush at exit does not fail."""
    if not isinstance(stream, io.TextIOBase):
        return
    try:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, stream.fileno())
        os.close(devnull)
    except (OSError, ValueError):  # no descriptor behind it
        return
