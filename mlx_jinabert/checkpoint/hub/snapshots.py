"""One repository's part of the shared Hub cache: what is there, and what of it was verified as complete.

The cache belongs to ``huggingface_hub`` and is shared with other programs, which may have fetched only some
files. So a snapshot counts as complete only when a listing that ``fetch`` stored beside it says so.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeGuard

from mlx_jinabert.checkpoint.hub.files import Listing, listed_weights, read_listing, wanted, write_listing
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CachedRepository", "is_commit"]

_COMMIT = re.compile(r"[0-9a-f]{40}")
_RECORDS = ".mlx_jinabert"


def is_commit(revision: str | None) -> TypeGuard[str]:
    """Whether a revision names one commit for good, unlike a branch or tag."""
    return revision is not None and _COMMIT.fullmatch(revision) is not None


@dataclass(frozen=True, slots=True)
class CachedRepository:
    """``cache_dir`` None is the user's own cache (HF_HOME, HF_HUB_CACHE)."""

    repo_id: str
    cache_dir: Path | None
    weights_sha256: str | None = None
    """Of model.safetensors, where it is known: a snapshot that was verified against nothing does not do."""

    def file(self, name: str, revision: str | None) -> Path | None:
        """The cached file at a commit, or at the commit that a branch was last known to point to.

        Reads the documented layout, ``models--OWNER--NAME/{refs/BRANCH,snapshots/COMMIT/FILE}``, itself:
        the client takes 150 ms to import, which every start with a model in the cache would pay.
        """
        commit = revision if is_commit(revision) else self._commit_of(revision or "main")
        if commit is None:
            return None
        path = self._folder() / "snapshots" / commit / name
        return path if path.is_file() else None

    def _folder(self) -> Path:
        from huggingface_hub.constants import HF_HUB_CACHE

        return Path(self.cache_dir or HF_HUB_CACHE) / f"models--{self.repo_id.replace('/', '--')}"

    def _commit_of(self, branch: str) -> str | None:
        try:
            commit = (self._folder() / "refs" / branch).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
        return commit if is_commit(commit) else None

    def snapshot(self, revision: str | None) -> Path | None:
        """The folder of a revision, complete or not; its name is the commit."""
        config = self.file("config.json", revision)
        return config.parent if config else None

    def verified_snapshot(self, revision: str | None) -> Path | None:
        """The folder, if ``mark_verified`` was called for it and every file still has its size."""
        folder = self.snapshot(revision)
        listing = read_listing(_record(folder)) if folder else None
        if folder is None or listing is None or listing.repo_id != self.repo_id:
            return None
        if self.weights_sha256 and listed_weights(listing) != self.weights_sha256:
            return None
        return folder if all(_has_size(folder / file.name, file.size) for file in wanted(listing)) else None

    def mark_verified(self, folder: Path, listing: Listing) -> None:
        """Note that every wanted file of the listing is in the folder with the right hash."""
        write_listing(_record(folder), listing)

    def discard(self, file: Path) -> None:
        """Delete a damaged file: the snapshot's entry and the blob that it points to."""
        blob = file.resolve()
        file.unlink(missing_ok=True)
        if blob.parent.name == "blobs":  # elsewhere it is no entry of this cache
            blob.unlink(missing_ok=True)


def _record(folder: Path) -> Path:
    """``models--owner--name/snapshots/COMMIT`` -> ``models--owner--name/.mlx_jinabert/COMMIT.json``."""
    return folder.parent.parent / _RECORDS / f"{folder.name}.json"


def _has_size(path: Path, size: int | None) -> bool:
    try:
        return size is None or path.stat().st_size == size
    except OSError:
        return False
