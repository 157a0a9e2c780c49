"""Root -> the files to index, in a fixed order, and a count of everything left out, by reason.

Who decides on an entry, first to last:

1. ``.codesearchignore`` (git's syntax, in any folder): a pattern leaves out, a ``!`` pattern forces in;
2. names that begin with a dot are left out (unless ``hidden``);
3. a short list of folders and lock files that are never meant (``node_modules``, ``*.egg-info``, ...) and
   virtual environments, which are known by what is in them (``pyvenv.cfg``, ``conda-meta``), not by name;
4. ``.gitignore``, ``info/exclude`` and the user's global excludes, exactly as git reads them. What git
   tracks is not ignored whatever the patterns say. In a folder that is no repository the
   ``.gitignore`` files in it count all the same.

Symbolic links are not followed: what they point to is indexed where it lies, or lies outside (``follow``
enters links to folders outside, each once).
Submodules are part of what holds them, and so are the clones in a folder that is no repository itself, each
under its own rules. Other repositories inside of a repository (linked worktrees, clones) are roots of their
own and left out here; ``!folder/`` in ``.codesearchignore`` takes one in. What a file holds is looked at
when it is read (content/source.py).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path

from codesearch.errors import TooManyFiles
from codesearch.files.entries import source_file, with_headers
from codesearch.files.folder_identity import FolderIdentity, OwnFolders, identity
from codesearch.files.ignoring.attributes import Attributes
from codesearch.files.ignoring.governing import OWN_IGNORE_FILE, RuleReader, rebased
from codesearch.files.ignoring.ignore import RuleChain
from codesearch.files.ignoring.never_meant import DEPENDENCIES, ENVIRONMENT_MARKS, is_never_meant
from codesearch.files.options import WalkOptions
from codesearch.files.repositories.repository import TrackedFiles, find_repository, git_directory
from codesearch.files.repositories.roots import git_top_level
from codesearch.quick_dataclass import dataclass
from codesearch.records import SourceFile

__all__ = ["MAX_NAMED", "Walk", "walk"]

MAX_NAMED = 10_000
"""Entries that are left out and remembered by name."""


@dataclass(frozen=True, slots=True)
class Walk:
    """``files`` by path; ``skipped`` counts entries by reason (a folder that is not entered is one)."""

    files: tuple[SourceFile, ...]
    skipped: Mapping[str, int]
    notes: tuple[str, ...] = ()
    """News for the user, such as an ignore file that cannot be read."""
    folders: tuple[str, ...] = ()
    """Every folder that was entered, relative to the root; "" is the root."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Path -> reason, of the first entries that were left out (``MAX_NAMED``), folders with their slash."""
    encodings: Mapping[str, str] = field(default_factory=dict)
    """Declarations of ``.gitattributes``, by path."""
    generated: frozenset[str] = frozenset()
    """Files that ``.gitattributes`` calls generated."""
    unreadable: tuple[str, ...] = ()
    """Folders that are there and cannot be read, relative, with ``/`` at the end ("" for the root)."""
    complete: bool = True
    """False where it was stopped: there may be more files."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be read. ``path`` ends with ``/`` (the root's is empty)."""

    path: bytes
    own: RuleChain | None
    git: RuleChain | None
    only_kept: bool = False
    """Ignored, but tracked files lie in it: only those count."""
    forced: bool = False
    tracked: TrackedFiles = field(default_factory=TrackedFiles)
    """Files that the nearest repository around tracks, relative to its own top ..."""
    top: int = 0
    """... which is so many bytes into a path."""


def walk(root: Path, options: WalkOptions | None = None, stopped: Callable[[], bool] = lambda: False) -> Walk:
    """Everything under ``root`` that is to be indexed. Unreadable folders are counted, not fatal.

    It ends early, with what it has found, as soon as ``stopped()`` is true, which it asks at every entry.
    """
    return _Walker(Path(os.path.realpath(root)), options or WalkOptions(), stopped).run()


