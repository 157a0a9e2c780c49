"""Filling a store without walking, parsing or a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

from codesearch.records import Chunk, SourceFile
from codesearch.storage.lexical.tokens import document
from codesearch.storage.rows import FileChange
from codesearch.storage.store import Store
from tests.support.closeness import WordHashEmbedder

_WORD = re.compile(r"\w+")


def chunks_of(path: str, texts: Sequence[str], language: str | None = "python") -> list[Chunk]:
    """Chunks that tile the file ``"".join(texts)``; each defines the first word of its text."""
    chunks, byte, line = [], 0, 1
    for text in texts:
        end, last = byte + len(text.encode()), line + text.rstrip("\n").count("\n")
        names = tuple(_WORD.findall(text)[:1])
        place = (path, byte, end, line, last, language)
        chunks.append(Chunk(*place, "code", "".join(names), ("Outer",), "", names, text))
        byte, line = end, last + text.endswith("\n")
    return chunks


def put_file(store: Store, path: str, texts: Sequence[str], language: str | None = "python") -> FileChange:
    """Store a file made of these chunk texts."""
    content = "".join(texts).encode()
    file = SourceFile(path, len(content), mtime_ns=1, language=language)
    chunks = chunks_of(path, texts, language)
    return store.replace_file(file, blake2b(content).digest(), chunks, [document(c) for c in chunks])


def embed_pending(store: Store, embedder: WordHashEmbedder) -> list[int]:
    """Give every chunk that has no vector one; their ids."""
    waiting = list(store.chunks(store.pending()).values())
    store.set_meta("fingerprint", embedder.fingerprint)
    store.put_vectors(
        [stored.id for stored in waiting],
        embedder.encode_document([stored.chunk.embedded_text for stored in waiting]),
    )
    return [stored.id for stored in waiting]
