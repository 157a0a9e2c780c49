"""Record finished shards, one small file each, so that a stopped run continues where it was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from uuid import UUID

from codesearch.distributed.corpus.work import Done
from codesearch.storage.folders.filesystem import replace_atomically

__all__ = ["Ledger"]


class Ledger:
    """A folder. What is not in it is done again, which changes nothing in the engine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read(self, digest: str) -> Done | None:
        """Return what was written for a shard; None if it is not done, or its file is damaged."""
        try:
            found = json.loads((self._folder / digest).read_text(encoding="ascii"))
            chunks = {str(root): tuple(map(UUID, names)) for root, names in found["chunks"].items()}
            return Done(digest, chunks, int(found["embedded"]))
        except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
            return None

    def note(self, done: Done) -> None:
        """Write a shard down. Whole or not at all."""
        chunks = {root: [str(name) for name in names] for root, names in done.chunks.items()}
        temporary = self._folder / f".{done.digest}.{os.getpid()}"
        temporary.write_text(json.dumps({"chunks": chunks, "embedded": done.embedded}), encoding="ascii")
        replace_atomically(temporary, self._folder / done.digest)

    def keep(self, digests: set[str]) -> None:
        """Forget every other shard: its files have changed, or are gone."""
        for path in self._folder.iterdir():
            if path.name not in digests:
                path.unlink(missing_ok=True)
