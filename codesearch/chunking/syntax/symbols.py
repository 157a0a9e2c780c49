"""Syntax tree -> the definitions in it, in order, each with its place, name, owner and signature.

Works on byte offsets only. Nesting is found from the offsets: asking a node for its parent costs its
depth, which a file of a hundred thousand brackets would make everyone pay.
"""

from __future__ import annotations

import re

import tree_sitter

from codesearch.chunking.syntax.grammars import definition_query
from codesearch.quick_dataclass import dataclass

__all__ = ["Definition", "find_definitions"]

_WEAK_KINDS = {"constant": 0, "type": 1, "class": 2, "function": 3}
"""Of two patterns that match one node the one further down wins; kinds not named here win over all."""
_OWNERS = frozenset({"class", "interface", "struct", "enum", "trait", "impl", "union"})
_NAME_BYTES = 120
_SIGNATURE_BYTES = 200
_BODY_SUFFIXES = ("body", "block", "declaration_list", "field_initializer_list")


@dataclass(frozen=True, slots=True)
class Definition:
    """Bytes ``start:end`` define ``name``. ``parent`` is an index into the list it came in, or -1."""

    start: int
    end: int
    kind: str
    name: str
    scope: tuple[str, ...]
    """Names around it, outermost first."""
    signature: str
    parent: int


@dataclass(frozen=True, slots=True)
class _Match:
    node: tree_sitter.Node
    kind: str
    name: str
    owner: str


def find_definitions(tree: tree_sitter.Tree, data: bytes, language: str) -> list[Definition]:
    """All definitions that the language's patterns find, by start (outer before inner)."""
    found: list[Definition] = []
    open_: list[int] = []
    for match in _matches(tree, data, language):
        start, end = match.node.start_byte, match.node.end_byte
        while open_ and not _encloses(found[open_[-1]], start, end):
            open_.pop()
        parent = open_[-1] if open_ else -1
        outer = found[parent] if open_ else None
        scope = (*outer.scope, outer.name) if outer and outer.name else (outer.scope if outer else ())
        if match.owner and (not scope or scope[-1] != match.owner):
            scope = (*scope, match.owner)
        kind = match.kind
        if kind == "function" and (match.owner or (outer and outer.kind in _OWNERS)):
            kind = "method"
        signature = _signature(match.node, data)
        found.append(Definition(start, end, kind, match.name, scope, signature, parent))
        open_.append(len(found) - 1)
    return found


def _encloses(outer: Definition, start: int, end: int) -> bool:
    return outer.end >= end and outer.start <= start and (outer.start, outer.end) != (start, end)


def _matches(tree: tree_sitter.Tree, data: bytes, language: str) -> list[_Match]:
    """One match per (node, name), sorted by (start, -end)."""
    query = definition_query(language)
    if query is None:
        return []
    best: dict[tuple[int, int, str], _Match] = {}
    strongest: dict[tuple[int, int], int] = {}
    for _, captures in tree_sitter.QueryCursor(query).matches(tree.root_node):
        match = _read(captures, data)
        if match is None:
            continue
        extent = (match.node.start_byte, -match.node.end_byte)
        rank = _rank(match)
        if rank >= strongest.get(extent, 0):
            strongest[extent] = rank
            best[(*extent, match.name)] = match
    return [best[key] for key in sorted(best) if _rank(best[key]) == strongest[key[:2]]]


def _rank(match: _Match) -> int:
    return _WEAK_KINDS.get(match.kind, len(_WEAK_KINDS))


def _read(captures: dict[str, list[tree_sitter.Node]], data: bytes) -> _Match | None:
    name, owner, kind, node = "", "", "", None
    for label, nodes in captures.items():
        if label == "name":
            name = _text(nodes[0], data)
        elif label == "scope":
            owner = _text(nodes[0], data)
        elif label[0] != "_":
            kind, node = label, nodes[0]
    return _Match(node, kind, name, owner) if node is not None else None


def _text(node: tree_sitter.Node, data: bytes) -> str:
    raw = data[node.start_byte : min(node.end_byte, node.start_byte + _NAME_BYTES)]
    return _one_line(raw).strip("\"'` ")


def _signature(node: tree_sitter.Node, data: bytes) -> str:
    """The definition up to its body, whitespace collapsed; its first line where no body is marked."""
    end = _body_start(node)
    raw = data[node.start_byte : min(end, node.start_byte + 2 * _SIGNATURE_BYTES)]
    if end == node.end_byte:
        raw = raw.split(b"\n", 1)[0]
    return _one_line(raw)[:_SIGNATURE_BYTES].rstrip(" {:=")


def _body_start(node: tree_sitter.Node) -> int:
    body = node.child_by_field_name("body")
    for child in node.named_children[:16] if node.named_child_count <= 256 else ():
        comment = "comment" in child.type and child.start_byte > node.start_byte
        if comment or child == body or (body is None and child.type.endswith(_BODY_SUFFIXES)):
            return child.start_byte
    return body.start_byte if body is not None else node.end_byte


def _one_line(raw: bytes) -> str:
    return re.sub(r"\s+", " ", raw.decode("utf-8", "replace").replace("\0", " ")).strip()
