"""A file's bytes -> chunks that tile it: joined in order, their bytes are the file again.

Along the syntax tree where there is a grammar, along lines where there is none or where it fails.
Pure and in this process; nothing here can stop a grammar that hangs: files nobody vouches for go
through parse_worker.ChunkPool, which ends up in the same place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from codesearch.chunking.components import COMPONENTS, parts
from codesearch.chunking.merging import ChunkOptions
from codesearch.chunking.spans import Span, line_spans, pattern_spans, syntax_spans
from codesearch.chunking.syntax.line_symbols import has_line_patterns
from codesearch.files.languages import LANGUAGES

if TYPE_CHECKING:
    from codesearch.records import Chunk

__all__ = ["ChunkOptions", "chunk_file", "chunks_from_spans", "file_spans", "is_parsed"]


_SHORT_SHARE, _TINY_SHARE = 0.06, 0.03
"""Shares of ``ChunkOptions`` for scripts in components: their functions are short, each its own answer."""
_PROSE_SHARE = 2 / 3
"""Share of ``ChunkOptions.target`` for documentation: a question is about a part of a long section."""

_TEMPLATE = re.compile(rb"^[ \t]*\{%[-+]?[ \t]*(?:macro|test|materialization)[ \t]", re.MULTILINE)
"""What dbt's SQL defines in Jinja; a grammar of SQL makes nothing of such a file."""


def chunk_file(
    path: str, data: bytes, language: str | None, options: ChunkOptions | None = None
) -> list[Chunk]:
    """The chunks of ``data``, in order; none for no bytes. ``language`` is a key of ``LANGUAGES`` or None."""
    return chunks_from_spans(path, data, language, file_spans(data, language, options or ChunkOptions()))


def is_parsed(language: str | None) -> bool:
    """Whether more than the lines of a file is looked at: such files belong in a parsing process."""
    if language is None:
        return False
    return bool(LANGUAGES[language].grammar) or language in COMPONENTS or has_line_patterns(language)


def file_spans(data: bytes, language: str | None, options: ChunkOptions) -> list[Span]:
    """``chunk_file`` without the text."""
    if language is None or not data:
        return line_spans(data, language, options)
    if language in COMPONENTS:
        return _component_spans(data, language, options)
    return _plain_spans(data, language, options)


def _component_spans(data: bytes, language: str, options: ChunkOptions) -> list[Span]:
    """Each part of a component cut as a file of its own language."""
    spans: list[Span] = []
    for part in parts(data, language):
        sizes = (
            options
            if part.language == COMPONENTS[language] or LANGUAGES[part.language].prose
            else replace(options, alone_share=_SHORT_SHARE, tiny_share=_TINY_SHARE)
        )
        inner = _plain_spans(data[part.inner_start : part.inner_end], part.language, sizes)
        moved = [
            replace(span, start=span.start + part.inner_start, end=span.end + part.inner_start)
            for span in inner
        ]
        if moved:
            moved[0] = replace(moved[0], start=part.start)
            moved[-1] = replace(moved[-1], end=part.end)
        spans += moved
    return spans


def _plain_spans(data: bytes, language: str, options: ChunkOptions) -> list[Span]:
    if LANGUAGES[language].prose:
        options = replace(options, target=round(options.target * _PROSE_SHARE))
    if language == "sql" and _TEMPLATE.search(data):
        language = "jinja"
    if has_line_patterns(language):
        return pattern_spans(data, language, options)
    if not LANGUAGES[language].grammar:
        return line_spans(data, language, options)
    from codesearch.chunking.syntax.grammars import GrammarUnavailable

    try:
        return syntax_spans(data, language, options)
    except GrammarUnavailable:
        return line_spans(data, language, options)


def chunks_from_spans(path: str, data: bytes, language: str | None, spans: Sequence[Span]) -> list[Chunk]:
    """Spans with their text and lines. A line that is cut belongs to both of its chunks."""
    from codesearch.records import Chunk

    chunks: list[Chunk] = []
    line = 1
    module = _module_of_file(path, language)
    for span in spans:
        names = span.definitions if chunks else tuple(dict.fromkeys((*span.definitions, *module)))
        newlines = data.count(b"\n", span.start, span.end)
        ends_line = span.end > span.start and data[span.end - 1] == 0x0A
        chunks.append(
            Chunk(
                path=path,
                start_byte=span.start,
                end_byte=span.end,
                start_line=line,
                end_line=line + newlines - ends_line,
                language=language,
                kind=span.kind,
                symbol=span.symbol,
                scope=span.scope,
                signature=span.signature,
                definitions=names,
                text=data[span.start : span.end].decode("utf-8", "replace"),
            )
        )
        line += newlines
    return chunks


def _module_of_file(path: str, language: str | None) -> tuple[str, ...]:
    """The module that a file is by its name alone; its first chunk defines it."""
    stem = PurePosixPath(path).stem
    return (stem[:1].upper() + stem[1:],) if language == "ocaml" else ()
