"""A file's bytes -> chunks that tile it: joined in order, their bytes are the file again.

Along the syntax tree where there is a grammar, along lines where there is none or where it fails.
Pure and in this process; nothing here can stop a grammar that hangs: files nobody vouches for go
through parse_worker.ChunkPool, which ends up in the same place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codesearch.chunking.merging import ChunkOptions
from codesearch.chunking.spans import Span, line_spans, syntax_spans
from codesearch.languages import LANGUAGES

if TYPE_CHECKING:
    from codesearch.records import Chunk

__all__ = ["VERSION", "ChunkOptions", "chunk_file", "chunks_from_spans", "file_spans"]


VERSION = 1
"""Grows whenever the same file would be cut or labelled differently; an index that records it re-chunks."""


def chunk_file(
    path: str, data: bytes, language: str | None, options: ChunkOptions | None = None
) -> list[Chunk]:
    """The chunks of ``data``, in order; none for no bytes. ``language`` is a key of ``LANGUAGES`` or None."""
    return chunks_from_spans(path, data, language, file_spans(data, language, options or ChunkOptions()))


def file_spans(data: bytes, language: str | None, options: ChunkOptions) -> list[Span]:
    """``chunk_file`` without the text."""
    if language is None or not LANGUAGES[language].grammar or not data:
        return line_spans(data, language, options)
    from codesearch.chunking.grammars import GrammarUnavailable

    try:
        return syntax_spans(data, language, options)
    except GrammarUnavailable:
        return line_spans(data, language, options)


def chunks_from_spans(path: str, data: bytes, language: str | None, spans: Sequence[Span]) -> list[Chunk]:
    """Spans with their text and lines. A line that is cut belongs to both of its chunks."""
    from codesearch.records import Chunk

    chunks: list[Chunk] = []
    line = 1
    for span in spans:
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
                definitions=span.definitions,
                text=data[span.start : span.end].decode("utf-8", "replace"),
            )
        )
        line += newlines
    return chunks
