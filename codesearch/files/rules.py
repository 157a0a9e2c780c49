"""Many patterns asked at once: which is the last that matches?

An ignore file may hold a hundred thousand patterns, and each is asked of each path. Those without a
wildcard are looked up; the others are tried only where the path begins with, ends with and holds what
stands in them beside the wildcards, and compiled when that happens for the first time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from codesearch.files.wildmatch import translate

__all__ = ["SPECIAL", "Rule", "Rules"]

SPECIAL = re.compile(rb"[*?\[\\]")
"""Characters that a pattern without a wildcard does not hold."""
_LAST_SPECIAL = re.compile(rb".*[*?\[\]\\]", re.DOTALL)
_KEY_BYTES = 4
"""Of the beginning or end of a pattern that it is filed under."""


class Rule:
    """One line of an ignore file; ``text`` is its pattern, without what says how it is meant."""

    __slots__ = ("_glob", "_regex", "fold", "is_path", "negated", "only_directories", "position", "text")

    def __init__(
        self,
        position: int,
        text: bytes,
        *,
        negated: bool = False,
        only_directories: bool = False,
        is_path: bool = False,
        fold: bool = False,
    ) -> None:
        self.position = position
        self.text = text
        self.negated = negated
        self.only_directories = only_directories
        self.is_path = is_path
        self.fold = fold
        self._regex: re.Pattern[bytes] | None = None

    def matches(self, text: bytes) -> bool:
        """Whether it matches the whole of ``text``."""
        if self._regex is None:
            self._regex = re.compile(self._source(), re.DOTALL)
        return self._regex.fullmatch(text) is not None

    def prefix(self) -> bytes:
        """Return the beginning of every text that matches."""
        special = SPECIAL.search(self.text)
        literal = self.text[: special.start()] if special else self.text
        return literal.lower() if self.fold else literal

    def suffix(self) -> bytes:
        """Return the end of every text that matches."""
        special = _LAST_SPECIAL.match(self.text)
        at = special.end() if special else 0
        if self.text[at - 2 : at] == b"**" and self.text[at : at + 1] == b"/":
            at += 1  # which ``**/`` may leave out
        if self.text[at - 1 : at] == b"\\":
            return self.text[at + 1 :].lower() if self.fold else self.text[at + 1 :]
        return self.text[at:].lower() if self.fold else self.text[at:]

    def _source(self) -> bytes:
        """A path's literal beginning is compared as it is; git's glob begins after it: see ``a**/b``."""
        if not self.is_path:
            return translate(self.text, self.fold)
        literal = self.prefix()
        return re.escape(literal) + translate(self.text[len(literal) :], self.fold)


class Rules:
    """Rules over the same kind of text (names or paths)."""

    __slots__ = ("_literal", "_prefix_sizes", "_prefixed", "_suffix_sizes", "_suffixed", "_wild")

    def __init__(self, rules: Sequence[Rule]) -> None:
        """``rules`` by ascending position."""
        literal: dict[bytes, list[Rule]] = {}
        prefixed: dict[bytes, list[tuple[bytes, Rule]]] = {}
        suffixed: dict[bytes, list[tuple[bytes, Rule]]] = {}
        wild: list[tuple[bytes, Rule]] = []
        for rule in _latest(rules):
            prefix = rule.prefix()
            if SPECIAL.search(rule.text) is None:
                literal.setdefault(prefix, []).append(rule)
                continue
            suffix = rule.suffix()
            needle = max(prefix, suffix, key=len)
            if prefix:
                prefixed.setdefault(prefix[:_KEY_BYTES], []).append((needle, rule))
            elif suffix:
                suffixed.setdefault(suffix[-_KEY_BYTES:], []).append((needle, rule))
            else:
                wild.append((needle, rule))
        self._literal: Mapping[bytes, Sequence[Rule]] = literal
        self._prefixed: Mapping[bytes, Sequence[tuple[bytes, Rule]]] = prefixed
        self._suffixed: Mapping[bytes, Sequence[tuple[bytes, Rule]]] = suffixed
        self._wild: Sequence[tuple[bytes, Rule]] = wild
        self._prefix_sizes = sorted({len(key) for key in prefixed})
        self._suffix_sizes = sorted({len(key) for key in suffixed})

    def last_match(self, text: bytes, is_directory: bool, after: int = -1) -> Rule | None:
        """The last rule behind position ``after`` that matches."""
        found: Rule | None = None
        for rule in self._literal.get(text, ()):
            if rule.position > after and (is_directory or not rule.only_directories):
                found, after = rule, rule.position
                break
        for filed in self._filed(text):
            for needle, rule in filed:
                if rule.position <= after:
                    break
                if needle in text and (is_directory or not rule.only_directories) and rule.matches(text):
                    found, after = rule, rule.position
                    break
        return found

    def _filed(self, text: bytes) -> Iterable[Sequence[tuple[bytes, Rule]]]:
        return chain(
            (self._wild,),
            (self._prefixed.get(text[:size], ()) for size in self._prefix_sizes),
            (self._suffixed.get(text[-size:], ()) for size in self._suffix_sizes),
        )


def _latest(rules: Sequence[Rule]) -> list[Rule]:
    """Of rules that match the same the last one, by descending position."""
    latest: dict[tuple[bytes, bool], Rule] = {}
    for rule in reversed(rules):
        latest.setdefault((rule.text, rule.only_directories), rule)
    return list(latest.values())
