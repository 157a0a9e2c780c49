"""Records that move between the stages, and the protocol of an embedder.

Units, everywhere in this package: lines are 1-based and inclusive, bytes 0-based and half-open,
paths relative to the index root with ``/``, scores higher-is-better and comparable within one
result list only.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from codesearch.quick_dataclass import dataclass

__all__ = [
    "Chunk",
    "ChunkRef",
    "Copy",
    "Embedder",
    "Filter",
    "Hit",
    "Progress",
    "Scorer",
    "SourceFile",
    "Stats",
    "StoredChunk",
    "Vectors",
    "metadata_of",
    "silent",
]

_THREE, _MASK = struct.Struct("<QQQ").pack, (1 << 64) - 1

Vectors = NDArray[np.float32]
"""(n, dim) float32, rows of unit length."""

Progress = Callable[[str, int, int], Any]
"""``progress(stage, done, total)``; stages are "walk", "chunk" (files) and "embed" (chunks)."""


def silent(stage: str, done: int, total: int) -> None:
    """``Progress`` that tells nobody."""


@runtime_checkable
class Embedder(Protocol):
    """The interface of another program's model. Vectors are (n, dim) float32, unit length."""

    @property
    def dim(self) -> int:
        """Width of the vectors."""

    @property
    def fingerprint(self) -> str:
        """Changes exactly when the same text would get another vector."""

    @property
    def max_length(self) -> int:
        """The longest text in tokens that is embedded whole."""

    def encode_query(self, texts: list[str], /) -> Vectors:
        """Vectors of search queries."""

    def encode_document(self, texts: list[str], /) -> Vectors:
        """Vectors of what is searched."""


class Scorer(Protocol):
    """How relevant texts are to a question: (n,) finite float64, higher is better, in any unit."""

    def __call__(self, query: str, texts: Sequence[str], /) -> NDArray[np.float64]:
        """Scores in the order of the texts."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that the walk decided to index."""

    path: str
    size: int
    mtime_ns: int
    language: str | None
    """A name of ``languages.py``; None for text of an unknown language."""
    ctime_ns: int = 0
    inode: int = 0

    @property
    def stamp(self) -> int:
        """Changes when the file is written, replaced or renamed over, as ``tar -x`` and ``rsync -t`` do.

        They keep size and modification time; git looks at these fields for the same reason.
        """
        if not (self.ctime_ns or self.inode):
            return self.mtime_ns
        parts = _THREE(self.mtime_ns & _MASK, self.ctime_ns & _MASK, self.inode & _MASK)
        return int.from_bytes(blake2b(parts, digest_size=8).digest(), "little") >> 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of one file; the chunks of a file tile it: joined in order they are its bytes."""

    path: str
    start_byte: int
    end_byte: int
    start_line: int
    end_line: int
    language: str | None
    kind: str
    """function | method | class | interface | struct | enum | trait | impl | type | module | constant |
    macro | section | ... for one definition, "code" for several small siblings, "text" for lines."""
    symbol: str
    """Name of the definition that the chunk holds (or starts inside of); "" where there is none."""
    scope: tuple[str, ...]
    """Names of the enclosing definitions, outermost first, without ``symbol``."""
    signature: str
    """First line of the definition without its body, one line; "" where there is none."""
    definitions: tuple[str, ...]
    """Names that are defined inside the chunk, ``symbol`` included."""
    text: str
    """The chunk's bytes, decoded (undecodable bytes replaced)."""

    @property
    def breadcrumb(self) -> str:
        """The header that is embedded with the text but never shown: path, then scope and signature."""
        qualified = " > ".join((*self.scope, self.symbol)) if self.symbol else " > ".join(self.scope)
        lines = [f"# {self.path}"]
        if qualified:
            lines.append(f"# {qualified}")
        if self.signature and self.signature not in self.text:
            lines.append(f"# {self.signature}")
        return "\n".join(lines)

    @property
    def embedded_text(self) -> str:
        """The text that is embedded: the breadcrumb, then the chunk."""
        return f"{self.breadcrumb}\n{self.text}"


class ChunkRef(NamedTuple):
    """A chunk among those of all roots that are searched."""

    root: str
    id: int
    """Of the index of that root, never reused there."""


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk read back from the store. ``id`` is never reused."""

    id: int
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Filter:
    """Which chunks a search may return. Empty fields do not restrict.

    ``globs`` are gitignore-style patterns over the path; one that starts with ``!`` excludes.
    ``under`` are sub-folders or files, relative to the root.
    """

    languages: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    under: tuple[str, ...] = ()
    prose: bool | None = None
    """True: only languages of documentation (Markdown, reStructuredText, plain text); False: only others."""

    def __bool__(self) -> bool:
        return bool(self.languages or self.globs or self.under or self.prose is not None)


@dataclass(frozen=True, slots=True)
class Copy:
    """Another place of the text of a hit."""

    root: str
    path: str
    start_line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that answers the query."""

    root: str
    path: str
    start_line: int
    end_line: int
    language: str | None
    kind: str
    symbol: str
    score: float
    text: str
    copies: tuple[Copy, ...] = ()
    """Where else the same text stands, best first, in a search that folds such places into one hit."""
    best_lines: tuple[int, int] | None = None
    """First and last of the lines that say most of what is asked; None where nothing is asked in words."""


def metadata_of(hit: Hit) -> dict[str, Any]:
    """Where a hit stands in its root and what it is, under the names that JSON and other frameworks get."""
    return {
        "path": hit.path,
        "start_line": hit.start_line,
        "end_line": hit.end_line,
        "language": hit.language,
        "kind": hit.kind,
        "symbol": hit.symbol,
    }


@dataclass(frozen=True, slots=True)
class Stats:
    """The work of a refresh. ``seconds`` is wall time by stage."""

    files_added: int = 0
    files_changed: int = 0
    files_reused: int = 0
    files_removed: int = 0
    chunks_added: int = 0
    chunks_reused: int = 0
    chunks_removed: int = 0
    embedded: int = 0
    """Vectors computed by the model in this refresh."""
    from_cache: int = 0
    """Vectors taken from the look-aside cache in this refresh."""
    truncated: int = 0
    """Chunks of this refresh whose embedded text is longer than the model takes."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Files left out, by reason."""
    notes: Sequence[str] = ()
    """News for the user: a repair, a fallback, a model that changed."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    complete: bool = True
    """Whether nothing is left for the next refresh to do."""
