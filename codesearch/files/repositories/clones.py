"""Repositories by URL: a shallow clone in a private folder, made and updated by the user's own git.

git runs without hooks, submodules and content filters (Git LFS files stay pointers), asks no questions, and
speaks only the protocols below. Nothing of a clone is executed. Clones that were not asked for longest are
deleted when all of them together take more than ``MOST_BYTES``.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import urlsplit, urlunsplit

from codesearch.errors import BadQuery, CodesearchError
from codesearch.files.repositories.addresses import PROTOCOLS
from codesearch.files.repositories.git import git_command, installed
from codesearch.quick_dataclass import dataclass

__all__ = ["Address", "checkout"]

_log = logging.getLogger("codesearch")

MOST_BYTES = 5 << 30
FRESH_SECONDS = 600
"""A branch that was fetched so recently is not asked for again."""
_TIMEOUT_SECONDS = 600
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_IDLE = re.compile(r"warning:|hint:|remote:\s*$|$", re.IGNORECASE)
_MOST_SAID = 300
_NO_FILTERS = ("filter.lfs.smudge=", "filter.lfs.process=", "filter.lfs.required=false")


@dataclass(frozen=True, slots=True)
class Address:
    """``https://host/owner/repo`` or ``https://host/owner/repo@ref``."""

    url: str
    ref: str
    """Branch, tag or commit; "HEAD" for the repository's own choice."""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Split the reference off. BadQuery for an address that git would not take."""
        parts = urlsplit(text)
        path, at, ref = parts.path.rpartition("@")
        if not at:
            path, ref = parts.path, "HEAD"
        complete = path.strip("/") and (parts.scheme == "file" or parts.hostname)
        if not complete or not ref or ref.startswith("-"):
            raise BadQuery(
                f"{text} is no address of a repository; expected https://host/owner/repo or .../repo@branch"
            )
        return cls(urlunsplit((parts.scheme, parts.netloc, path, parts.query, "")), ref)

    @property
    def shown(self) -> str:
        """The address without what lets somebody in: over HTTP a token may stand where the user does."""
        return re.sub(r"^(https?://)[^/@]+@|(://[^/@:]*:)[^/@]*@", r"\1\2***@", self.url)

    @property
    def folder_name(self) -> str:
        """Readable, and different for every address."""
        parts = urlsplit(self.url)
        name = f"{parts.hostname or ''}{parts.path}".removesuffix(".git")
        readable = re.sub(r"[^\w.-]+", "+", name).strip("+")[-100:]
        digest = hashlib.sha256(f"{self.url}\0{self.ref}".encode()).hexdigest()[:8]
        return f"{readable}-{digest}"


def checkout(text: str, home: Path) -> Path:
    """The work tree of an address below ``home``: cloned once, fetched again when it may be out of date.

    Raises:
        BadQuery: no such address. CodesearchError: git is missing, or could not clone; it says why.
    """
    address = Address.parse(text)
    tree = home / address.folder_name
    if (tree / ".git").is_dir():
        _update(tree, address)
        os.utime(tree)
        return tree
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = Path(mkdtemp(prefix=".clone-", dir=home))
    try:
        _git(unfinished, "init", "--quiet", "--template=")
        _fetch(unfinished, address)
        try:
            unfinished.rename(tree)
        except OSError:  # another process was faster
            if not (tree / ".git").is_dir():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    _make_room(home, tree)
    return tree


def _update(tree: Path, address: Address) -> None:
    """Fetch a branch that may have moved. A failure keeps the clone as it is, with a word."""
    fetched = tree / ".git" / "FETCH_HEAD"
    if _COMMIT.fullmatch(address.ref) or (
        fetched.exists() and time.time() - fetched.stat().st_mtime < FRESH_SECONDS
    ):
        return
    try:
        _fetch(tree, address)
    except CodesearchError as error:
        _log.warning("%s; searching the clone as it is", error)


def _fetch(tree: Path, address: Address) -> None:
    try:
        _git(tree, "fetch", "--quiet", "--depth=1", "--no-tags", "--force", "--", address.url, address.ref)
    except CodesearchError as error:
        of = "" if address.ref == "HEAD" else f" ({address.ref})"
        raise CodesearchError(
            f"{address.shown}{of} cannot be cloned: {error}; check address and @branch, and that "
            f"`git ls-remote {address.shown}` answers; or give the folder of a clone"
        ) from error
    _git(tree, "checkout", "--quiet", "--force", "--detach", "FETCH_HEAD")


def _git(folder: Path, *arguments: str) -> None:
    git = installed()
    if git is None:
        raise CodesearchError("git is not installed; clone the repository and give its folder")
    filters = [part for setting in _NO_FILTERS for part in ("-c", setting)]
    words, environment = git_command(git, *filters, *arguments, protocols=PROTOCOLS)
    environment |= {"GIT_LFS_SKIP_SMUDGE": "1", "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CodesearchError(f"git {arguments[0]} took more than {_TIMEOUT_SECONDS} s") from error
    if done.returncode:
        raise CodesearchError(f"git {arguments[0]} failed: {_reason(done.stderr) or done.returncode}")


def _reason(said: str) -> str:
    """Return what git and its helpers complained of first; what follows is advice for other cases."""
    told = [line.strip() for line in said.splitlines() if not _IDLE.match(line.strip())]
    end = next((at for at, line in enumerate(told) if line.startswith("fatal:")), len(told))
    return "; ".join(told[: end + 1][-3:])[-_MOST_SAID:]


def _make_room(home: Path, keep: Path) -> None:
    """Delete the clones that were not asked for longest until the rest fits."""
    clones = [path for path in home.iterdir() if path.is_dir() and not path.name.startswith(".")]
    left = sum(sizes := [_bytes(path) for path in clones])
    for _, size, path in sorted(zip([p.stat().st_mtime for p in clones], sizes, clones, strict=True)):
        if left <= MOST_BYTES:
            return
        if path != keep:
            shutil.rmtree(path, ignore_errors=True)
            left -= size


def _bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
