"""Ignore files in git's syntax: reading them, and asking which rule decides on a path.

The rules are those of git's dir.c: the last pattern of a file decides, a file nearer to the path
decides before one further up, and nothing under an excluded folder comes back (the walk does not go
there). pathspec was compared with git on generated trees and differs in corners (byte-wise ``?``,
folded case, unclosed classes, a literal before ``**``), so the few rules that matter stand here, over
wildmatch.py, and tests hold them against git itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from codesearch.files.regular import read_regular
from codesearch.files.rules import Rule, Rules

__all__ = ["Governing", "IgnoreFile", "parse_ignore", "read_ignore"]

_MAX_BYTES = 10_000_000
_PLAIN_NAME = re.compile(rb"[\w.-]+").fullmatch
"""Most lines: a name, and nothing that needs a closer look."""


@dataclass(frozen=True, slots=True)
class IgnoreFile:
    """The rules of one file. Paths are asked relative to the folder that the file governs."""

    by_name: Rules | None
    """Patterns without a slash: they look at the last component."""
    by_path: Rules | None
    fold: bool
    """Letters match whatever their case (core.ignorecase)."""

    def decide(self, path: bytes, name: bytes, is_directory: bool) -> bool | None:
        """True: ignored; False: a ``!`` rule says not; None: no rule matches."""
        if self.fold:
            path, name = path.lower(), name.lower()
        best = self.by_name.last_match(name, is_directory) if self.by_name else None
        if self.by_path:
            after = best.position if best else -1
            best = self.by_path.last_match(path, is_directory, after) or best
        return None if best is None else not best.negated


def parse_ignore(content: bytes, fold: bool = False) -> IgnoreFile | None:
    """Return the rules in ``content``; None for no rule."""
    by_name: list[Rule] = []
    by_path: list[Rule] = []
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for position, line in enumerate(lines):
        if _PLAIN_NAME(line):
            by_name.append(Rule(position, line, fold=fold))
            continue
        rule = _rule(position, line, fold)
        if rule is not None:
            (by_path if rule.is_path else by_name).append(rule)
    if not by_name and not by_path:
        return None
    return IgnoreFile(Rules(by_name) if by_name else None, Rules(by_path) if by_path else None, fold)


def _rule(position: int, line: bytes, fold: bool) -> Rule | None:
    text = _trim(line.removesuffix(b"\r").split(b"\0", 1)[0])
    if not text or text.startswith(b"#"):
        return None
    negated = text.startswith(b"!")
    text = text[negated:]
    only_directories = text.endswith(b"/")
    text = text[: len(text) - only_directories]
    if not text:
        return None
    return Rule(
        position,
        text.removeprefix(b"/"),
        negated=negated,
        only_directories=only_directories,
        is_path=b"/" in text,
        fold=fold,
    )


def _trim(line: bytes) -> bytes:
    """Without trailing spaces, except those after a backslash; git leaves a line alone that ends in one."""
    bare = line.rstrip(b" ")
    backslashes = len(bare) - len(bare.rstrip(b"\\"))
    if len(bare) < len(line) and backslashes % 2:
        return line[: len(bare) + 1]
    return bare


def read_ignore(path: bytes, fold: bool = False, follow: bool = False) -> IgnoreFile | None:
    """The rules in the file at ``path``; None where it is missing, no regular file, or holds none.

    Inside a tree git does not follow a symbolic link to an ignore file, and nor does this. Raises OSError
    where a file is there and cannot be read.
    """
    content = read_regular(path, _MAX_BYTES, follow=follow)
    return None if content is None else parse_ignore(content, fold)


@dataclass(frozen=True, slots=True)
class Governing:
    """Ignore files that govern a folder, nearest first: a linked list that subfolders share."""

    file: IgnoreFile
    base: int
    """Bytes of a path (relative to the walk) to leave out; negative: paths are longer by ``prefix``."""
    outer: Governing | None = None
    prefix: bytes = field(default=b"")
    """For files above the root of the walk: what their folder calls that root, with ``/``."""

    def decide(self, path: bytes, name: bytes, is_directory: bool) -> bool | None:
        """Return the decision of the nearest file with a matching rule; None without one."""
        rules: Governing | None = self
        while rules is not None:
            relative = rules.prefix + path if rules.prefix else path[rules.base :]
            verdict = rules.file.decide(relative, name, is_directory)
            if verdict is not None:
                return verdict
            rules = rules.outer
        return None
