"""Ids and paths that name their root, for chunks of several indexes in one ranking.

An id has the number of its part in the high bits. A path begins with a folder that stands for the root
and holds no letter, so that no signal of the ranking takes it for evidence; models never see it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from codesearch.records import Chunk, StoredChunk
from codesearch.storage.rows import Ids

__all__ = [
    "by_part",
    "global_id",
    "global_ids",
    "label",
    "local_ids",
    "part_of",
    "stored_chunk",
    "unlabelled",
]

_BITS = 40
_LOCAL = (1 << _BITS) - 1
_FIRST_LABEL = 0xF0000
"""Private-use characters: no word, in no path, and in the order of the roots."""


def global_id(position: int, id_: int) -> int:
    """The id of a chunk of one part among all parts."""
    return position << _BITS | id_


def global_ids(position: int, ids: Ids) -> Ids:
    """The same for an array; ascending ids stay so."""
    return ids | (position << _BITS)


def local_ids(position: int, ids: Ids) -> Ids:
    """Those of the ids that belong to a part, as the part knows them."""
    mine: Ids = ids[ids >> _BITS == position] & _LOCAL
    return mine


def by_part(ids: Iterable[int]) -> list[tuple[int, list[int]]]:
    """(position, its own ids in the given order) of every part that is among them."""
    parted: dict[int, list[int]] = {}
    for id_ in ids:
        parted.setdefault(id_ >> _BITS, []).append(id_ & _LOCAL)
    return sorted(parted.items())


def label(position: int) -> str:
    """The first folder of the paths of a part, with its slash."""
    return f"{chr(_FIRST_LABEL + position)}/"


def part_of(path: str) -> int:
    """The position of the part that a labelled path belongs to."""
    return ord(path[0]) - _FIRST_LABEL


def unlabelled(path: str) -> str:
    """The path relative to its root."""
    return path.partition("/")[2]


def stored_chunk(position: int, stored: StoredChunk) -> StoredChunk:
    """A chunk of a part with its id and path among all parts."""
    values = {name: getattr(stored.chunk, name) for name in Chunk.__slots__}
    chunk = _LabelledChunk(**{**values, "path": label(position) + stored.chunk.path})
    return StoredChunk(global_id(position, stored.id), chunk)


@dataclass(frozen=True, slots=True)
class _LabelledChunk(Chunk):
    @property
    def breadcrumb(self) -> str:
        values = {name: getattr(self, name) for name in Chunk.__slots__}
        return Chunk(**{**values, "path": unlabelled(self.path)}).breadcrumb
