"""The files that the last refresh left out, for ``status`` and for searches that find nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from codesearch.files.walk import MAX_NAMED

if TYPE_CHECKING:
    from codesearch.storage.store import Store

__all__ = ["news", "read", "write"]

_KEY = "left_out"
_UNREMARKABLE = ("hidden", "ignored")
"""Reasons that come last: they are as the user or the project has said."""


def write(store: Store, reasons: Mapping[str, str]) -> None:
    """Keep path -> reason of at most ``MAX_NAMED`` entries, the surprising ones first."""
    ordered = sorted(reasons.items(), key=lambda item: (item[1] in _UNREMARKABLE, item[0]))
    store.set_meta(_KEY, json.dumps(dict(ordered[:MAX_NAMED])))


_ELSEWHERE = {
    "nested repository": "is a repository of its own, with an index of its own",
    "symlink": "is a link to a folder elsewhere, which is not followed (--follow enters it)",
}
_MOST_NEWS = 3


def news(store: Store, reasons: Mapping[str, str]) -> list[str]:
    """Say of folders that are left out for the first time how they are searched; of each once."""
    known = read(store)
    new = [path for path, reason in reasons.items() if path.endswith("/") and reason in _ELSEWHERE]
    new = sorted(path for path in new if path not in known)
    said = [f"{path} {_ELSEWHERE[reasons[path]]}: codesearch QUERY {path}" for path in new[:_MOST_NEWS]]
    more = len(new) - _MOST_NEWS
    return [*said, f"{more:,} more folders like that (codesearch status --skipped)"] if more > 0 else said


def read(store: Store) -> dict[str, str]:
    """Path -> reason; folders end with a slash. Empty before the first whole refresh."""
    return dict(json.loads(store.meta(_KEY) or "{}"))
