"""The ignore rules of a folder: the user's, its repository's, those of the folders above, and its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from codesearch.files.ignoring.ignore import IgnoreFile, RuleChain, read_ignore
from codesearch.files.repositories.repository import Repository

__all__ = ["OWN_IGNORE_FILE", "RuleReader", "rebased"]

OWN_IGNORE_FILE = ".codesearchignore"
_OWN, _GIT = OWN_IGNORE_FILE.encode(), b".gitignore"


class RuleReader:
    """Reads the ignore files of one tree. ``notes`` names those that could not be read."""

    def __init__(self, fold: bool) -> None:
        self.notes: list[str] = []
        self._fold = fold

    def of_root(self, repository: Repository, root: Path) -> RuleChain | None:
        """Rules that hold in ``root`` before its own files: the repository's, and those of folders above."""
        prefix = os.fsencode(root.relative_to(repository.top).as_posix())
        prefix = b"" if prefix == b"." else prefix + b"/"
        rules = self.shared(repository, prefix)
        above = os.fsencode(repository.top)
        for at in (-1, *_slashes(prefix)) if prefix else ():
            rules = self._added(rules, above + b"/" + prefix[: at + 1] + _GIT, 0, prefix[at + 1 :])
        return rules

    def shared(self, repository: Repository, prefix: bytes) -> RuleChain | None:
        """Global excludes and ``info/exclude``; ``prefix`` is the path of the root in the repository."""
        rules = None
        for path in (repository.global_file, repository.exclude_file):
            if path:
                rules = self._added(rules, os.fsencode(path), 0, prefix, follow=True)
        return rules

    def of_folder(
        self, own: RuleChain | None, git: RuleChain | None, location: bytes, base: int, names: set[bytes]
    ) -> tuple[RuleChain | None, RuleChain | None]:
        """The rules that hold in a folder: what ``own`` and ``git`` said above it, and its own files.

        Args:
            location: the folder on disk.
            base: bytes of its path relative to the root, with the slash.
            names: the entries of the folder.
        """
        if _GIT in names:
            git = self._added(git, location + b"/" + _GIT, base)
        if _OWN in names:
            own = self._added(own, location + b"/" + _OWN, base)
        return own, git

    def _added(
        self, outer: RuleChain | None, path: bytes, base: int, prefix: bytes = b"", follow: bool = False
    ) -> RuleChain | None:
        file = self._read(path, follow)
        return RuleChain(file, base, outer, prefix) if file else outer

    def _read(self, path: bytes, follow: bool) -> IgnoreFile | None:
        try:
            return read_ignore(path, self._fold, follow)
        except OSError as error:
            name = Path(os.fsdecode(path))
            self.notes.append(f"{name} cannot be read ({error.strerror}): its rules do not count")
            return None


def rebased(rules: RuleChain | None, base: int) -> RuleChain | None:
    """Rules of a repository that lies ``base`` bytes below the root."""
    return RuleChain(rules.file, base, rebased(rules.outer, base)) if rules else None


def _slashes(path: bytes) -> Iterator[int]:
    at = path.find(b"/")
    while at >= 0:
        yield at
        at = path.find(b"/", at + 1)
