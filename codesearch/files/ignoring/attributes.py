"""Read the ``.gitattributes`` that matter here: encodings, and which files are generated.

Read as git reads them: a pattern is one of ``.gitignore``, the last line that matches decides, a file
further down decides before one further up. Macros and ``info/attributes`` are left to git.
"""

from __future__ import annotations

from dataclasses import field

from codesearch.files.content.regular import read_regular
from codesearch.files.ignoring.ignore import IgnoreFile, parse_ignore
from codesearch.quick_dataclass import dataclass

__all__ = ["Attributes"]

_ENCODING = (b"working-tree-encoding", b"encoding")
_GENERATED = (b"linguist-generated", b"gitlab-generated")
_MOST_BYTES = 1_000_000
_MOST_RULES = 2_000


@dataclass(frozen=True, slots=True)
class _Rule:
    base: bytes
    pattern: IgnoreFile
    encoding: str | None
    generated: bool | None


@dataclass(slots=True)
class Attributes:
    """The rules of all attribute files that were read so far, in the order of the walk (outer first)."""

    rules: list[_Rule] = field(default_factory=list)

    def read(self, location: bytes, base: bytes) -> None:
        """Add the rules of the file at ``location``, which governs the folder ``base`` (with its slash)."""
        try:
            content = read_regular(location, _MOST_BYTES)
        except (OSError, ValueError):
            return
        for line in (content or b"").split(b"\n"):
            rule = _parsed(line.strip(), base)
            if rule is not None and len(self.rules) < _MOST_RULES:
                self.rules.append(rule)

    def of(self, path: bytes) -> tuple[str | None, bool]:
        """Return the encoding that the file at ``path`` is said to have, and whether a program made it."""
        matching = self._matching(path)
        return (
            next((rule.encoding for rule in matching if rule.encoding is not None), None),
            next((rule.generated for rule in matching if rule.generated is not None), False),
        )

    def _matching(self, path: bytes) -> list[_Rule]:
        """The rules for a path, the deciding one first."""
        name = path.rpartition(b"/")[2]
        return [
            rule
            for rule in reversed(self.rules)
            if path.startswith(rule.base) and rule.pattern.decide(path[len(rule.base) :], name, False)
        ]


def _parsed(line: bytes, base: bytes) -> _Rule | None:
    pattern, *attributes = line.split() or [b"#"]
    if pattern.startswith((b"#", b"[", b"!")):
        return None
    encoding, generated = None, None
    for attribute in attributes:
        name, _, value = attribute.lstrip(b"-!").partition(b"=")
        if name in _ENCODING and value:
            encoding = value.decode("ascii", "replace")
        elif name in _GENERATED:
            generated = not attribute.startswith((b"-", b"!")) and value.lower() != b"false"
    matcher = parse_ignore(pattern) if encoding is not None or generated is not None else None
    return _Rule(base, matcher, encoding, generated) if matcher is not None else None
