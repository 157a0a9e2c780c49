"""Find the root that a path belongs to.

Two spellings of one folder must lead to one index. So a root is its resolved path, and on file
systems that fold case or normalise Unicode (macOS, Windows, some Linux folders) it carries the
spelling that the disk holds, not the one that was typed. git itself is never run.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from codesearch import caller
from codesearch.files.content.regular import read_regular

__all__ = ["canonical", "git_top_level", "is_wide", "stored_name"]

_POINTER_BYTES = 8192


def canonical(path: Path) -> Path:
    """``path`` resolved, absolute and spelled as on disk; parts that do not exist stay as typed."""
    resolved = caller.path(_expanded(path)).resolve()
    spelled = Path(resolved.anchor)
    for name in resolved.parts[1:]:
        spelled = spelled / (_listed_name(spelled, name) if _folds(spelled / name) else name)
    return spelled


def _expanded(path: Path) -> Path:
    """With the home of the user that it names; where there is no such user, it is the name of a file."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def stored_name(name: str, listed: Iterable[str]) -> str:
    """The entry of a folder that ``name`` means on a folding file system; else ``name``."""
    names = set(listed)
    if name in names:
        return name
    return next((entry for entry in sorted(names) if _folded(entry) == _folded(name)), name)


def git_top_level(path: Path) -> Path | None:
    """The nearest folder at or above ``path`` that is a git work tree (linked ones included).

    A home folder under git (dotfiles) is the top level of itself only: it must not swallow every
    folder below it that has no repository of its own, which git would do.
    """
    home = home_folder()
    for folder in (path, *path.parents):
        if _is_work_tree(folder):
            return folder if folder == path or folder != home else None
    return None


def is_wide(root: Path) -> bool:
    """Whether ``root`` is the user's home, or a folder that holds it, such as ``/``."""
    home = home_folder()
    return root == home or root in home.parents or root == Path(root.anchor)


def home_folder() -> Path:
    """The user's home, resolved as a root is; the file system's root for a user who has none."""
    try:
        return canonical(Path.home())
    except RuntimeError:
        return Path(Path.cwd().anchor)


def _is_work_tree(folder: Path) -> bool:
    git = folder / ".git"
    try:
        if git.is_dir():
            return (git / "HEAD").exists()
        pointer = read_regular(git, _POINTER_BYTES)  # of a linked work tree or a submodule
        return pointer is not None and pointer.startswith(b"gitdir: ")
    except OSError:
        return False


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _folds(path: Path) -> bool:
    """Whether the disk takes another spelling of the last part for the same entry."""
    name = path.name
    others = {name.swapcase(), *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))} - {name}
    return any(_is_same(path, path.with_name(other)) for other in others)


def _is_same(path: Path, other: Path) -> bool:
    try:
        return os.path.samestat(path.lstat(), other.lstat())
    except OSError:
        return False


def _listed_name(folder: Path, name: str) -> str:
    try:
        return stored_name(name, (entry.name for entry in folder.iterdir()))
    except OSError:
        return name
