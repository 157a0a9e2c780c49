"""Syntax tree -> the definitions that a comment documents, with the bytes of that comment.

A definition's comment is what stands directly above it (attributes and decorators may lie between, a
blank line may not, unless below a ``/**``), a Python docstring, or an Elixir ``@doc``. Whether what it
says is worth anything is for the reader to judge: licence headers and commented-out code come out like
any other comment.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cache

import tree_sitter

from codesearch.chunking.syntax.definitions import LEADING
from codesearch.chunking.syntax.grammars import GrammarUnavailable, compiled, parse
from codesearch.chunking.syntax.symbols import Definition, find_definitions
from codesearch.quick_dataclass import dataclass

__all__ = ["DocumentedDefinition", "Erasure", "documented"]

_COMMENTS = ("comment", "line_comment", "block_comment", "multiline_comment", "haddock")
_BETWEEN = ("template_parameter_list",)
"""Besides LEADING: nodes of a definition's own that its patterns leave outside."""
_EXTRA = {
    "python": (
        "(_ body: (block . (expression_statement . (string) @docstring .)) @body) @owner",
        "(_ body: (block . (string) @docstring) @body) @owner",
    ),
    "elixir": (
        """(unary_operator operand: (call target: (identifier) @_name (arguments (string)))
        (#any-of? @_name "doc" "typedoc")) @comment""",
        """(unary_operator operand: (call target: (identifier) @_name)
        (#any-of? @_name "spec" "impl" "since" "deprecated" "dialyzer")) @between""",
    ),
}
_INNER_DOC = b"//!"  # documents what it stands in, not what follows
_SPACED_DOC = b"/**"  # says itself that it documents: some put a blank line below
_NOT_DOCUMENTED = frozenset({"namespace", "rule", "section", "test", "impl"})


@dataclass(frozen=True, slots=True)
class Erasure:
    """Bytes ``start:end`` of a file, and what stands in for them where the syntax wants something."""

    start: int
    end: int
    filler: str = ""


@dataclass(frozen=True, slots=True)
class DocumentedDefinition:
    """A definition with a comment. Lines are those of the definition, 1-based, inclusive."""

    kind: str
    name: str
    scope: tuple[str, ...]
    start_line: int
    end_line: int
    comment: str
    """As it stands in the file, markers and all; a docstring before a comment above."""
    erasures: tuple[Erasure, ...]
    """Every byte of the comment, and no other."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that hold nothing but one node: a comment, or what may stand between it and a definition."""

    start: int
    end: int
    label: str
    """comment | between | signature"""


def documented(data: bytes, language: str) -> list[DocumentedDefinition]:
    """The documented definitions of a file, in order; none where the language has no grammar.

    A comment belongs to one definition, the outermost that it stands above.
    """
    try:
        tree = parse(data, language)
        definitions = find_definitions(tree, data, language)
        blocks, docstrings = _comments(tree, data, language)
    except GrammarUnavailable:
        return []
    newlines = [at for at, byte in enumerate(data) if byte == 0x0A]
    announced = {block.start for block in blocks.values() if block.label == "signature"}
    taken: set[int] = set()
    found = []
    for definition in definitions:
        if definition.kind in _NOT_DOCUMENTED or not definition.name or definition.start in announced:
            continue
        parts = _parts(definition, data, blocks, docstrings)
        if parts and parts[0].start not in taken:
            taken.update(part.start for part in parts)
            found.append(_record(definition, parts, data, newlines))
    return found


def _parts(
    definition: Definition, data: bytes, blocks: dict[int, _Block], docstrings: dict[int, Erasure]
) -> list[Erasure]:
    """Return the documentation of a definition: its docstring, then the comment above, top to bottom."""
    above: list[Erasure] = []
    line = _line_start(data, definition.start)
    while (block := blocks.get(line)) is not None:
        if block.label == "comment":
            above.append(Erasure(block.start, block.end))
        line = _line_start(data, block.start)
    docstring = docstrings.get(definition.start)
    return [*([docstring] if docstring else []), *reversed(above)]


def _record(
    definition: Definition, parts: list[Erasure], data: bytes, newlines: list[int]
) -> DocumentedDefinition:
    return DocumentedDefinition(
        kind=definition.kind,
        name=definition.name,
        scope=definition.scope,
        start_line=bisect_left(newlines, definition.start) + 1,
        end_line=bisect_left(newlines, max(definition.start, definition.end - 1)) + 1,
        comment="\n".join(data[part.start : part.end].decode("utf-8", "replace") for part in parts),
        erasures=tuple(parts),
    )


def _comments(
    tree: tree_sitter.Tree, data: bytes, language: str
) -> tuple[dict[int, _Block], dict[int, Erasure]]:
    """Blocks by the start of the line after them, docstrings by the start of the definition they are in."""
    blocks: dict[int, _Block] = {}
    docstrings: dict[int, Erasure] = {}
    query = _query(language)
    for _, captures in tree_sitter.QueryCursor(query).matches(tree.root_node) if query else ():
        if "docstring" in captures:
            node, body, owner = (captures[label][0] for label in ("docstring", "body", "owner"))
            alone = sum(child.type != "comment" for child in body.named_children) == 1
            filler = "..." if alone else ""
            docstrings[owner.start_byte] = Erasure(node.start_byte, node.end_byte, filler)
            continue
        for label in ("comment", "between", "signature"):
            for node in captures.get(label, ()):
                block = _block(node, data, label)
                if block is not None:
                    for line in _lines_after(block, data):
                        blocks.setdefault(line, block)
    return blocks, docstrings


def _block(node: tree_sitter.Node, data: bytes, label: str) -> _Block | None:
    """None for what shares its first or its last line with other code."""
    start, end = node.start_byte, node.end_byte
    end -= data[end - 1 : end] == b"\n"  # some grammars count the line's end in
    is_comment = label == "comment"
    if is_comment and data.startswith(_INNER_DOC, start):
        return None
    before = data[_line_start(data, start) : start].strip()
    after = data[end : _next_line(data, end)].strip()
    if after or (before and is_comment):
        return None
    return _Block(start, end, label)


def _lines_after(block: _Block, data: bytes) -> Iterator[int]:
    """Where a definition may begin that the block belongs to."""
    line = _next_line(data, block.end)
    yield line
    after = _next_line(data, line)
    if data.startswith(_SPACED_DOC, block.start) and not data[line:after].strip():
        yield after


def _line_start(data: bytes, at: int) -> int:
    return data.rfind(b"\n", 0, at) + 1


def _next_line(data: bytes, at: int) -> int:
    newline = data.find(b"\n", at)
    return newline + 1 if newline >= 0 else len(data)


@cache
def _query(language: str) -> tree_sitter.Query | None:
    return compiled(
        language,
        (
            *_EXTRA.get(language, ()),
            *(f"({node}) @comment" for node in _COMMENTS),
            "(signature) @signature",
            *(f"({node}) @between" for node in sorted(LEADING.union(_BETWEEN) - {"haddock", "signature"})),
        ),
    )
