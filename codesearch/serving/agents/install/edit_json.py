"""Insert a member into JSON text, and remove it; comments, order and every other byte stay."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from codesearch.serving.agents.install.jsonc import BadJson, Member, Node, parse

__all__ = ["add", "drop", "get", "put", "take"]

_INDENTED = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_REMARK = re.compile(r"[ \t]*(?://[^\r\n]*|/\*(?:(?!\*/)[^\r\n])*\*/)(?=\r?\n)")
"""A comment at the end of a line, which belongs to what stands before it."""
_STRING_OR_REMARK = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def get(text: str, path: Sequence[str]) -> Any:
    """The value at a path of keys; None where there is none."""
    if not text.strip():
        return None
    node: Node | None = parse(text)
    for key in path:
        member = _member(node, key) if node else None
        node = member.node if member else None
    return node.value if node else None


def put(text: str, path: Sequence[str], value: Any) -> str:
    """The text with the value at the path; objects on the way are made. BadJson where others stand there."""
    if not text.strip():
        return json.dumps(_nested(path, value), indent=2, ensure_ascii=False) + "\n"
    node, at = parse(text), 0
    while at < len(path):
        if node.members is None:
            where = ".".join(path[:at]) or "the file"
            raise BadJson(f"{where} is not an object; expected one that {path[at]} can be put into")
        member = _member(node, path[at])
        if member is None:
            return _insert(text, node, path[at], _nested(path[at + 1 :], value))
        node, at = member.node, at + 1
    if node.value == value:
        return text
    return text[: node.start] + _dumped(value, text, node.start) + text[node.end :]


def take(text: str, path: Sequence[str]) -> str:
    """The text without the member at the path, and without the objects that it alone had filled."""
    if get(text, path) is None:
        return text
    chain = [parse(text)]
    for key in path[:-1]:
        member = _member(chain[-1], key)
        assert member is not None
        chain.append(member.node)
    left = _remove(text, chain[-1], path[-1])
    for depth in range(len(path) - 2, -1, -1):
        if len(chain[depth + 1].members or ()) > 1:
            break
        without = _remove(text, chain[depth], path[depth])
        if _remarks(without) != _remarks(left):
            break  # an object that holds a comment is not ours
        left = without
    return left


def add(text: str, path: Sequence[str], element: Any) -> str:
    """The text with an element in the list at the path, which is made where there is none."""
    found = get(text, path)
    if found is not None and not isinstance(found, list):
        raise BadJson(f"{'.'.join(path)} is not a list; expected one that something can be added to")
    return text if found and element in found else put(text, path, [*(found or []), element])


def drop(text: str, path: Sequence[str], is_ours: Callable[[Any], bool]) -> str:
    """The text without these elements of the list at the path, or without the list if that is all."""
    found = get(text, path)
    if not isinstance(found, list) or not any(map(is_ours, found)):
        return text
    left = [element for element in found if not is_ours(element)]
    return put(text, path, left) if left else take(text, path)


def _member(node: Node, key: str) -> Member | None:
    """The last one of that key, which is the one that counts."""
    return next((member for member in reversed(node.members or ()) if member.key == key), None)


def _nested(path: Sequence[str], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _insert(text: str, node: Node, key: str, value: Any) -> str:
    head = json.dumps(key, ensure_ascii=False) + ": "
    if node.members:
        last = node.members[-1]
        if "\n" in text[node.start : node.end]:
            indent = _indent_at(text, node.members[0].start)
            piece = _newline(text) + indent + head + _format(value, text, indent)
        else:
            piece = f" {head}{json.dumps(value, ensure_ascii=False)}"
        match = _REMARK.match(text, last.comma or last.node.end)
        spot = match.end() if match else last.comma or last.node.end
        before = text[: last.node.end] + ("" if last.comma else ",") + text[last.node.end : spot]
        return before + piece + ("," if last.comma else "") + text[spot:]
    outer = _indent_at(text, node.start)
    indent = outer + _unit(text)
    piece = _newline(text) + indent + head + _format(value, text, indent)
    closing = "" if "\n" in text[node.start : node.end] else _newline(text) + outer
    return text[: node.start + 1] + piece + closing + text[node.start + 1 :]


def _remove(text: str, node: Node, key: str) -> str:
    members = node.members or ()
    at = max(number for number, member in enumerate(members) if member.key == key)
    mine = members[at]
    if at + 1 < len(members):  # with its own comma, and up to the key or comment that follows
        assert mine.comma is not None
        return text[: mine.start] + text[mine.comma :].lstrip()
    behind = text[mine.comma or mine.node.end :]
    if not at:
        before, inside = text[node.start + 1 : mine.start], text[mine.comma or mine.node.end : node.end - 1]
        if not (before + inside).strip():
            return text[: node.start + 1] + text[node.end - 1 :]
        return text[: node.start + 1] + before.rstrip() + behind
    comma = members[at - 1].comma
    assert comma is not None
    between = text[comma : mine.start].rstrip()
    return text[: comma if mine.comma else comma - 1] + between + behind


def _remarks(text: str) -> int:
    """How many comments there are."""
    return sum(match[0].startswith("/") for match in _STRING_OR_REMARK.finditer(text))


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _dumped(value: Any, text: str, at: int) -> str:
    return _format(value, text, _indent_at(text, at))


def _format(value: Any, text: str, indent: str) -> str:
    lines = json.dumps(value, indent=_unit(text), ensure_ascii=False).split("\n")
    return (_newline(text) + indent).join(lines)


def _indent_at(text: str, at: int) -> str:
    """The blanks at the start of the line that the place is in."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str) -> str:
    """One step of indentation, as the text has it."""
    match = _INDENTED.search(text)
    return match[1] if match else "  "
