"""A symbol's name -> the one chunk that defines it.

Within a file the best definition is taken. In the whole index a name has to be unique: code that is
"similar to Client" means one Client, and which of several is for the caller to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from codesearch.errors import BadQuery
from codesearch.records import Chunk, StoredChunk
from codesearch.searching.query import Name
from codesearch.searching.signals.signals import definition_grade, within

if TYPE_CHECKING:
    from codesearch.searching.several.union import UnionStore
    from codesearch.storage.store import Store

__all__ = ["definition_in", "only_definition"]

_SEPARATOR = re.compile(r"::|->|[.#]")
_LISTED = 10


def definition_in(store: Store | UnionStore, path: str, symbol: str) -> StoredChunk:
    """The best definition of a symbol in a file (exact case first). BadQuery where there is none."""
    name = _name_of(symbol)
    graded = [(definition_grade(c.chunk, name, fold_case=True), c) for c in store.chunks_of(path)]
    grade, best = max(graded, key=lambda pair: pair[0], default=(0.0, None))
    if not grade or best is None:
        raise BadQuery(f"{path} defines no {symbol}; give a line instead, FILE:LINE")
    return best


def only_definition(store: Store | UnionStore, symbol: str) -> StoredChunk:
    """The one definition of a symbol in the index. BadQuery where there is none, or lists the several."""
    name = _name_of(symbol)
    found = list(store.chunks(store.define([name.last])).values())
    if name.scope:
        found = [c for c in found if within(c.chunk, name.scope[-1])]
    found = [c for c in found if name.last in c.chunk.definitions] or found
    # A definition of its own counts before a chunk that holds it among others.
    found = [c for c in found if _is_about(c.chunk, name)] or found
    if len(found) == 1:
        return found[0]
    if not found:
        raise BadQuery(
            f"nothing in this index defines {symbol}; give FILE:LINE or FILE#SYMBOL, or - to read code"
        )
    raise BadQuery(
        f"{symbol} is defined in {len(found)} places: {_listed(found, name)}; "
        "give one of them, as FILE:LINE or FILE#SYMBOL"
    )


def _name_of(symbol: str) -> Name:
    *scope, last = [part for part in _SEPARATOR.split(symbol) if part] or [symbol]
    return Name(last, tuple(scope))


def _is_about(chunk: Chunk, name: Name) -> bool:
    return chunk.symbol.casefold() == name.last.casefold() and chunk.symbol in chunk.definitions


def _listed(found: Sequence[StoredChunk], name: Name) -> str:
    places = sorted((c.chunk.path, _line_of(c.chunk, name)) for c in found)
    shown = [f"{path}:{line}" for path, line in places[:_LISTED]]
    return ", ".join([*shown, "..."] if len(places) > _LISTED else shown)


def _line_of(chunk: Chunk, name: Name) -> int:
    """The first line of the chunk that holds the name."""
    written = re.search(rf"\b{re.escape(name.last)}\b", chunk.text, re.IGNORECASE)
    return chunk.start_line + (chunk.text.count("\n", 0, written.start()) if written else 0)
