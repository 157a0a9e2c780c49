"""Ask git what a walk needs to know: where ignore rules come from, and which files are tracked.

git is asked where it is installed (git.py); without it, or where it refuses, the files alone decide.
Refuses nothing: a broken repository is a folder. git itself would wait for a pipe that somebody put in
the place of one of its files, so it is not asked where there is one.
"""

from __future__ import annotations

import os
import stat
import sys
from bisect import bisect_left
from pathlib import Path

from codesearch.files.content.regular import read_regular
from codesearch.files.repositories.git import installed, run_gits
from codesearch.quick_dataclass import dataclass

__all__ = ["Repository", "TrackedFiles", "find_repository", "git_directory"]

_ANSWER_SECONDS = 20.0
_ANSWER_MEMORY = 1 << 30
_POINTER_BYTES = 8192
_READ_BY_GIT = (
    *((name, 1 << 24) for name in ("HEAD", "commondir", "config", "config.worktree", "info/exclude")),
    *((name, 1 << 30) for name in ("index", "packed-refs")),
)
_TRUE = frozenset({b"true", b"yes", b"on", b"1", b""})


@dataclass(frozen=True, slots=True)
class TrackedFiles:
    """List the tracked files under a folder: paths relative to it, ascending, as git lists them."""

    paths: tuple[bytes, ...] = ()

    def has(self, path: bytes) -> bool:
        """Whether the file at ``path`` is tracked."""
        at = bisect_left(self.paths, path)
        return at < len(self.paths) and self.paths[at] == path

    def has_below(self, folder: bytes) -> bool:
        """Whether a file below ``folder`` is."""
        at = bisect_left(self.paths, folder + b"/")
        return at < len(self.paths) and self.paths[at].startswith(folder + b"/")


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository around a folder."""

    top: Path
    """Its working tree."""
    exclude_file: Path
    """``info/exclude``; linked worktrees share that of the main one."""
    global_file: Path | None
    """``core.excludesFile``, by default ``git/ignore`` in the user's configuration folder."""
    fold: bool
    """core.ignorecase."""
    tracked: TrackedFiles
    """Files that git does not ignore, whatever its rules say."""


def git_directory(folder: Path) -> Path | None:
    """Return the git directory of the working tree at ``folder``; None outside of one."""
    dot = folder / ".git"
    try:
        if dot.is_dir():
            return dot if (dot / "HEAD").exists() or (dot / "HEAD").is_symlink() else None
        line = read_regular(dot, _POINTER_BYTES)
    except (OSError, ValueError):
        return None
    if line is None or not line.startswith(b"gitdir:") or b"\0" in line:
        return None
    return folder / os.fsdecode(line.removeprefix(b"gitdir:").strip())


def find_repository(folder: Path) -> Repository | None:
    """The repository that ``folder`` (absolute, resolved) is in."""
    for top in (folder, *folder.parents):
        directory = git_directory(top)
        if directory is not None:
            common = _common(directory)
            safe = _is_safe_to_ask(directory, common)
            settings, tracked = _asked(folder) if safe else ({}, TrackedFiles())
            exclude = common / "info" / "exclude"
            return Repository(top, exclude, _global_file(settings, top), _fold(settings), tracked)
    return None


def _is_safe_to_ask(directory: Path, common: Path) -> bool:
    """Whether git finds files of a sane size, folders, or nothing, where it will look."""
    return all(_is_sane(place / name, most) for place in {directory, common} for name, most in _READ_BY_GIT)


def _is_sane(path: Path, most_bytes: int) -> bool:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return True
    return stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_size <= most_bytes)


def _common(directory: Path) -> Path:
    try:
        pointer = read_regular(directory / "commondir", _POINTER_BYTES)
    except OSError:
        return directory
    if not pointer or b"\0" in pointer:
        return directory
    return directory / os.fsdecode(pointer.strip())


def _global_file(settings: dict[bytes, bytes], top: Path) -> Path | None:
    if (value := settings.get(b"core.excludesfile")) is not None:
        return top / os.path.expanduser(os.fsdecode(value)) if value else None  # noqa: PTH111
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
    return Path(config) / "git" / "ignore"


def _fold(settings: dict[bytes, bytes]) -> bool:
    value = settings.get(b"core.ignorecase")
    return sys.platform in ("darwin", "win32") if value is None else value.lower() in _TRUE


def _asked(folder: Path) -> tuple[dict[bytes, bytes], TrackedFiles]:
    """Ask git for its settings and for what it tracks.

    Without ignore files: what they say is this program's to find out, in bounded time. Another user's
    checkout (a bind mount) is one all the same; git.py says what is off.
    """
    trusting = ("-c", "safe.directory=*")
    listed, tracked = run_gits(
        folder,
        (*trusting, "config", "-z", "--get-regexp", r"^core\.(excludesfile|ignorecase)$"),
        (*trusting, "ls-files", "-z", "--cached"),
        seconds=_ANSWER_SECONDS,
        memory_bytes=_ANSWER_MEMORY,
    )
    paths = sorted(tracked.removesuffix(b"\0").split(b"\0")) if tracked else ()
    return _settings(listed), TrackedFiles(tuple(paths))


def _settings(listed: bytes | None) -> dict[bytes, bytes]:
    settings: dict[bytes, bytes] = {}
    for entry in listed.split(b"\0") if listed else ():
        key, newline, value = entry.partition(b"\n")
        settings[key] = value if newline else b"true"
    if listed is not None and installed() is not None:
        settings.setdefault(b"core.ignorecase", b"false")  # git's own default
    return settings
