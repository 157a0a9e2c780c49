"""Root -> the files to index, in a fixed order, and a count of everything left out, by reason.

Who decides on an entry, first to last:

1. ``.codesearchignore`` (git's syntax, in any folder): a pattern leaves out, a ``!`` pattern forces in;
2. names that begin with a dot are left out (unless ``hidden``);
3. a short list of folders and lock files that are never meant (``node_modules``, ``.venv``, ...);
4. ``.gitignore``, ``info/exclude`` and the user's global excludes, exactly as git reads them. What git
   tracks is not ignored whatever the patterns say. In a folder that is no repository the
   ``.gitignore`` files in it count all the same.

Symbolic links are not followed (what they point to is indexed where it lies, or lies outside).
Folders with a repository of their own (clones, linked worktrees, submodules) are roots of their own
and left out here; ``!folder/`` in ``.codesearchignore`` takes one in. What a file holds is looked at
when it is read (source.py).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from codesearch.errors import TooManyFiles
from codesearch.files.ignore import Governing, IgnoreFile, parse_ignore, read_ignore
from codesearch.files.repository import Repository, Tracked, find_repository, git_directory
from codesearch.files.source import skipped_by_name
from codesearch.languages import language_of
from codesearch.records import SourceFile

__all__ = ["OWN_IGNORE_FILE", "Walk", "WalkOptions", "walk"]

OWN_IGNORE_FILE = ".codesearchignore"

_NEVER_MEANT = parse_ignore(
    b"""
node_modules/
bower_components/
__pycache__/
.venv/
venv/
.tox/
.nox/
.eggs/
*.egg-info/
.mypy_cache/
.pytest_cache/
.ruff_cache/
.gradle/
.terraform/
.idea/
package-lock.json
npm-shrinkwrap.json
yarn.lock
pnpm-lock.yaml
bun.lock
Cargo.lock
poetry.lock
uv.lock
pdm.lock
Pipfile.lock
Gemfile.lock
composer.lock
go.sum
mix.lock
flake.lock
Package.resolved
"""
)


@dataclass(frozen=True, slots=True)
class WalkOptions:
    """Options that say which files are left out."""

    max_file_bytes: int = 1_000_000
    hidden: bool = False
    """Take in names that begin with a dot (never ``.git``)."""
    ignore: bool = True
    """Follow ignore files and the list of what is never meant."""
    max_files: int | None = None
    """More files than this raise TooManyFiles."""


@dataclass(frozen=True, slots=True)
class Walk:
    """``files`` by path; ``skipped`` counts entries by reason (a folder that is not entered is one)."""

    files: tuple[SourceFile, ...]
    skipped: Mapping[str, int]
    notes: tuple[str, ...] = ()
    """What the user should know, such as an ignore file that cannot be read."""
    folders: tuple[str, ...] = ()
    """Every folder that was entered, relative to the root; "" is the root."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be read. ``path`` ends with ``/`` (the root's is empty)."""

    path: bytes
    own: Governing | None
    git: Governing | None
    only_kept: bool = False
    """Ignored, but tracked files lie in it: only those count."""
    forced: bool = False


def walk(root: Path, options: WalkOptions | None = None) -> Walk:
    """Everything under ``root`` that is to be indexed. Unreadable folders are counted, not fatal."""
    return _Walker(Path(os.path.realpath(root)), options or WalkOptions()).run()