class _Walker:
    def __init__(self, root: Path, options: WalkOptions, stopped: Callable[[], bool]) -> None:
        self._stopped = stopped
        self._complete = True
        self._root = os.fsencode(root)
        self._options = options
        self._skipped: Counter[str] = Counter()
        self._repository = find_repository(root) if options.ignore else None
        self._is_in_repository = git_top_level(root) is not None
        self._rules = RuleReader(bool(self._repository and self._repository.fold))
        self._unreadable: list[str] = []
        self._entered: set[FolderIdentity | None] = set()
        self._left_out: dict[str, str] = {}
        self._own = OwnFolders(options.own_folders)
        self._attributes = Attributes()
        self._encodings: dict[str, str] = {}
        self._generated: set[str] = set()

    def run(self) -> Walk:
        files: list[SourceFile] = []
        folders = [self._first()]
        entered: list[bytes] = []
        while folders and self._complete:
            folder = folders.pop()
            entered.append(folder.path)
            for entry in self._entries(folder):
                if isinstance(entry, SourceFile):
                    files.append(entry)
                else:
                    folders.append(entry)
            limit = self._options.max_files
            if limit is not None and len(files) > limit:
                where = os.fsdecode(self._root)
                raise TooManyFiles(
                    f"{where} holds more than {limit:,} files; name a folder inside of it, list what to leave"
                    f" out in {OWN_IGNORE_FILE}, or confirm with --yes"
                )
        files.sort(key=lambda file: file.path)
        names = tuple(os.fsdecode(path).rstrip("/") for path in entered)
        return Walk(
            tuple(with_headers(files)),
            dict(self._skipped),
            tuple(self._rules.notes),
            names,
            self._left_out,
            self._encodings,
            frozenset(self._generated),
            tuple(self._unreadable),
            self._complete,
        )

    def _first(self) -> _Folder:
        if self._repository is None:
            return _Folder(b"", None, None)
        rules = self._rules.of_root(self._repository, Path(os.fsdecode(self._root)))
        return _Folder(b"", None, rules, tracked=self._repository.tracked)

    def _entries(self, folder: _Folder) -> Iterator[SourceFile | _Folder]:
        location = self._root + b"/" + folder.path if folder.path else self._root
        try:
            with os.scandir(location) as found:
                entries = list(found)
        except OSError as error:
            self._skip("unreadable", folder.path)
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                self._unreadable.append(os.fsdecode(folder.path))
            return
        if self._options.follow and not self._is_new(location):
            return
        names = {entry.name for entry in entries}
        if folder.path and not folder.forced and not ENVIRONMENT_MARKS.isdisjoint(names):
            self._skip("virtual environment", folder.path)
            return
        if self._own.hold(location, names):
            self._skip("index folder", folder.path)
            return
        if b".gitattributes" in names:
            self._attributes.read(location + b"/.gitattributes", folder.path)
        if b".git" in names and folder.path:
            entered = self._nested(folder, location)
            if entered is None:
                return
            folder = entered
        own, git = folder.own, folder.git  # both None where ignore files do not count
        if self._options.ignore:
            own, git = self._rules.of_folder(own, git, location, len(folder.path), names)
        for entry in entries:
            if self._stopped():
                self._complete = False
                return
            taken = self._take(entry, folder, own, git)
            if taken is not None:
                yield taken

    def _is_new(self, location: bytes) -> bool:
        """Whether a folder is entered for the first time: links can lead in a circle."""
        folder = identity(location)
        is_new = folder not in self._entered
        self._entered.add(folder)
        return is_new

    def _nested(self, folder: _Folder, location: bytes) -> _Folder | None:
        """A folder with a repository of its own: itself, with that repository's rules, or None."""
        directory = git_directory(Path(os.fsdecode(location)))
        if directory is None:
            return folder
        is_part = not self._is_in_repository or "modules" in directory.parts
        if not folder.forced and not is_part:
            self._skip("nested repository", folder.path)
            return None
        repository = find_repository(Path(os.fsdecode(location))) if self._options.ignore else None
        rules = self._rules.shared(repository, b"") if repository else None
        base = len(folder.path)
        tracked = repository.tracked if repository else TrackedFiles()
        return _Folder(folder.path, folder.own, rebased(rules, base), tracked=tracked, top=base)

    def _take(
        self, entry: os.DirEntry[bytes], folder: _Folder, own: RuleChain | None, git: RuleChain | None
    ) -> SourceFile | _Folder | None:
        name = entry.name
        path = folder.path + name
        if name == b".git":
            return None
        is_link = entry.is_symlink()
        followed = is_link and self._leads_outside(entry, path)
        if is_link and not (followed and self._options.follow):
            self._skip("symlink", path + b"/" * followed)
            return None
        is_folder = followed or entry.is_dir(follow_symlinks=False)
        verdict = own.decide(path, name, is_folder) if own else None
        forced = verdict is False
        only_kept = folder.only_kept
        if not forced:
            reason = "ignored" if verdict else self._default_reason(name, is_folder)
            is_doubtful = reason is None and (only_kept or (git and git.decide(path, name, is_folder)))
            if is_doubtful or (reason == "never meant" and is_folder and name not in DEPENDENCIES):
                only_kept = True
                inner = path[folder.top :]
                kept = folder.tracked.has_below(inner) if is_folder else folder.tracked.has(inner)
                reason = None if kept else "ignored"
            if reason is not None:
                self._skip("ignored" if reason == "never meant" else reason, path + b"/" * is_folder)
                return None
        if is_folder:
            only_kept = only_kept and not forced
            forced = forced or followed  # whoever follows a link to a clone means the clone
            return _Folder(path + b"/", own, git, only_kept, forced, folder.tracked, folder.top)
        return self._file(entry, path)

    def _leads_outside(self, entry: os.DirEntry[bytes], path: bytes) -> bool:
        """Whether a link is one to a folder that is not part of the tree anyway."""
        try:
            if not entry.is_dir():
                return False
        except OSError:
            return False
        target = os.path.realpath(self._root + b"/" + path)
        return target != self._root and not target.startswith(self._root.rstrip(b"/") + b"/")

    def _default_reason(self, name: bytes, is_folder: bool) -> str | None:
        if name.startswith(b".") and not self._options.hidden:
            return "hidden"
        return "never meant" if self._options.ignore and is_never_meant(name, is_folder) else None

    def _file(self, entry: os.DirEntry[bytes], path: bytes) -> SourceFile | None:
        found = source_file(entry, path, self._options.max_file_bytes)
        if isinstance(found, str):
            self._skip(found, path)
            return None
        if self._attributes.rules:
            self._add_attributes(path, found.path)
        return found

    def _add_attributes(self, path: bytes, text: str) -> None:
        encoding, generated = self._attributes.of(path)
        if encoding is not None:
            self._encodings[text] = encoding
        if generated:
            self._generated.add(text)

    def _skip(self, reason: str, path: bytes) -> None:
        self._skipped[reason] += 1
        if len(self._left_out) < MAX_NAMED:
            self._left_out[path.decode("utf-8", "replace")] = reason
