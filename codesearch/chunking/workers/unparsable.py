"""Remember, by content, the files that killed a parsing process, so that none does so twice.

One line of text each, in a file that all indexes of the user share: a hash over the content, the language
and the version of its grammar, for another version may manage. The record is a convenience: one that is
missing, damaged or not writable costs the time that it would have saved.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from functools import cache
from hashlib import blake2b
from pathlib import Path

from codesearch.files.languages import LANGUAGES

__all__ = ["Unparsable"]

_MOST_BYTES = 1 << 20
_KEY_LENGTH = 32
_OPTIONAL_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class Unparsable:
    """The record at ``path``; with None one of this process alone. Any thread may use it."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._keys = _read(path) if path else set()

    def has(self, data: bytes, language: str) -> bool:
        """Whether this content ended a process before."""
        return bool(self._keys) and _key(data, language) in self._keys

    def add(self, data: bytes, language: str) -> None:
        """Remember it."""
        key = _key(data, language)
        with self._lock:
            self._keys.add(key)
            if self._path is not None:
                with contextlib.suppress(OSError):
                    _append(self._path, key)


def _key(data: bytes, language: str) -> str:
    about = f"{language} {_grammar_version(language)}".encode()
    return blake2b(
        data, digest_size=_KEY_LENGTH // 2, key=blake2b(about, digest_size=32).digest()
    ).hexdigest()


@cache
def _grammar_version(language: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    module = LANGUAGES[language].grammar.partition(".")[0]
    if not module:  # read by patterns of our own
        return ""
    try:
        return version(module.replace("_", "-"))
    except PackageNotFoundError:
        return ""


def _read(path: Path) -> set[str]:
    try:
        handle = os.open(path, os.O_RDONLY | _OPTIONAL_FLAGS)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return set()
            lines = file.read(_MOST_BYTES).split(b"\n")
    except OSError:
        return set()
    return {line.decode("ascii") for line in lines if len(line) == _KEY_LENGTH and line.isalnum()}


def _append(path: Path, key: str) -> None:
    """Add a line in one write, which no other process can tear. A record that is too long is begun anew."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _OPTIONAL_FLAGS
    handle = os.open(path, flags, 0o600)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return
        if found.st_size > _MOST_BYTES - _KEY_LENGTH - 1:
            os.ftruncate(handle, 0)
        os.write(handle, f"{key}\n".encode())
    finally:
        os.close(handle)
