"""Ignore files in git's syntax: reading them, and asking which rule decides on a path.

The rules are those of git's dir.c: the last pattern of a file decides, a file nearer to the path
decides before one further up, and nothing under an excluded folder comes back (the walk does not go
there). pathspec was compared with git on generated trees and differs in corners (byte-wise ``?``,
folded case, unclosed classes, a literal before ``**``), so the few rules that matter stand here, over
wildmatch.py, and tests hold them against git itself.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field

from codesearch.files.wildmatch import translate

__all__ = ["IgnoreFile", "Rules", "parse_ignore", "read_ignore"]

_MAX_BYTES = 10_000_000
_SPECIAL = re.compile(rb"[*?\[\\]")


@dataclass(frozen=True, slots=True)
class _Rule:
    regex: re.Pattern[bytes]
    negated: bool
    only_directories: bool


@dataclass(frozen=True, slots=True)
class _Group:
    """Rules of one file over the same kind of text, and one expression that says whether any can match."""

    rules: tuple[tuple[int, _Rule], ...]
    any: re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class IgnoreFile:
    """The rules of one file. Paths are asked relative to the folder that the file governs."""

    by_name: _Group | None
    """Patterns without a slash: they look at the last component."""
    by_path: _Group | None
    fold: bool
    """Letters match whatever their case (core.ignorecase)."""

    def decide(self, path: bytes, name: bytes, is_directory: bool) -> bool | None:
        """True: ignored; False: a ``!`` rule says not; None: no rule matches."""
        if self.fold:
            path, name = path.lower(), name.lower()
        best, verdict = -1, None
        for group, text in ((self.by_name, name), (self.by_path, path)):
            if group is None or group.any.fullmatch(text) is None:
                continue
            for position, rule in reversed(group.rules):
                if position < best:
                    break
                if (is_directory or not rule.only_directories) and rule.regex.fullmatch(text):
                    best, verdict = position, not rule.negated
                    break
        return verdict


def parse_ignore(content: bytes, fold: bool = False) -> IgnoreFile | None:
    """The rules in ``content``, or None where there are none."""
    by_name: list[tuple[int, bytes, _Rule]] = []
    by_path: list[tuple[int, bytes, _Rule]] = []
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for position, line in enumerate(lines):
        text = _trim(line.removesuffix(b"\r").split(b"\0", 1)[0])
        if not text or text.startswith(b"#"):
            continue
        negated = text.startswith(b"!")
        text = text[negated:]
        only_directories = text.endswith(b"/")
        text = text[: len(text) - only_directories]
        if not text:
            continue
        source = _source(text, fold)
        rule = _Rule(re.compile(source, re.DOTALL), negated, only_directories)
        (by_path if b"/" in text else by_name).append((position, source, rule))
    if not by_name and not by_path:
        return None
    return IgnoreFile(_group(by_name), _group(by_path), fold)


def _group(entries: list[tuple[int, bytes, _Rule]]) -> _Group | None:
    if not entries:
        return None
    union = b"|".join(b"(?:" + source + b")" for _, source, _ in entries)
    return _Group(tuple((position, rule) for position, _, rule in entries), re.compile(union, re.DOTALL))


def _source(text: bytes, fold: bool) -> bytes:
    """The literal beginning is compared as it is and git's glob begins after it, which shows in ``a**/b``."""
    if b"/" not in text:
        return translate(text, fold)
    text = text.removeprefix(b"/")
    special = _SPECIAL.search(text)
    literal = text[: special.start()] if special else text
    return re.escape(literal.lower() if fold else literal) + translate(text[len(literal) :], fold)


def _trim(line: bytes) -> bytes:
    """Without trailing spaces, except those after a backslash; git leaves a line alone that ends in one."""
    bare = line.rstrip(b" ")
    backslashes = len(bare) - len(bare.rstrip(b"\\"))
    if len(bare) < len(line) and backslashes % 2:
        return line[: len(bare) + 1]
    return bare


def read_ignore(path: bytes, fold: bool = False, follow: bool = False) -> IgnoreFile | None:
    """The rules in the file at ``path``; None where it is missing, unreadable or holds none.

    Inside a tree git does not follow a symbolic link to an ignore file, and nor does this.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags | (0 if follow else getattr(os, "O_NOFOLLOW", 0)))
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            return None
        return parse_ignore(file.read(), fold)


@dataclass(frozen=True, slots=True)
class Rules:
    """Ignore files that govern a folder, nearest first: a linked list that subfolders share."""

    file: IgnoreFile
    base: int
    """Bytes of a path (relative to the walk) to leave out; negative: paths are longer by ``prefix``."""
    outer: Rules | None = None
    prefix: bytes = field(default=b"")
    """For files above the root of the walk: what their folder calls that root, with ``/``."""

    def decide(self, path: bytes, name: bytes, is_directory: bool) -> bool | None:
        """What the nearest file with a matching rule says; None where none matches."""
        rules: Rules | None = self
        while rules is not None:
            relative = rules.prefix + path if rules.prefix else path[rules.base :]
            verdict = rules.file.decide(relative, name, is_directory)
            if verdict is not None:
                return verdict
            rules = rules.outer
        return None
