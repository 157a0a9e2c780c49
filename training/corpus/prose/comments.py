"""Comments in the text of one chunk, found by lines: where they stand and what they are about.

A chunk is a piece of a file and need not parse, so comments are told by their markers at the beginning
of a line. What shares its line with code is no comment here, and neither is what no marker opens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Comment", "comments", "without"]

Role = Literal["doc", "file", "inside"]

_SLASH_LANGUAGES = "javascript typescript tsx go java rust c cpp csharp php swift kotlin scala zig"
_SLASHES = frozenset(_SLASH_LANGUAGES.split())
_HASHES = frozenset({"python", "ruby", "bash", "elixir"})
_DASHES = frozenset({"lua", "haskell"})
_LINE = {
    **dict.fromkeys(_SLASHES, re.compile(r"\s*//")),
    **dict.fromkeys(_HASHES, re.compile(r"\s*#(?!!)")),
    **dict.fromkeys(_DASHES, re.compile(r"\s*--(?!\[=*\[)")),
    "php": re.compile(r"\s*(//|#(?!\[))"),
}
_BLOCK = {
    **dict.fromkeys(_SLASHES - {"zig"}, (re.compile(r"\s*/\*"), re.compile(r"\*/"))),
    "python": (re.compile(r"\s*[rRuU]?(\"\"\"|''')"), None),
    "elixir": (re.compile(r"\s*@(doc|moduledoc|typedoc)\s+(~[sS])?(\"\"\"|\"(?=.))"), None),
    "lua": (re.compile(r"\s*--\[=*\["), re.compile(r"\]=*\]")),
    "haskell": (re.compile(r"\s*\{-(?!#)"), re.compile(r"-\}")),
    "ruby": (re.compile(r"=begin\b"), re.compile(r"^=end\b")),
}
_BETWEEN = re.compile(r"\s*(@|#\[|#!\[|\[[A-Z]|template\s*<|\[\[|$)")
"""Lines that may stand between a comment and the definition that it documents."""
_DEFINITION = re.compile(
    r"\b(def|defp|defmacro|defmodule|class|function|func|fn|fun|interface|struct|enum|trait|impl|type|module"
    r"|object|protocol|extension|record|void|static|public|private|protected|internal|export|const|val|let|var"
    r"|local|sub|union|namespace|typedef|inline|data|newtype|instance|async|override|abstract|final)\b|\)\s*\{?\s*$|::"
)


@dataclass(frozen=True, slots=True)
class Comment:
    """Lines ``start:end`` of a chunk's text, 0-based and half-open, markers still in ``lines``."""

    start: int
    end: int
    lines: tuple[str, ...]
    role: Role
    """"doc": of the definition next to it; "file": at the beginning of a file; "inside": of a body."""
    name: str = ""
    """A "doc": the documented definition, as far as the chunk names its definitions."""


def comments(text: str, language: str | None, names: Iterable[str], at_file_start: bool) -> list[Comment]:
    """The comments of a chunk's text, in order. ``names`` are the definitions that it holds."""
    if language is None or (language not in _LINE and language not in _BLOCK):
        return []
    lines = text.split("\n")
    known = set(names)
    found = []
    for start, end in _extents(lines, language):
        role, name = _role(lines, (start, end), language, known, at_file_start)
        found.append(Comment(start, end, tuple(lines[start:end]), role, name))
    return found


def without(text: str, gone: Iterable[Comment]) -> str:
    """The text without these comments' lines; a body that held nothing else keeps its indentation."""
    lines = text.split("\n")
    left: set[int] = set(range(len(lines)))
    for comment in gone:
        left.difference_update(range(comment.start, comment.end))
    return "\n".join(lines[at] for at in sorted(left))


def _extents(lines: list[str], language: str) -> list[tuple[int, int]]:
    line_comment = _LINE.get(language)
    opening, closing = _BLOCK.get(language, (None, None))
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        end = 0
        if opening is not None and (match := opening.match(line)) is not None:
            end = _block_end(lines, at, match, closing, language)
        elif line_comment is not None and line_comment.match(line):
            end = at + 1
            while end < len(lines) and line_comment.match(lines[end]):
                end += 1
        if end:
            found.append((at, end))
        at = end or at + 1
    return found


def _block_end(
    lines: list[str], at: int, match: re.Match[str], closing: re.Pattern[str] | None, language: str
) -> int:
    """The line after the one that closes; 0 where it does not close here or is no comment."""
    if closing is None:
        quotes = match[1] if language == "python" else match[3]
        if language == "python" and not _may_be_docstring(lines, at):
            return 0
        closing = re.compile(re.escape(quotes))
    rest = lines[at][match.end() :]
    if closing.search(rest):
        return at + 1 if not closing.split(rest, maxsplit=1)[-1].strip(" ;,") else 0
    for index in range(at + 1, len(lines)):
        if (closed := closing.search(lines[index])) is not None:
            return index + 1 if not lines[index][closed.end() :].strip() else 0
    return 0


def _may_be_docstring(lines: list[str], at: int) -> bool:
    before = next((lines[i] for i in range(at - 1, -1, -1) if lines[i].strip()), "")
    return not before or before.rstrip().endswith(":") or before.lstrip().startswith("#")


def _role(
    lines: list[str], extent: tuple[int, int], language: str, names: set[str], at_file_start: bool
) -> tuple[Role, str]:
    start, end = extent
    if language == "python" and _is_string(lines[start]):
        header = " ".join(lines[max(0, start - 12) : start])
        opened = re.findall(r"\b(?:def|class)\s+(\w+)", header)
        return ("doc", opened[-1]) if opened else ("file", "")
    if language == "elixir" and "@moduledoc" in lines[start]:
        return "file", ""
    nearby = end
    while (
        nearby < len(lines) and nearby < end + 6 and lines[nearby].strip() and _BETWEEN.match(lines[nearby])
    ):
        nearby += 1
    following = lines[nearby] if nearby < len(lines) else ""
    if at_file_start and start <= 2 and (not following.strip() or _leads_in(following)):
        return "file", ""
    words = re.findall(r"[A-Za-z_][\w!?']*", following)
    named = next((word for word in words if word in names), "")
    if named and (_DEFINITION.search(following) or language in {"haskell", "bash", "c", "cpp", "lua"}):
        return "doc", named
    return "inside", ""


def _is_string(line: str) -> bool:
    return not line.lstrip().startswith("#")


def _leads_in(line: str) -> bool:
    return (
        re.match(
            r"\s*(import|package|from|use|using|require|#include|#pragma|#ifndef|namespace|module|<\?php)\b",
            line,
        )
        is not None
    )
