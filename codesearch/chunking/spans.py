"""Compute the chunks of a file as spans: offsets and names, without the text.

This is what a parsing process computes and sends back: it needs the grammars and nothing else (not
the records, which bring numpy), so such a process starts fast; chunk.py adds the text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from codesearch.chunking.measure import Measure
from codesearch.chunking.merging import ChunkOptions, merge
from codesearch.chunking.splitting import Boundary, line_boundaries, refine, syntax_boundaries
from codesearch.chunking.syntax.line_symbols import has_line_patterns, line_definitions
from codesearch.chunking.syntax.members import Member, find_members
from codesearch.chunking.syntax.symbols import Definition, find_definitions
from codesearch.files.languages import LANGUAGES
from codesearch.quick_dataclass import dataclass

__all__ = ["Span", "line_spans", "pattern_spans", "syntax_spans"]

_UNLISTED = frozenset({"impl", "namespace", "rule", "section", "test"})
"""Kinds whose name is a title or somebody else's name: no search for a definition should end there."""

_MAX_RUBBLE = 5_000
_DOMINANT = 0.6
"""A definition with this share of a span's bytes is what the span is about."""
_FEW_CONSTANTS = 2
"""More of them beside one small definition, and the span is not about that definition."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``start:end`` of a file; the other fields are those of ``records.Chunk``."""

    start: int
    end: int
    kind: str
    symbol: str = ""
    scope: tuple[str, ...] = ()
    signature: str = ""
    definitions: tuple[str, ...] = ()


def syntax_spans(data: bytes, language: str, options: ChunkOptions) -> list[Span]:
    """Spans along the syntax tree; they tile ``data``.

    Raises GrammarUnavailable where ``language`` has no grammar. A file that the grammar cannot make
    anything of is cut at its lines, with the definitions that were recognised all the same.
    """
    from codesearch.chunking.syntax.grammars import parse

    tree = parse(data, language)
    root = tree.root_node
    broken = root.type == "ERROR"
    # Queries take quadratic time over the flat rubble that some broken files become.
    rubble = broken and root.child_count > _MAX_RUBBLE
    definitions = [] if rubble else find_definitions(tree, data, language)
    members = [] if rubble else find_members(tree, data, language, definitions)
    measure = Measure(data)
    if broken:
        boundaries = line_boundaries(data)
    else:
        opened = {(each.start, each.end) for each in definitions if each.kind == "namespace"}
        boundaries = syntax_boundaries(root, data, measure, options.limit, opened)
    spans = _spans(boundaries, definitions, data, measure, options=options, plain_kind="code")
    return _with_members(spans, members)


def _with_members(spans: list[Span], members: Sequence[Member]) -> list[Span]:
    """The spans with the names of the members that begin in them, after those of the definitions."""
    if not members:
        return spans
    starts = [span.start for span in spans]
    names: dict[int, list[str]] = defaultdict(list)
    for member in members:
        names[bisect_right(starts, member.start) - 1].append(member.name)
    return [
        replace(span, definitions=tuple(dict.fromkeys((*span.definitions, *names[at]))))
        if at in names
        else span
        for at, span in enumerate(spans)
    ]


def line_spans(data: bytes, language: str | None, options: ChunkOptions) -> list[Span]:
    """Spans along blank lines and indentation; they tile ``data``."""
    known = LANGUAGES[language] if language is not None else None
    is_code = known is not None and not known.prose and (bool(known.grammar) or has_line_patterns(known.name))
    return _line_spans(data, [], options, "code" if is_code else "text")


def pattern_spans(data: bytes, language: str, options: ChunkOptions) -> list[Span]:
    """The same, with the definitions that line patterns find; for languages that have such patterns."""
    definitions, members = line_definitions(data, language)
    kind = "text" if LANGUAGES[language].prose else "code"
    return _with_members(_line_spans(data, definitions, options, kind), members)


def _line_spans(
    data: bytes, definitions: Sequence[Definition], options: ChunkOptions, kind: str
) -> list[Span]:
    return _spans(line_boundaries(data), definitions, data, Measure(data), options=options, plain_kind=kind)


