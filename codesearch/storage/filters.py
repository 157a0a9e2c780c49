"""Which chunks a filter lets through: languages, gitignore-style globs, sub-folders.

Globs are ``.gitignore`` lines (``*.py``, ``src/**``, ``/docs``), read by the rules of the walk, with one
difference: one that starts with ``!`` always excludes, wherever it stands. Several of the others are
alternatives; without any, everything that is not excluded is included.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np

from codesearch.errors import BadQuery
from codesearch.files.languages import is_prose_language
from codesearch.quick_dataclass import dataclass
from codesearch.records import Filter
from codesearch.storage.rows import Ids
from codesearch.storage.sqlite.database import Database

if TYPE_CHECKING:
    from codesearch.files.ignoring.ignore import IgnoreFile

__all__ = ["PathFilter", "Selection", "expanded"]

_KEPT = 32
_BRACES = re.compile(r"(?<!\\)\{([^{}]*,[^{}]*)\}")
_MOST_PARTS = 1_000


class PathFilter:
    """A compiled ``Filter``, asked file by file.

    Raises:
        BadQuery: a glob that is no pattern.
    """

    def __init__(self, wanted: Filter) -> None:
        included = [glob for glob in wanted.globs if not glob.startswith("!")]
        excluded = [glob[1:] for glob in wanted.globs if glob.startswith("!")]
        self._included = _patterns(included)
        self._excluded = _patterns(excluded)
        self._languages = frozenset(wanted.languages)
        self._prose = wanted.prose
        self._under = tuple(_folder(path) for path in wanted.under)

    def matches(self, path: str, language: str | None) -> bool:
        """Whether a file at this path (relative, with ``/``) passes."""
        path = _composed(path)
        if self._languages and language not in self._languages:
            return False
        if self._prose is not None and is_prose_language(language) != self._prose:
            return False
        if self._under and not any(f in ("", path) or path.startswith(f"{f}/") for f in self._under):
            return False
        if self._included is None and self._excluded is None:
            return True
        parts = list(_with_folders(path.encode("utf-8", "surrogateescape")))
        if self._included is not None and not _any_matches(self._included, parts):
            return False
        return self._excluded is None or not _any_matches(self._excluded, parts)


def _folder(path: str) -> str:
    parts = [part for part in _composed(path).split("/") if part not in ("", ".")]
    return "/".join(parts)


def _composed(path: str) -> str:
    """A path in the normal form NFC: what is typed and what a disk holds (macOS: NFD) may differ in it."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def expanded(glob: str) -> list[str]:
    """The patterns that braces stand for: ``*.{py,go}`` is ``*.py`` and ``*.go``, as shells have it.

    >>> expanded("{src,lib}/*.{c,h}")
    ['src/*.c', 'src/*.h', 'lib/*.c', 'lib/*.h']
    """
    found = _BRACES.search(glob)
    if found is None:
        return [glob]
    first, last = glob[: found.start()], glob[found.end() :]
    parts = [each for part in found[1].split(",") for each in expanded(f"{first}{part}{last}")]
    if len(parts) > _MOST_PARTS:
        raise BadQuery(f"the braces of the glob stand for more than {_MOST_PARTS} patterns; give several -g")
    return parts


def _patterns(globs: Iterable[str]) -> IgnoreFile | None:
    every = [_composed(each.removeprefix("./")) for glob in globs for each in expanded(glob)]
    lines = [f"\\{glob}" if glob.startswith("#") else glob for glob in every]
    for glob in lines:
        if not glob.strip().strip("/"):
            raise BadQuery(f"the glob {glob!r} names no files; try '*.py' or 'src/**'")
    if not lines:
        return None
    from codesearch.files.ignoring.ignore import parse_ignore  # late: most questions have no glob

    try:
        return parse_ignore("\n".join(lines).encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError as error:
        raise BadQuery(f"a glob holds half a character, {error.object[error.start]!a}") from error


def _with_folders(path: bytes) -> Iterator[tuple[bytes, bool]]:
    """The folders that a path lies in, outermost first, then itself; True for a folder."""
    end = path.find(b"/")
    while end != -1:
        yield path[:end], True
        end = path.find(b"/", end + 1)
    yield path, False


def _any_matches(patterns: IgnoreFile, parts: Iterable[tuple[bytes, bool]]) -> bool:
    """Whether a path or a folder that it lies in matches: a folder stands for all it holds."""
    return any(patterns.decide(part, part.rpartition(b"/")[2], folder) for part, folder in parts)


@dataclass(slots=True)
class _Table:
    """The paths and chunk ids of one generation, and what filters made of them."""

    generation: int
    files: list[tuple[int, str, str | None]]
    ids: Ids
    file_ids: Ids
    answers: dict[Filter, Ids] = field(default_factory=dict)


class Selection:
    """Filter -> chunk ids, remembered until the index changes."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._lock = threading.Lock()
        self._table: _Table | None = None

    def ids(self, wanted: Filter, generation: int) -> Ids | None:
        """Ids of the chunks of all files that pass, ascending; None for the empty filter."""
        if not wanted:
            return None
        matches = PathFilter(wanted).matches
        with self._lock:
            table = self._table
            if table is None or table.generation != generation:
                table = self._table = self._read(generation)
            if wanted not in table.answers:
                if len(table.answers) >= _KEPT:
                    table.answers.clear()
                files = [ident for ident, path, language in table.files if matches(path, language)]
                table.answers[wanted] = table.ids[np.isin(table.file_ids, np.array(files, np.int64))]
            return table.answers[wanted]

    def _read(self, generation: int) -> _Table:
        with self._db.reading():
            files = self._db.rows("SELECT id, path, language FROM files")
            chunks = self._db.rows("SELECT id, file_id FROM chunks ORDER BY id")
        with self._db.decoding():
            pairs = np.array(chunks, np.int64).reshape(-1, 2)
            known = [(int(ident), str(path), language) for ident, path, language in files]
        return _Table(
            generation=generation,
            files=known,
            ids=np.ascontiguousarray(pairs[:, 0]),
            file_ids=np.ascontiguousarray(pairs[:, 1]),
        )
