"""What git knows about a folder and a walk needs: where its ignore rules are, and what is tracked.

git is asked where it is installed, and told to run nothing on the way (no file system monitor, no
hooks, no locks); without it, or where it refuses, the files alone decide. Refuses nothing: a broken
repository is a folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

__all__ = ["Repository", "find_repository", "git_directory", "run_git"]

_TIMEOUT_SECONDS = 60
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE")
_TRUE = frozenset({b"true", b"yes", b"on", b"1", b""})


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
    kept: frozenset[bytes]
    """Paths under the folder, relative to it, that a rule matches but git tracks, so does not ignore."""


def git_directory(folder: Path) -> Path | None:
    """The git directory of the working tree at ``folder``; None where it is none."""
    dot = folder / ".git"
    try:
        if dot.is_dir():
            return dot if (dot / "HEAD").exists() or (dot / "HEAD").is_symlink() else None
        with dot.open("rb") as file:
            line = file.read(8192)
    except OSError:
        return None
    if not line.startswith(b"gitdir:"):
        return None
    return folder / os.fsdecode(line.removeprefix(b"gitdir:").strip())


def find_repository(folder: Path) -> Repository | None:
    """The repository that ``folder`` (absolute, resolved) is in."""
    for top in (folder, *folder.parents):
        directory = git_directory(top)
        if directory is not None:
            settings = _settings(folder)
            return Repository(
                top,
                _common(directory) / "info" / "exclude",
                _global_file(settings, top),
                _fold(settings),
                _kept(folder),
            )
    return None


def _common(directory: Path) -> Path:
    try:
        return directory / (directory / "commondir").read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return directory


def _global_file(settings: dict[bytes, bytes], top: Path) -> Path | None:
    if (value := settings.get(b"core.excludesfile")) is not None:
        return top / os.path.expanduser(os.fsdecode(value)) if value else None  # noqa: PTH111
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
    return Path(config) / "git" / "ignore"


def _fold(settings: dict[bytes, bytes]) -> bool:
    value = settings.get(b"core.ignorecase")
    return sys.platform in ("darwin", "win32") if value is None else value.lower() in _TRUE


def _settings(folder: Path) -> dict[bytes, bytes]:
    listed = run_git(folder, "config", "-z", "--get-regexp", r"^core\.(excludesfile|ignorecase)$")
    settings: dict[bytes, bytes] = {}
    for entry in listed.split(b"\0") if listed else ():
        key, newline, value = entry.partition(b"\n")
        settings[key] = value if newline else b"true"
    if listed is not None and _installed() is not None:
        settings.setdefault(b"core.ignorecase", b"false")  # git's own default
    return settings


def _kept(folder: Path) -> frozenset[bytes]:
    listed = run_git(folder, "ls-files", "-z", "--cached", "--ignored", "--exclude-standard")
    return frozenset(listed.split(b"\0")) - {b""} if listed else frozenset()


@lru_cache(maxsize=1)
def _installed() -> str | None:
    found = shutil.which("git")
    if sys.platform == "darwin" and found == "/usr/bin/git":
        # Without the developer tools this is a stub that opens a dialog.
        tools = ("/Library/Developer/CommandLineTools/usr/bin/git", "/Applications/Xcode.app")
        return found if any(Path(tool).exists() for tool in tools) else None
    return found


def run_git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints; b"" where it has nothing to say, None where it cannot be asked."""
    git = _installed()
    if git is None:
        return None
    environment = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    environment["GIT_NO_LAZY_FETCH"] = "1"  # a partial clone must not send us to the network
    command = [git, "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", *arguments]
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode in (0, 1) else None
