"""The one private folder of this user's indexes: ``$CODESEARCH_HOME``, or the user's cache folder.

Its own file, because the thin client of the resident process needs nothing else of the storage.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["index_home"]


def index_home() -> Path:
    """The folder (absolute; it need not exist)."""
    configured = os.environ.get("CODESEARCH_HOME")
    if not configured:
        import platformdirs

        configured = platformdirs.user_cache_dir("codesearch", appauthor=False)
    return Path(configured).expanduser().absolute()
