"""Identify a folder by whatever path leads to it: links, bind mounts, letter case."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["FolderIdentity", "OwnFolders", "identity"]

FolderIdentity = tuple[int, int]
"""Device and number of a folder."""


def identity(folder: bytes) -> FolderIdentity | None:
    """Return which folder it is; None for none. A real path costs a look at each part."""
    try:
        found = os.stat(folder)  # noqa: PTH116 - bytes
    except OSError:
        return None
    return found.st_dev, found.st_ino


class OwnFolders:
    """Folders of this program, which a walk leaves out."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._identities = {identity(os.fsencode(folder)) for folder in folders} - {None}
        self._held: set[bytes] = set()
        for folder in folders:
            with suppress(OSError):
                self._held.update(os.listdir(os.fsencode(folder)))  # noqa: PTH208 - bytes

    def hold(self, location: bytes, names: set[bytes]) -> bool:
        """Whether the folder at ``location``, which holds these names, is one of them.

        The names come first: they spare a look at nearly every folder of a tree.
        """
        if not self._identities or (names and names.isdisjoint(self._held)):
            return False
        return identity(location) in self._identities
