"""Patterns with wildcards, many at once: which is the last that matches?

An ignore file may hold a hundred thousand patterns, and each is asked of each path. Whatever a pattern
matches holds the longest text that stands between its wildcards, so patterns are filed under that text, and
only those whose text stands in the path are read any closer, and compiled once they are asked to match. Where
too many hold no text that tells them apart, an automaton asks them all at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from codesearch.files.ignoring.automaton import Automaton, is_simple
from codesearch.files.ignoring.wildmatch import translate

__all__ = ["SPECIAL", "Pattern", "Rule", "Wildcards", "trimmed"]

SPECIAL = re.compile(rb"[*?\[\\]")
"""Characters that a pattern without a wildcard does not hold."""
_OPAQUE = re.compile(rb"[\[\\]")
_LAST_OPAQUE = re.compile(rb".*(?:[\[\]]|\\.?)", re.DOTALL)
_BETWEEN = re.compile(rb"[^*?/]+").findall
_KEY_BYTES = 16
"""Of a needle that it is filed under: a path has that many times as many keys as bytes, at most."""
_FEW = 256
"""Patterns that are sooner asked one by one than looked up."""
_AT_ONCE, _OFTEN = 64, 100
"""Patterns that go into one expression, and texts after which it is made."""
_TELLING_BYTES = 4
"""Shorter texts stand in too many paths to look patterns up by."""

_NONE = [0]
"""Sizes of the keys where all patterns are asked one by one."""
_ONE_TEXT = re.compile(rb"!?+[*?/]*([^*?\[\\/]+)[*?/]*").fullmatch
"""Most patterns: one text, with wildcards before or behind it."""

Pattern = tuple[int, bytes]
"""Position and line (trimmed) of a pattern."""
_Filed = tuple[int, bytes, bytes]
"""Position, needle and line."""


class Rule:
    """One line of an ignore file; ``text`` is its pattern, without what says how it is meant."""

    __slots__ = ("_matches", "fold", "is_path", "negated", "only_directories", "text")

    def __init__(self, line: bytes, fold: bool) -> None:
        """``line`` holds a pattern, trimmed."""
        self.negated = line.startswith(b"!")
        text = line[self.negated :]
        self.only_directories = text.endswith(b"/")
        text = text[: len(text) - self.only_directories]
        self.is_path = b"/" in text
        self.text = text.removeprefix(b"/")
        self.fold = fold
        self._matches = re.compile(self.source(), re.DOTALL).fullmatch

    def matches(self, text: bytes, is_directory: bool) -> bool:
        """Whether it matches the whole of ``text``."""
        return (is_directory or not self.only_directories) and self._matches(text) is not None

    def source(self) -> bytes:
        """The regular expression for the whole of what it matches.

        A path's literal beginning is compared as it is; git's glob begins after it: see ``a**/b``.
        """
        if not self.is_path:
            return translate(self.text, self.fold)
        special = SPECIAL.search(self.text)
        literal = self.text[: special.start()] if special else self.text
        rest = translate(self.text[len(literal) :], self.fold)
        return re.escape(literal.lower() if self.fold else literal) + rest


class Wildcards:
    """Patterns over the same kind of text (names or paths)."""

    __slots__ = (
        "_asked",
        "_asked_at_once",
        "_automaton",
        "_filed",
        "_fold",
        "_one_matches",
        "_rules",
        "_sizes",
    )

    def __init__(self, patterns: Sequence[Pattern], fold: bool) -> None:
        """``patterns``: by descending position."""
        self._fold = fold
        self._rules: dict[bytes, Rule] = {}
        self._filed: dict[bytes, list[_Filed]] = {}
        many = len(patterns) > _FEW
        filed = self._filed.setdefault
        short: list[_Filed] = []
        for position, line in patterns:
            needle = one[1] if (one := _ONE_TEXT(line)) else _longest(line)
            if fold:
                needle = needle.lower()
            if many and len(needle) < _TELLING_BYTES and is_simple(line):
                short.append((position, needle, line))
            else:
                filed(needle[:_KEY_BYTES] if many else b"", []).append((position, needle, line))
        self._asked_at_once: list[Pattern] = []
        self._automaton: Automaton | None = None
        if len(short) > _FEW:
            self._asked_at_once = [(position, line) for position, _, line in reversed(short)]
            self._automaton = Automaton([line for _, line in self._asked_at_once], fold)
        elif short:
            self._filed[b""] = sorted(self._filed.get(b"", []) + short, reverse=True)
        self._sizes = sorted({len(key) for key in self._filed})
        self._asked = 0 if len(patterns) <= _AT_ONCE else -1
        self._one_matches: Callable[[bytes], object] | None = None

    def last_match(self, text: bytes, is_directory: bool) -> tuple[int, bool]:
        """Return the position of the last pattern that matches (-1 for none) and whether it is negated."""
        if self._asked >= 0 and not self._may_match(text):
            return -1, False
        after, negated = -1, False
        if self._automaton and (number := self._automaton.last_match(text, is_directory)) >= 0:
            after, line = self._asked_at_once[number]
            negated = line.startswith(b"!")
        for filed in self._held_by(text) if self._sizes != _NONE else self._filed.values():
            for position, needle, line in filed:
                if position <= after:
                    break
                if needle in text and (rule := self._rule(line)).matches(text, is_directory):
                    after, negated = position, rule.negated
                    break
        return after, negated

    def _may_match(self, text: bytes) -> bool:
        """Whether one of a few patterns matches: asked often, they are worth one expression for all."""
        if self._one_matches is None:
            self._asked += 1
            if self._asked < _OFTEN:
                return True
            sources = [self._rule(line).source() for filed in self._filed.values() for *_, line in filed]
            self._one_matches = re.compile(b"|".join(b"(?:%s)" % one for one in sources), re.DOTALL).fullmatch
        return self._one_matches(text) is not None

    def _held_by(self, text: bytes) -> Iterable[list[_Filed]]:
        """The patterns whose key stands in ``text``."""
        size = len(text)
        keys = {text[at : at + length] for length in self._sizes for at in range(size - length + 1)}
        return [self._filed[key] for key in keys & self._filed.keys()]

    def _rule(self, line: bytes) -> Rule:
        rule = self._rules.get(line)
        if rule is None:
            rule = self._rules[line] = Rule(line, self._fold)
        return rule


def _longest(line: bytes) -> bytes:
    """Return the longest text that stands in whatever the pattern matches."""
    text = line.removeprefix(b"!")
    if opaque := _OPAQUE.search(text):  # what is in a class or behind a backslash is not looked at
        last = _LAST_OPAQUE.match(text)
        text = text[: opaque.start()] + b"*" + text[last.end() if last else 0 :]
    return max(_BETWEEN(text), key=len, default=b"")


def trimmed(line: bytes) -> bytes:
    """Without trailing spaces, except those after a backslash; git leaves a line alone that ends in one."""
    bare = line.rstrip(b" ")
    backslashes = len(bare) - len(bare.rstrip(b"\\"))
    if len(bare) < len(line) and backslashes % 2:
        return line[: len(bare) + 1]
    return bare
