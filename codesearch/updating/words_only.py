"""Files that are searched by words alone: generated pages, and what ``.gitattributes`` calls generated.

Their chunks wait for no vector. The list is kept from refresh to refresh, as files that stay as they are
are not opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codesearch.storage.store import Store

__all__ = ["note", "settle"]

_KEY = "generated_pages"


def note(store: Store, read: Iterable[str], generated: Iterable[str]) -> None:
    """Keep which of the files that were read are generated; what is known of the others stays."""
    known = set(json.loads(store.meta(_KEY) or "[]"))
    store.set_meta(_KEY, json.dumps(sorted((known - set(read)) | set(generated))))


def settle(store: Store, declared: Iterable[str], *, embed: bool = False) -> int:
    """Let the chunks of generated files wait for no vector; how many are left to their words.

    ``embed``: let all chunks wait for one, whoever wrote them.
    """
    if embed:
        store.await_vectors()
        return 0
    paths = {*json.loads(store.meta(_KEY) or "[]"), *declared}
    return store.leave_to_words(sorted(paths)) if paths else 0