def _spans(
    boundaries: list[Boundary],
    definitions: Sequence[Definition],
    data: bytes,
    measure: Measure,
    *,
    options: ChunkOptions,
    plain_kind: str,
) -> list[Span]:
    if not data:
        return []
    cuts = merge(refine(boundaries, data, measure, options.limit), definitions, data, measure, options)
    spans: list[Span] = []
    upcoming, around = 0, -1
    for start, end in zip(cuts, [*cuts[1:], len(data)], strict=True):
        while around >= 0 and definitions[around].end <= start:
            around = definitions[around].parent
        first = upcoming
        enclosing = definitions[around] if around >= 0 else None
        while upcoming < len(definitions) and definitions[upcoming].start < end:
            upcoming += 1
        spans.append(
            _label(
                start, end, definitions, range(first, upcoming), enclosing=enclosing, plain_kind=plain_kind
            )
        )
        around = _around(end, definitions, upcoming, around)
    return spans


def _around(at: int, definitions: Sequence[Definition], upcoming: int, around: int) -> int:
    """The innermost definition that is open at byte ``at``: an ancestor of the last one that started."""
    index = upcoming - 1 if upcoming else around
    while index >= 0 and definitions[index].end <= at:
        index = definitions[index].parent
    return index


def _label(
    start: int,
    end: int,
    definitions: Sequence[Definition],
    inside: range,
    *,
    enclosing: Definition | None,
    plain_kind: str,
) -> Span:
    here = [definitions[index] for index in inside]
    listed = (each for each in here if each.kind not in _UNLISTED and not _is_local(each, definitions))
    names = tuple(dict.fromkeys(each.name for each in listed if each.name))
    top = [
        definitions[index]
        for index in inside
        if definitions[index].kind != "namespace" and not _has_real_parent(definitions, index, inside)
    ]
    main = _main(top, start, end)
    while main is not None and main.end > end:  # only its beginning is here: perhaps mostly a member
        members = [each for each in here if each.parent >= 0 and definitions[each.parent] is main]
        member = _dominant(members, start, end)
        if member is None:
            break
        main = member
    if main is not None:
        return Span(start, end, main.kind, main.name, main.scope, main.signature, names)
    if top or enclosing is None or enclosing.kind == "namespace":
        return Span(start, end, plain_kind, scope=_common_scope(top, enclosing), definitions=names)
    return Span(start, end, enclosing.kind, enclosing.name, enclosing.scope, enclosing.signature, names)


def _is_local(definition: Definition, definitions: Sequence[Definition]) -> bool:
    """Whether it is a constant inside of a function, which nobody asks for by its name."""
    parent = definition.parent
    return (
        definition.kind == "constant" and parent >= 0 and definitions[parent].kind in ("function", "method")
    )


def _main(top: Sequence[Definition], start: int, end: int) -> Definition | None:
    """Return the one definition that the span is about; None for none or several."""
    if (dominant := _dominant(top, start, end)) is not None:
        return dominant
    telling = [each for each in top if each.kind != "constant"] or top
    if len({(each.name, each.scope) for each in telling}) != 1:
        return None
    return telling[0] if len(top) - len(telling) <= _FEW_CONSTANTS else None


def _dominant(among: Sequence[Definition], start: int, end: int) -> Definition | None:
    if not among:
        return None
    largest = max(among, key=lambda each: min(each.end, end) - each.start)
    return largest if min(largest.end, end) - largest.start >= _DOMINANT * (end - start) else None


def _common_scope(top: Sequence[Definition], enclosing: Definition | None) -> tuple[str, ...]:
    """Whom several definitions belong to: what the code around them or each of them says."""
    if top and len({each.scope for each in top}) == 1:
        return top[0].scope
    return (*enclosing.scope, enclosing.name) if enclosing else ()


def _has_real_parent(definitions: Sequence[Definition], index: int, inside: range) -> bool:
    parent = definitions[index].parent
    while parent >= inside.start and parent in inside:
        if definitions[parent].kind != "namespace":
            return True
        parent = definitions[parent].parent
    return False
