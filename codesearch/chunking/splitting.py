"""Find where a file may be cut: candidate offsets with their depth, from its syntax tree or lines.

A cut stands at the beginning of a line, so that indentation goes with its item and nothing is torn
from the line it is on; comments, decorators and attributes are not cut from what follows them. Only
what is still too large without (one huge literal, one huge line) is cut at any line, and only a line
that is too large by itself is cut inside. Which of the candidates are used is merging.py's business.

All walks are iterative: a tree may be as deep as the file is long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

import tree_sitter

from codesearch.chunking.measure import Measure
from codesearch.chunking.syntax.definitions import LEADING
from codesearch.quick_dataclass import dataclass

__all__ = ["Boundary", "line_boundaries", "refine", "syntax_boundaries"]

_INSIDE_LEAF = 1_000
"""Added to the depth of cuts inside of a leaf: the tree's own cuts are always better."""
_INSIDE_LINE = 1_000_000
_DELIMITER = re.compile(rb"[\s,;(){}\[\]<>]")
_BLANK = b" \t\r\f\v"
_NEWLINE = 0x0A
_INDENT_BYTES = 512
_CONTINUATION_FIRST, _CONTINUATION_LAST = 0x80, 0xBF


@dataclass(frozen=True, slots=True)
class Boundary:
    """A file may be cut at byte ``start``; the deeper, the less willingly."""

    start: int
    depth: int


def syntax_boundaries(
    root: tree_sitter.Node, data: bytes, measure: Measure, limit: int, opened: Set[tuple[int, int]]
) -> list[Boundary]:
    """Cuts between the children of every node larger than ``limit``, and of every node in ``opened``.

    ``opened`` holds (start, end) of nodes that are never kept whole (namespaces).
    """
    found = [Boundary(0, 0)]
    stack = [_Level(iter(root.children), len(data))]
    seen = 0  # the last line that a node begins: its first child begins there too
    glued_until = -1  # where the comment ends that the next node belongs to
    while stack:
        node = next(stack[-1].nodes, None)
        if node is None:
            stack.pop()
            glued_until = -1
            continue
        start, end = node.start_byte, node.end_byte
        line = _line_start(data, start)
        glued = glued_until >= 0 and data.count(b"\n", glued_until, start) < 2
        if line > seen and not glued:
            found.append(Boundary(line, len(stack)))
        seen = max(seen, line)
        leads = line >= 0 and _leads(node)
        glued_until = end - (data[end - 1 : end] == b"\n") if leads else -1
        if leads or not node.child_count:
            continue
        large = end - start > limit and measure.size(start, end) > limit
        if large or (start, end) in opened or end - start > stack[-1].opens_from:
            # The body of what is opened is opened too.
            opens_from = (end - start) // 2 if (start, end) in opened else len(data)
            stack.append(_Level(iter(node.children), opens_from))
    return found


@dataclass(frozen=True, slots=True)
class _Level:
    """Nodes still to come on one level of the tree."""

    nodes: Iterator[tree_sitter.Node]
    opens_from: int
    """Bytes from which a node is opened although it is not too large."""


def _leads(node: tree_sitter.Node) -> bool:
    return node.type in LEADING or "comment" in node.type


def _line_start(data: bytes, at: int) -> int:
    """The beginning of the line of ``at`` if only blanks stand before ``at`` on it; else -1."""
    window = data[max(0, at - _INDENT_BYTES) : at]
    blanks = len(window) - len(window.rstrip(_BLANK))
    line = at - blanks
    return line if line == 0 or data[line - 1] == _NEWLINE else -1


def line_boundaries(data: bytes, start: int = 0, end: int | None = None, base: int = 0) -> list[Boundary]:
    """A cut at every line of ``start:end``; the best after a blank line, then at the least indentation."""
    end = len(data) if end is None else end
    found = [Boundary(start, base)]
    at, after_blank = start, False
    while (newline := data.find(b"\n", at, end)) >= 0 and newline + 1 < end:
        line = data[at:newline]
        if at > start and line.strip(_BLANK):
            found.append(Boundary(at, base + _line_depth(line, after_blank)))
        after_blank = not line.strip(_BLANK)
        at = newline + 1
    if at > start:
        found.append(Boundary(at, base + _line_depth(data[at:end], after_blank)))
    return found


def _line_depth(line: bytes, after_blank: bool) -> int:
    indent = len(line[:80]) - len(line[:80].lstrip(b" \t"))
    return 2 * indent + (0 if after_blank else 9)


def refine(boundaries: list[Boundary], data: bytes, measure: Measure, limit: int) -> list[Boundary]:
    """More cuts wherever a stretch is larger than ``limit``: at its lines, then inside of them."""
    refined: list[Boundary] = []
    for boundary, end in _stretches(boundaries, len(data)):
        if measure.size(boundary.start, end) <= limit:
            refined.append(boundary)
            continue
        lines = line_boundaries(data, boundary.start, end, boundary.depth + _INSIDE_LEAF)
        for line, line_end in _stretches([boundary, *lines[1:]], end):
            refined.append(line)
            if measure.size(line.start, line_end) > limit:
                refined += _inside_line(data, line.start, line_end, limit)
    return refined


def _stretches(boundaries: list[Boundary], end: int) -> Iterator[tuple[Boundary, int]]:
    ends = [boundary.start for boundary in boundaries[1:]] + [end]
    return zip(boundaries, ends, strict=True)


def _inside_line(data: bytes, start: int, end: int, limit: int) -> Iterator[Boundary]:
    """Cuts inside of one line, at most ``limit`` bytes apart, after a delimiter where there is one."""
    at = start
    while end - at > limit:
        window = data[at + limit // 2 : at + limit]
        delimiters = list(_DELIMITER.finditer(window))
        cut = at + limit // 2 + delimiters[-1].end() if delimiters else at + limit
        for _ in range(3):  # not between the bytes of one character
            cut -= _CONTINUATION_FIRST <= data[cut] <= _CONTINUATION_LAST
        yield Boundary(cut, _INSIDE_LINE)
        at = cut
