"""Ignore files in git's syntax: reading them, and asking which rule decides on a path.

The rules are those of git's dir.c: the last pattern of a file decides, a file nearer to the path
decides before one further up, and nothing under an excluded folder comes back (the walk does not go
there). pathspec was compared with git on generated trees and differs in corners (byte-wise ``?``,
folded case, unclosed classes, a literal before ``**``), so the few rules that matter stand here, over
wildmatch.py, and tests hold them against git itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from codesearch.files.content.regular import read_regular
from codesearch.files.ignoring.rules import SPECIAL, Pattern, Wildcards, trimmed
from codesearch.quick_dataclass import dataclass

__all__ = ["IgnoreFile", "RuleChain", "parse_ignore", "read_ignore"]

_MAX_BYTES = 10_000_000
_FEW_LINES = 1_000
_UNUSUAL = re.compile(rb"[*?\[\\\0]| $", re.MULTILINE)
"""Stands in a line that is not a name or a path as it is."""
_COMMENTS = re.compile(rb"^#.*\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class IgnoreFile:
    """The rules of one file. Paths are asked relative to the folder that the file governs."""

    plain: Mapping[bytes, int]
    """Lines without wildcards, each as it stands, and the position of its last occurrence."""
    by_name: Wildcards | None
    """Patterns without a slash: they look at the last component."""
    by_path: Wildcards | None
    negates: bool
    """Whether there is a ``!`` line."""
    fold: bool
    """Letters match whatever their case (core.ignorecase)."""
    names: frozenset[bytes] | None
    """The last components of ``plain``; None where there are too many to take them apart."""

    def decide(self, path: bytes, name: bytes, is_directory: bool) -> bool | None:
        """True: ignored; False: a ``!`` rule says not; None: no rule matches."""
        if self.fold:
            path, name = path.lower(), name.lower()
        last = -1, False
        if self.plain and (self.names is None or name in self.names):
            last = self._plain_match(path, name, is_directory)
        if self.by_name:
            last = max(last, self.by_name.last_match(name, is_directory))
        if self.by_path:
            last = max(last, self.by_path.last_match(path, is_directory))
        position, negated = last
        return None if position < 0 else not negated

    def _plain_match(self, path: bytes, name: bytes, is_directory: bool) -> tuple[int, bool]:
        """As ``Wildcards.last_match``: every way to write a line that means this path is looked up."""
        texts = [name, b"/" + path, path] if b"/" in path else [name, b"/" + path]
        if is_directory:
            texts += [text + b"/" for text in texts]
        last, negated = -1, False
        found = self.plain.get
        for text in texts:
            if (position := found(text, -1)) > last and text[0] not in b"!#":
                last = position
        if self.negates:
            for text in texts:
                if (position := found(b"!" + text, -1)) > last:
                    last, negated = position, True
        return last, negated


def parse_ignore(content: bytes, fold: bool = False) -> IgnoreFile | None:
    """Return the rules in ``content``; None for no rule."""
    content = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").removesuffix(b"\r")
    if b"#" in content:
        content = _COMMENTS.sub(b"", content)
    lines = content.split(b"\n")
    plain = dict(zip(lines, range(len(lines)), strict=True))
    plain.pop(b"", None)
    by_name, by_path = _take_out(plain) if _UNUSUAL.search(content) else ([], [])
    if not (by_name or by_path) and all(line.startswith(b"#") for line in plain):
        return None
    plain = _lowered(plain) if fold else plain
    return IgnoreFile(
        plain,
        Wildcards(by_name, fold) if by_name else None,
        Wildcards(by_path, fold) if by_path else None,
        content.startswith(b"!") or b"\n!" in content,
        fold,
        frozenset(map(_last_component, plain)) if len(plain) <= _FEW_LINES else None,
    )


def _last_component(line: bytes) -> bytes:
    return line.removeprefix(b"!").removesuffix(b"/").rpartition(b"/")[2]


def _take_out(plain: dict[bytes, int]) -> tuple[list[Pattern], list[Pattern]]:
    """Take out the lines that mean something else than they say; return those that match names, and paths."""
    by_name: list[Pattern] = []
    by_path: list[Pattern] = []
    for line in list(filter(_UNUSUAL.search, plain)):
        number = plain.pop(line)
        if line.startswith(b"#"):
            continue
        pattern = line if line[-1:] != b" " and b"\0" not in line else trimmed(line.split(b"\0", 1)[0])
        if pattern is not line and not SPECIAL.search(pattern):
            plain[pattern] = max(number, plain.get(pattern, -1))
            plain.pop(b"", None)
        elif b"/" in pattern[pattern[:1] == b"!" : -1]:
            by_path.append((number, pattern))
        else:
            by_name.append((number, pattern))
    return sorted(by_name, reverse=True), sorted(by_path, reverse=True)


def _lowered(plain: Mapping[bytes, int]) -> dict[bytes, int]:
    lowered: dict[bytes, int] = {}
    for line, number in plain.items():
        lowered[line.lower()] = max(number, lowered.get(line.lower(), -1))
    return lowered


def read_ignore(path: bytes, fold: bool = False, follow: bool = False) -> IgnoreFile | None:
    """The rules in the file at ``path``; None where it is missing, no regular file, or holds none.

    Inside a tree git does not follow a symbolic link to an ignore file, and nor does this. Raises OSError
    where a file is there and cannot be read.
    """
    content = read_regular(path, _MAX_BYTES, follow=follow)
    return None if content is None else parse_ignore(content, fold)


@dataclass(frozen=True, slots=True)
class RuleChain:
    """Ignore files that govern a folder, nearest first: a linked list that subfolders share."""

    file: IgnoreFile
    base: int
    """Bytes of a path (relative to the walk) to leave out; negative: paths are longer by ``prefix``."""
    outer: RuleChain | None = None
    prefix: bytes = field(default=b"")
    """For files above the root of the walk: what their folder calls that root, with ``/``."""

    def decide(self, path: bytes, name: bytes, is_directory: bool) -> bool | None:
        """Return the decision of the nearest file with a matching rule; None without one."""
        rules: RuleChain | None = self
        while rules is not None:
            relative = rules.prefix + path if rules.prefix else path[rules.base :]
            verdict = rules.file.decide(relative, name, is_directory)
            if verdict is not None:
                return verdict
            rules = rules.outer
        return None
