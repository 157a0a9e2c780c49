"""Cut the files of many repositories into shards by the hash of their content.

A shard is what a worker does at a time, and what is done again when the worker is lost. Files of equal
content, such as vendored copies in many repositories, fall into one shard, so that equal chunks are embedded
once. The number of shards is a power of two: when a corpus grows past one, each shard falls into two, and
none is mixed anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from codesearch.chunking.version import VERSION
from codesearch.files.content.source import content_hash
from codesearch.files.options import DEFAULT_MAX_BYTES, WalkOptions
from codesearch.files.walk import walk
from codesearch.quick_dataclass import dataclass
from codesearch.records import SourceFile
from codesearch.storage.folders.home import index_home

__all__ = ["Piece", "Shard", "cut"]

SHARD_BYTES = 1 << 20
"""Of source, about: half a minute of one core, the most that a lost worker costs."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of a shard."""

    root: str
    """The name of the root in the engine."""
    folder: str
    """Where the root lies, the same for every worker."""
    file: SourceFile
    encoding: str | None
    """As the repository declares it."""
    is_generated: bool
    """Whether the repository calls it generated: then it is searched by words alone."""
    content: str
    """Hash of its bytes."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Files that are embedded together; ``digest`` names everything that its chunks depend on."""

    digest: str
    pieces: tuple[Piece, ...]


def cut(roots: Sequence[tuple[str, Path]], fingerprint: str, shard_bytes: int = SHARD_BYTES) -> list[Shard]:
    """Return the shards of the files below (name, folder), each file in one, in an order of no meaning."""
    pieces = [piece for name, folder in roots for piece in _pieces(name, folder)]
    total = sum(piece.file.size for piece in pieces)
    bits = max(0, (total // shard_bytes).bit_length())
    groups: dict[int, list[Piece]] = {}
    for piece in pieces:
        groups.setdefault(int(piece.content, 16) >> (128 - bits), []).append(piece)
    return [_shard(group, fingerprint) for _, group in sorted(groups.items())]


def _pieces(name: str, folder: Path) -> list[Piece]:
    walked = walk(folder, WalkOptions(max_file_bytes=DEFAULT_MAX_BYTES, own_folders=(index_home(),)))
    found = []
    for file in walked.files:
        try:
            content = content_hash((folder / file.path).read_bytes()).hex()
        except OSError:  # it has gone since, or may not be read
            continue
        encoding, generated = walked.encodings.get(file.path), file.path in walked.generated
        found.append(Piece(name, str(folder), file, encoding, generated, content))
    return found


def _shard(pieces: list[Piece], fingerprint: str) -> Shard:
    ordered = sorted(pieces, key=lambda piece: (piece.root, piece.file.path))
    digest = hashlib.blake2b(f"{fingerprint}\0{VERSION}".encode(), digest_size=16)
    for piece in ordered:
        digest.update(f"\0{piece.root}\0{piece.file.path}\0{piece.content}".encode("utf-8", "surrogatepass"))
    return Shard(digest.hexdigest(), tuple(ordered))
