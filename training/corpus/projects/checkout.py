"""Bare clones: which commit, which licence, a work tree of it, and the last changes to its files.

A work tree is written from the object store, not by ``git archive``, whose ``export-ignore`` leaves out
the tests of many projects. Nothing of a repository is run: no hooks, no filters, no attributes of its own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from training.corpus.manifest import Entry
from training.corpus.projects.licences import LICENCE_FILE

__all__ = ["check_out", "fetch", "git", "head_commit", "licence_files", "mirror_of"]

HISTORY = 600
"""Commits that ``fetch`` brings: what the pairs from commit subjects are made of."""


def git(directory: Path, *arguments: str, environment: dict[str, str] | None = None) -> bytes:
    """What a git command on a bare repository prints. Raises CalledProcessError."""
    return _run(directory, arguments, environment or {}, check=True)


def _run(directory: Path, arguments: Sequence[str], environment: dict[str, str], check: bool) -> bytes:
    command = ["git", "-c", "core.hooksPath=/dev/null", f"--git-dir={directory}", *arguments]
    environment = {**os.environ, **environment}
    return subprocess.run(command, check=check, capture_output=True, env=environment, timeout=600).stdout


def mirror_of(name: str, mirrors: Path) -> Path | None:
    """The bare repository of ``owner/name`` under ``mirrors``, None where it is not there (yet)."""
    folder = mirrors / name.replace("/", "+")
    for candidate in (folder / "repo" / ".git", folder / "repo", folder):
        if (candidate / "HEAD").is_file() and (candidate / "objects").is_dir():
            return candidate
    return None


def head_commit(mirror: Path) -> str:
    """40 hex digits."""
    return git(mirror, "rev-parse", "HEAD").decode().strip()


def licence_files(mirror: Path, commit: str) -> dict[str, str]:
    """Texts of the files in the top folder that state the terms."""
    names = git(mirror, "ls-tree", "--name-only", commit).decode("utf-8", "replace").splitlines()
    found = {}
    for name in names:
        if LICENCE_FILE.match(name):
            kind = git(mirror, "cat-file", "-t", f"{commit}:{name}").strip()
            if kind == b"blob":
                found[name] = git(mirror, "cat-file", "blob", f"{commit}:{name}").decode("utf-8", "replace")
    return found


def check_out(mirror: Path, commit: str, destination: Path) -> Path:
    """The files of ``commit`` under ``destination``; at once if they are there already.

    A clone may lack objects (large files are left out of some): those files are missing here too.
    """
    done = destination / f".{commit}"
    if not done.exists():
        destination.mkdir(parents=True, exist_ok=True)
        index = {"GIT_INDEX_FILE": str(destination.absolute() / ".index")}
        git(mirror, "read-tree", commit, environment=index)
        command = (f"--work-tree={destination.absolute()}", "checkout-index", "-a", "-q", "-f")
        _run(mirror, command, index, check=False)
        done.touch()
    return destination


def _is_at(mirror: Path, commit: str) -> bool:
    try:
        return head_commit(mirror) == commit
    except subprocess.CalledProcessError:  # none, or one that was cut short
        return False


def fetch(entry: Entry, mirrors: Path) -> Path:
    """A bare clone of the entry's commit with some history; nothing happens where HEAD is at it."""
    mirror = mirrors / entry.folder
    if not _is_at(mirror, entry.commit):
        subprocess.run(["git", "init", "-q", "--bare", str(mirror)], check=True)
        git(mirror, "fetch", "-q", f"--depth={HISTORY}", entry.url, entry.commit)
        git(mirror, "update-ref", "--no-deref", "HEAD", entry.commit)
    return mirror
