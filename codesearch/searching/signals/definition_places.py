"""A symbol's name -> the one chunk that defines it.

Within a file the best definition is taken. In the whole index a name has to be unique: code that is
"similar to Client" means one Client, and which of several is for the caller to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from codesearch.errors import BadQuery
from codesearch.records import Chunk, ChunkRef
from codesearch.searching.question.query import Name
from codesearch.searching.signals.signals import definition_grade, within
from codesearch.searching.stores.protocol import SearchStore

__all__ = ["definition_in", "name_of", "only_definition", "shown_path"]

_SEPARATOR = re.compile(r"::|->|[.#]")
_LISTED = 10


def definition_in(store: SearchStore, root: str, path: str, symbol: str) -> ChunkRef:
    """Return the best definition of a symbol in a file (exact case first). BadQuery where there is none."""
    name = name_of(symbol)
    graded = [
        (definition_grade(chunk, name, fold_case=True), ref)
        for ref, chunk in store.chunks_of(root, path).items()
    ]
    grade, best = max(graded, key=lambda pair: pair[0], default=(0.0, None))
    if not grade or best is None:
        raise BadQuery(f"{shown_path(store, root, path)} defines no {symbol}; give a line instead, FILE:LINE")
    return best


def only_definition(store: SearchStore, symbol: str) -> ChunkRef:
    """Return the one definition of a symbol. BadQuery where there is none, or lists the several."""
    name = name_of(symbol)
    found = store.chunks(store.definitions([name.last]))
    if name.scope:
        found = {ref: c for ref, c in found.items() if within(c, name.scope[-1])}
    found = {ref: c for ref, c in found.items() if name.last in c.definitions} or found
    # A definition of its own counts before a chunk that holds it among others.
    found = {ref: c for ref, c in found.items() if _is_about(c, name)} or found
    if len(found) == 1:
        return next(iter(found))
    if not found:
        raise BadQuery(
            f"nothing in this index defines {symbol}; give FILE:LINE or FILE#SYMBOL, or - to read code"
        )
    places = [(shown_path(store, ref.root, c.path), _line_of(c, name)) for ref, c in found.items()]
    raise BadQuery(
        f"{symbol} is defined in {len(found)} places: {_listed(places)}; "
        "give one of them, as FILE:LINE or FILE#SYMBOL"
    )


def shown_path(store: SearchStore, root: str, path: str) -> str:
    """Return a path as messages name it: absolute where several roots are searched."""
    return path if len(store.roots) == 1 else f"{PurePath(root).as_posix()}/{path}"


def name_of(symbol: str) -> Name:
    """Read a symbol as it is written: the last component is the name, the others are its scope."""
    *scope, last = [part for part in _SEPARATOR.split(symbol) if part] or [symbol]
    return Name(last, tuple(scope))


def _is_about(chunk: Chunk, name: Name) -> bool:
    return chunk.symbol.casefold() == name.last.casefold() and chunk.symbol in chunk.definitions


def _listed(places: Sequence[tuple[str, int]]) -> str:
    shown = [f"{path}:{line}" for path, line in sorted(places)[:_LISTED]]
    return ", ".join([*shown, "..."] if len(places) > _LISTED else shown)


def _line_of(chunk: Chunk, name: Name) -> int:
    """The first line of the chunk that holds the name."""
    written = re.search(rf"\b{re.escape(name.last)}\b", chunk.text, re.IGNORECASE)
    return chunk.start_line + (chunk.text.count("\n", 0, written.start()) if written else 0)
