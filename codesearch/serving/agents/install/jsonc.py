"""Parse JSON with comments and trailing commas, as editors write it, with the position of every value.

Own code, because what is needed is an edit of the text that leaves every other byte alone: the libraries that
read comments either drop them or write the whole file anew, and the grammar at hand (tree-sitter-json) takes
no trailing commas.
"""

from __future__ import annotations

import json
import re
from typing import Any

from codesearch.errors import CodesearchError
from codesearch.quick_dataclass import dataclass

__all__ = ["BadJson", "Member", "Node", "parse"]

_BLANK = re.compile(r"(?:[ \t\r\n\ufeff]|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_WORD = re.compile(r"[^\s,\]}/:\[{\"]+")
_DEEPEST = 100


class BadJson(CodesearchError):
    """Text that is not JSON, not even with comments."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands; ``end`` is behind it."""

    start: int
    end: int
    value: Any
    members: tuple[Member, ...] | None = None
    """Of an object, in the order of the text."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object; ``start`` is that of its key."""

    key: str
    start: int
    node: Node
    comma: int | None
    """Behind its comma, if it has one."""


def parse(text: str) -> Node:
    """The value that the text is. BadJson with line and column."""
    reader = _Reader(text)
    node = reader.value(0)
    end = reader.blank(node.end)
    if end != len(text):
        raise reader.error(end, "nothing more")
    return node


@dataclass(slots=True)
class _Reader:
    text: str

    def blank(self, at: int) -> int:
        """Behind blanks and comments."""
        match = _BLANK.match(self.text, at)
        return match.end() if match else at

    def error(self, at: int, expected: str) -> BadJson:
        line = self.text.count("\n", 0, at) + 1
        column = at - (self.text.rfind("\n", 0, at) + 1) + 1
        found = repr(self.text[at : at + 10]) if at < len(self.text) else "the end"
        return BadJson(f"line {line}, column {column}: found {found}, expected {expected}")

    def value(self, at: int, depth: int = 0) -> Node:
        at = self.blank(at)
        first = self.text[at : at + 1]
        if depth > _DEEPEST:
            raise self.error(at, f"at most {_DEEPEST} levels")
        if first == "{":
            return self._object(at, depth)
        if first == "[":
            return self._array(at, depth)
        match = (_STRING if first == '"' else _WORD).match(self.text, at)
        if match is None:
            raise self.error(at, "a value")
        try:
            return Node(at, match.end(), json.loads(match[0]))
        except ValueError:
            raise self.error(at, "a value") from None

    def _object(self, start: int, depth: int) -> Node:
        members: list[Member] = []
        at = self.blank(start + 1)
        comma: int | None = None
        while self.text[at : at + 1] != "}":
            if members and comma is None:
                raise self.error(at, "a comma or }")
            key = _STRING.match(self.text, at)
            if key is None:
                raise self.error(at, 'a key in "quotes" or }')
            colon = self.blank(key.end())
            if self.text[colon : colon + 1] != ":":
                raise self.error(colon, "a colon")
            node = self.value(colon + 1, depth + 1)
            start_of_key = at
            at, comma = self._behind_comma(node.end)
            members.append(Member(self._key(key), start_of_key, node, comma))
        return Node(start, at + 1, {m.key: m.node.value for m in members}, tuple(members))

    def _key(self, match: re.Match[str]) -> str:
        try:
            return str(json.loads(match[0]))
        except ValueError:
            raise self.error(match.start(), "a key") from None

    def _array(self, start: int, depth: int) -> Node:
        values: list[Any] = []
        at = self.blank(start + 1)
        comma: int | None = None
        while self.text[at : at + 1] != "]":
            if values and comma is None:
                raise self.error(at, "a comma or ]")
            node = self.value(at, depth + 1)
            values.append(node.value)
            at, comma = self._behind_comma(node.end)
        return Node(start, at + 1, values)

    def _behind_comma(self, at: int) -> tuple[int, int | None]:
        at = self.blank(at)
        if self.text[at : at + 1] == ",":
            return self.blank(at + 1), at + 1
        return at, None
