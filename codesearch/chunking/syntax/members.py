"""Syntax tree -> names defined inside of definitions: fields, enum members, constants, variables.

They answer "where is X defined" like functions and classes do, and change nothing else: not where a file
is cut, and not what a chunk is called.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import tree_sitter

from codesearch.chunking.syntax.grammars import member_query
from codesearch.chunking.syntax.symbols import Definition
from codesearch.quick_dataclass import dataclass

__all__ = ["Member", "find_members"]

_NAME_BYTES = 120
_MAX_DEPTH = 8
_QUOTES = "\"'`: =$"
_FUNCTIONS = frozenset({"function", "method", "macro", "test", "testcase"})
_LEAVES = ("identifier", "field_identifier", "type_identifier")


@dataclass(frozen=True, slots=True)
class Member:
    """The name that is defined at byte ``start``."""

    start: int
    name: str


def find_members(
    tree: tree_sitter.Tree, data: bytes, language: str, definitions: Sequence[Definition]
) -> list[Member]:
    """All members that the language's patterns find, by start; variables of functions are left out.

    ``definitions`` are those of the same tree, by start.
    """
    query = member_query(language)
    if query is None:
        return []
    starts, ends = _function_bodies(definitions)
    found: dict[tuple[int, str], Member] = {}
    for _, captures in tree_sitter.QueryCursor(query).matches(tree.root_node):
        outside = captures.get("global")
        if outside and _is_elsewhere(outside[0], data):
            continue
        for node in _name_nodes(captures):
            at = bisect_right(starts, node.start_byte) - 1
            if outside and at >= 0 and node.start_byte < ends[at]:
                continue
            name = _text(node, data)
            if name:
                found[node.start_byte, name] = Member(node.start_byte, name)
    return [found[key] for key in sorted(found)]


def _is_elsewhere(node: tree_sitter.Node, data: bytes) -> bool:
    """Whether a C declaration only says that a variable is defined somewhere else."""
    return data.startswith(b"extern ", node.start_byte) and b"=" not in data[node.start_byte : node.end_byte]


def _function_bodies(definitions: Sequence[Definition]) -> tuple[list[int], list[int]]:
    """Starts and ends of the outermost functions, ascending."""
    starts: list[int] = []
    ends: list[int] = []
    for definition in definitions:
        if definition.kind in _FUNCTIONS and (not ends or definition.start >= ends[-1]):
            starts.append(definition.start)
            ends.append(definition.end)
    return starts, ends


def _name_nodes(captures: dict[str, list[tree_sitter.Node]]) -> list[tree_sitter.Node]:
    nodes = list(captures.get("name", ()))
    for declarator in captures.get("declarator", ()):
        if (name := _declared(declarator)) is not None:
            nodes.append(name)
    return nodes


def _declared(node: tree_sitter.Node) -> tree_sitter.Node | None:
    """The identifier that a C declarator declares: ``x`` in ``*x[3]``; None for a function's."""
    current: tree_sitter.Node | None = node
    for _ in range(_MAX_DEPTH):
        if current is None or current.type == "function_declarator":
            return None
        if current.type in _LEAVES:
            return current
        inner = current.child_by_field_name("declarator")
        current = inner or (current.named_children[0] if current.named_child_count == 1 else None)
    return None


def _text(node: tree_sitter.Node, data: bytes) -> str:
    raw = data[node.start_byte : min(node.end_byte, node.start_byte + _NAME_BYTES)]
    return raw.decode("utf-8", "replace").strip(_QUOTES)
