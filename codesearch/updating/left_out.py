"""Files that the last refresh left out, by name: for ``status``, and for searches that find nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from codesearch.files.walk import MAX_NAMED

if TYPE_CHECKING:
    from codesearch.storage.store import Store

__all__ = ["read", "write"]

_KEY = "left_out"
_UNREMARKABLE = ("hidden", "ignored")
"""Reasons that come last: they are as the user or the project has said."""


def write(store: Store, reasons: Mapping[str, str]) -> None:
    """Keep path -> reason of at most ``MAX_NAMED`` entries, the surprising ones first."""
    ordered = sorted(reasons.items(), key=lambda item: (item[1] in _UNREMARKABLE, item[0]))
    store.set_meta(_KEY, json.dumps(dict(ordered[:MAX_NAMED])))


def read(store: Store) -> dict[str, str]:
    """Path -> reason; folders end with a slash. Empty before the first whole refresh."""
    return dict(json.loads(store.meta(_KEY) or "{}"))
