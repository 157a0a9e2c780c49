"""Options that decide which files are left out."""

from __future__ import annotations

from pathlib import Path

from codesearch.quick_dataclass import dataclass

__all__ = ["DEFAULT_MAX_BYTES", "WalkOptions"]

DEFAULT_MAX_BYTES = 1_000_000
"""The largest file where nobody says another size: for data and prose. See ``content.source.size_limit``."""


@dataclass(frozen=True, slots=True)
class WalkOptions:
    """Options of ``walk``."""

    max_file_bytes: int = DEFAULT_MAX_BYTES
    hidden: bool = False
    """Take in names that begin with a dot (never ``.git``)."""
    ignore: bool = True
    """Follow ignore files and the list of what is never meant."""
    follow: bool = False
    """Enter links to folders that lie elsewhere."""
    max_files: int | None = None
    """More files than this raise TooManyFiles."""
    own_folders: tuple[Path, ...] = ()
    """Where indexes are kept: never entered, should they lie in the tree."""