class _Walker:
    def __init__(self, root: Path, options: WalkOptions) -> None:
        self._root = os.fsencode(root)
        self._options = options
        self._skipped: Counter[str] = Counter()
        self._repository = find_repository(root) if options.ignore else None
        self._fold = bool(self._repository and self._repository.fold)
        self._tracked = self._repository.tracked if self._repository else Tracked()
        self._notes: list[str] = []

    def run(self) -> Walk:
        files: list[SourceFile] = []
        folders = [self._first()]
        entered: list[bytes] = []
        while folders:
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
        return Walk(tuple(files), dict(self._skipped), tuple(self._notes), names)

    def _first(self) -> _Folder:
        repository = self._repository
        if repository is None:
            return _Folder(b"", None, None)
        prefix = os.fsencode(Path(os.fsdecode(self._root)).relative_to(repository.top).as_posix())
        prefix = b"" if prefix == b"." else prefix + b"/"
        rules = self._shared_rules(repository, prefix)
        above = os.fsencode(repository.top)
        for at in (-1, *_slashes(prefix)) if prefix else ():
            folder = prefix[: at + 1]
            file = self._read_ignore(above + b"/" + folder + b".gitignore")
            rules = Governing(file, 0, rules, prefix[at + 1 :]) if file else rules
        return _Folder(b"", None, rules)

    def _shared_rules(self, repository: Repository, prefix: bytes) -> Governing | None:
        rules = None
        for path in (repository.global_file, repository.exclude_file):
            file = self._read_ignore(os.fsencode(path), follow=True) if path else None
            rules = Governing(file, 0, rules, prefix) if file else rules
        return rules

    def _entries(self, folder: _Folder) -> Iterator[SourceFile | _Folder]:
        location = self._root + b"/" + folder.path if folder.path else self._root
        try:
            with os.scandir(location) as found:
                entries = list(found)
        except OSError:
            self._skipped["unreadable"] += 1
            return
        names = {entry.name for entry in entries}
        if b".git" in names and folder.path:
            entered = self._nested(folder, location)
            if entered is None:
                return
            folder = entered
        own, git = self._rules_of(folder, location, names)
        for entry in entries:
            taken = self._take(entry, folder, own, git)
            if taken is not None:
                yield taken

    def _nested(self, folder: _Folder, location: bytes) -> _Folder | None:
        """A folder with a repository of its own: itself, with that repository's rules, or None."""
        directory = git_directory(Path(os.fsdecode(location)))
        if directory is None:
            return folder
        if not folder.forced:
            self._skip("submodule" if "modules" in directory.parts else "nested repository")
            return None
        repository = find_repository(Path(os.fsdecode(location)))
        rules = self._shared_rules(repository, b"") if repository else None
        return _Folder(folder.path, folder.own, _rebased(rules, len(folder.path)))

    def _rules_of(
        self, folder: _Folder, location: bytes, names: set[bytes]
    ) -> tuple[Governing | None, Governing | None]:
        own, git = folder.own, folder.git
        if not self._options.ignore:
            return None, None
        base = len(folder.path)
        if b".gitignore" in names:
            file = self._read_ignore(location + b"/.gitignore")
            git = Governing(file, base, git) if file else git
        if OWN_IGNORE_FILE.encode() in names:
            file = self._read_ignore(location + b"/" + OWN_IGNORE_FILE.encode())
            own = Governing(file, base, own) if file else own
        return own, git

    def _read_ignore(self, path: bytes, follow: bool = False) -> IgnoreFile | None:
        try:
            return read_ignore(path, self._fold, follow)
        except OSError as error:
            name = Path(os.fsdecode(path))
            self._notes.append(f"{name} cannot be read ({error.strerror}): its rules do not count")
            return None

    def _take(
        self, entry: os.DirEntry[bytes], folder: _Folder, own: Governing | None, git: Governing | None
    ) -> SourceFile | _Folder | None:
        name = entry.name
        path = folder.path + name
        if name == b".git":
            return None
        if entry.is_symlink():
            self._skip("symlink")
            return None
        is_folder = entry.is_dir(follow_symlinks=False)
        verdict = own.decide(path, name, is_folder) if own else None
        forced = verdict is False
        only_kept = folder.only_kept
        if not forced:
            reason = "ignored" if verdict else self._default_reason(name, is_folder)
            if reason is None and (only_kept or (git and git.decide(path, name, is_folder))):
                only_kept = True
                kept = self._tracked.has_below(path) if is_folder else self._tracked.has(path)
                reason = None if kept else "ignored"
            if reason is not None:
                self._skip(reason)
                return None
        if is_folder:
            return _Folder(path + b"/", own, git, only_kept and not forced, forced)
        return self._file(entry, path)

    def _default_reason(self, name: bytes, is_folder: bool) -> str | None:
        if name.startswith(b".") and not self._options.hidden:
            return "hidden"
        never_meant = _NEVER_MEANT if self._options.ignore else None
        return "ignored" if never_meant and never_meant.decide(name, name, is_folder) else None

    def _file(self, entry: os.DirEntry[bytes], path: bytes) -> SourceFile | None:
        try:
            text = path.decode("utf-8")
        except UnicodeDecodeError:
            self._skip("name is not UTF-8")
            return None
        try:
            status = entry.stat(follow_symlinks=False)
            regular = entry.is_file(follow_symlinks=False)
        except OSError:
            self._skip("unreadable")
            return None
        if not regular:
            self._skip("special file")
            return None
        reason = skipped_by_name(text) or (
            "too large" if status.st_size > self._options.max_file_bytes else None
        )
        if reason is not None:
            self._skip(reason)
            return None
        return SourceFile(text, status.st_size, status.st_mtime_ns, language_of(text))

    def _skip(self, reason: str) -> None:
        self._skipped[reason] += 1


def _slashes(path: bytes) -> Iterator[int]:
    at = path.find(b"/")
    while at >= 0:
        yield at
        at = path.find(b"/", at + 1)


def _rebased(rules: Governing | None, base: int) -> Governing | None:
    return Governing(rules.file, base, _rebased(rules.outer, base)) if rules else None
