"""The private folder of this user's indexes: ``$CODESEARCH_HOME``, or below the user's cache folder.

Its own file, because the thin client of the resident process needs nothing else of the storage.
"""

from __future__ import annotations

import os
from pathlib import Path

from codesearch.errors import CodesearchError

__all__ = ["index_home"]


def index_home() -> Path:
    """The folder (absolute; it need not exist). CodesearchError where it is of a user who has none."""
    configured = os.environ.get("CODESEARCH_HOME")
    if not configured:
        import platformdirs

        configured = platformdirs.user_cache_dir("codesearch", appauthor=False)
    try:
        return Path(configured).expanduser().absolute()
    except RuntimeError as error:
        raise CodesearchError(f"CODESEARCH_HOME is {configured}: {error}; give a folder") from error
