"""Where indexes are: outside the tree, one folder per root, below one private home.

The home is ``$CODESEARCH_HOME`` or the user's cache folder. Beside each index lies a file ``root``
that names its tree, readable even where the database is not. Deleting touches nothing outside of
the home and follows no link.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from codesearch.errors import BadQuery, IndexBusy, IndexNotFound, StorageFailed
from codesearch.files.content.regular import read_regular
from codesearch.files.repositories.roots import canonical, git_top_level
from codesearch.quick_dataclass import dataclass
from codesearch.storage.folders.folder_lock import held_alone
from codesearch.storage.folders.home import index_home
from codesearch.storage.folders.lock import WriterLock

__all__ = [
    "IndexEntry",
    "Location",
    "clear",
    "clear_all",
    "clear_orphans",
    "clones_path",
    "folder_bytes",
    "index_home",
    "list_indexes",
    "locate",
    "token_cache_path",
    "unparsable_path",
    "vector_cache_path",
]

LOCK_NAME = "writer.lock"
_ROOT_NAME = "root"
_MOST_BYTES = 1 << 16
_TRIES = 10
_FOLDER_NAME = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Location:
    """A root, its index folder, and the part of the root that was asked for."""

    root: Path
    directory: Path
    under: str
    """Relative to the root with ``/``; "" for all of it."""

    def create(self) -> None:
        """Make the index folder, private to the user, and write down whose it is."""
        for tried in range(_TRIES):
            try:
                _make_private(self.directory)
                note = self.directory / _ROOT_NAME
                if not note.exists():
                    note.write_bytes(os.fsencode(self.root))
                return
            except OSError as error:
                cleared = isinstance(
                    error, FileNotFoundError | FileExistsError
                )  # by another process, just now
                if cleared and tried < _TRIES - 1:
                    continue
                raise StorageFailed(
                    f"cannot create the index folder {self.directory}: {error.strerror}; "
                    "set CODESEARCH_HOME to a folder that can be written"
                ) from error


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One index of this user. ``root`` is None where the note that names it is missing."""

    root: Path | None
    directory: Path
    bytes: int

    @property
    def is_orphan(self) -> bool:
        """Whether the tree is gone (or was never named)."""
        return self.root is None or not self.root.exists()


def clones_path() -> Path:
    """Where repositories that were given by address lie."""
    return index_home() / "clones"


def vector_cache_path() -> Path:
    """The look-aside vector cache that all indexes share."""
    return index_home() / "vectors.sqlite"


def token_cache_path() -> Path:
    """The look-aside cache of token vectors that all indexes share."""
    return index_home() / "token-vectors.sqlite"


def unparsable_path() -> Path:
    """The record of files that ended a parsing process, which all indexes share."""
    return index_home() / "unparsable"


def locate(path: str | os.PathLike[str] = ".", *, here: bool = False) -> Location:
    """Return the root that ``path`` (a folder or a file) belongs to: its git top level, else its folder.

    ``here`` makes the folder itself the root. A path that is gone leads to the index that
    once covered it. The address of a repository (``https://host/owner/repo[@ref]``) is cloned or brought up
    to date first; see ``files/clones.py``. BadQuery for a path that never was.
    """
    if "://" in str(path):  # late: hardly any path is an address
        from codesearch.files.repositories.addresses import is_address
        from codesearch.files.repositories.clones import checkout

        path = checkout(str(path), clones_path()) if is_address(path) else path
    target = canonical(Path(path))
    if not target.exists():
        return _locate_gone(target, str(path))
    folder = target if target.is_dir() else target.parent
    top = folder if here else git_top_level(folder) or folder
    return _location(top, target)


def list_indexes() -> list[IndexEntry]:
    """Every index of this user, by root."""
    entries = [IndexEntry(_noted_root(folder), folder, folder_bytes(folder)) for folder in _index_folders()]
    return sorted(entries, key=lambda entry: (str(entry.root or ""), entry.directory))


def clear(path: str | os.PathLike[str] = ".", *, here: bool = False) -> IndexEntry:
    """Delete the index of the root that ``path`` belongs to. IndexNotFound, or IndexBusy(pid)."""
    location = locate(path, here=here)
    for entry in list_indexes():
        if entry.directory == location.directory:
            return _delete(entry)
    raise IndexNotFound(location.root)


def clear_all() -> list[IndexEntry]:
    """Delete every index and the caches of vectors. IndexBusy at the end, if one was being written."""
    cleared = _delete_each(list_indexes())
    for cache in (vector_cache_path(), token_cache_path()):
        with suppress(FileNotFoundError), held_alone(cache.parent):
            for suffix in ("", "-wal", "-shm"):
                cache.with_name(cache.name + suffix).unlink(missing_ok=True)
    return cleared


def clear_orphans() -> list[IndexEntry]:
    """Delete the indexes whose tree is gone."""
    return _delete_each([entry for entry in list_indexes() if entry.is_orphan])


def folder_bytes(folder: Path) -> int:
    """Bytes of the files of an index folder (it has no sub-folders)."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                total += entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:  # SQLite comes and goes with its side files
                continue
    return total


def _location(root: Path, target: Path) -> Location:
    under = "" if target == root else target.relative_to(root).as_posix()
    key = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    return Location(root, index_home() / "indexes" / key, under)


def _locate_gone(target: Path, written: str) -> Location:
    from codesearch.files.repositories.addresses import meant_address

    for folder in (target, *target.parents):
        location = _location(folder, target)
        if not folder.exists() and location.directory.is_dir():
            return location
    advice = meant_address(written)
    raise BadQuery(f"no such file or folder: {written if advice else target}{advice and f'; {advice}'}")


def _make_private(folder: Path) -> None:
    for part in (index_home(), folder.parent, folder):
        if not part.is_dir():
            part.parent.mkdir(parents=True, exist_ok=True)
            part.mkdir(mode=0o700, exist_ok=True)


def _index_folders() -> Iterator[Path]:
    try:
        with os.scandir(index_home() / "indexes") as entries:
            found = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return
    yield from (Path(entry.path) for entry in found if _FOLDER_NAME.fullmatch(entry.name))


def _noted_root(folder: Path) -> Path | None:
    try:
        content = read_regular(folder / _ROOT_NAME, _MOST_BYTES)
    except OSError:
        return None
    return Path(os.fsdecode(content)) if content else None


def _delete_each(entries: list[IndexEntry]) -> list[IndexEntry]:
    cleared: list[IndexEntry] = []
    busy: IndexBusy | None = None
    for entry in entries:
        try:
            cleared.append(_delete(entry))
        except IndexBusy as error:
            busy = error
    if busy:
        raise busy
    return cleared


def _delete(entry: IndexEntry) -> IndexEntry:
    import shutil  # late: a search deletes nothing

    with WriterLock(entry.directory / LOCK_NAME), held_alone(entry.directory):
        for path in sorted(entry.directory.iterdir()):  # a database before its log, which else is mistaken
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != LOCK_NAME:
                path.unlink(missing_ok=True)  # SQLite's side files come and go with those who read
        if os.name != "nt":  # there an open file cannot be deleted
            (entry.directory / LOCK_NAME).unlink()
    with suppress(OSError):  # somebody has begun a new index meanwhile
        if os.name == "nt":
            (entry.directory / LOCK_NAME).unlink()
        entry.directory.rmdir()
    return entry
