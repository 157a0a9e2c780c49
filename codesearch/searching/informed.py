"""What only an index can add to a query: the places it names, its rarest terms, the spelling of a name."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from codesearch.records import ChunkRef, Filter
from codesearch.searching.question.places_in_query import Spot, spots_in
from codesearch.searching.question.query import Query
from codesearch.searching.signals.near_names import near_names
from codesearch.searching.stores.protocol import Scope, SearchStore
from codesearch.storage.lexical.tokens import tokenize

__all__ = ["informed"]

_TERMS_OF_ISSUE = 24  # more of them change nothing but the time that it takes
_SPECIAL = re.compile(r"([*?\[\]\\!#])")  # what a glob takes for more than itself


def informed(query: Query, store: SearchStore, columns: Sequence[float]) -> Query:
    """Return the query with what the store knows of it: places, telling terms, names meant by a typo.

    ``columns`` weigh a lexical search, as in ``SearchStore.lexical``. To be called inside ``snapshot()``.
    """
    query = replace(query, located=tuple(_located(query, store)))
    if query.is_long:
        return replace(query, chosen=_telling(query, store))
    return _respelt(query, store, columns)


def _located(query: Query, store: SearchStore) -> Iterator[ChunkRef]:
    """Yield the chunks at the places that a query names, each by the longest path that exists.

    In a long query only a stack trace names places; the innermost frame in an indexed file counts.
    """
    if query.is_long:
        yield from _innermost(query, store)
        return
    for spot in spots_in(query.text):
        held = [ref for root in store.roots if (ref := _at(store, root, spot)) is not None]
        yield from held or _below(store, spot)


def _innermost(query: Query, store: SearchStore) -> list[ChunkRef]:
    if not query.issue.is_printed:
        return []
    spots = spots_in(query.text)
    if query.issue.frames:  # Python prints the innermost frame last
        spots = spots[::-1]
    found = (ref for spot in spots for root in store.roots if (ref := _at(store, root, spot)))
    return [ref for ref in (next(found, None),) if ref is not None]


def _at(store: SearchStore, root: str, spot: Spot) -> ChunkRef | None:
    lines = dict.fromkeys((spot.middle, spot.first))  # a range may go on past the end of the file
    found = (store.chunk_at(root, path, line) for path in spot.suffixes() for line in lines)
    return next((ref for ref in found if ref is not None), None)


def _below(store: SearchStore, spot: Spot) -> list[ChunkRef]:
    """Return the chunks of files whose paths end like the named one, in the longest way that matches."""
    for path in spot.suffixes():
        pattern = _SPECIAL.sub(r"\\\1", path)
        refs = [ref for ref, _ in store.texts(Scope(Filter(globs=(f"**/{pattern}",))))]
        if refs:
            chunks = store.chunks(refs)
            return [ref for ref, c in chunks.items() if c.start_line <= spot.middle <= c.end_line]
    return []


def _telling(query: Query, store: SearchStore) -> dict[str, float]:
    """Return the terms of an issue that tell most: by where they stand in it, and how rare they are."""
    holding, rows = store.frequencies(query.all_terms)
    worth = {
        term: weight * math.log((rows + 1) / (holding[term] + 0.5))
        for term, weight in query.all_terms.items()
        if holding[term]
    }
    best = sorted(worth, key=lambda term: (-worth[term], term))[:_TERMS_OF_ISSUE]
    return {term: query.all_terms[term] for term in best}


def _respelt(query: Query, store: SearchStore, columns: Sequence[float]) -> Query:
    """Add to a name that nothing defines the defined names that it may stand for."""
    if not query.is_name or store.definitions([query.names[0].last], limit=1):
        return query
    name = query.names[0].last
    whole = tokenize(name)[:1]
    # A name that is used here, but defined elsewhere, is no typo.
    typos = bool(whole) and not store.lexical(whole, 1, columns)
    return replace(query, near=tuple(near_names(name, store.defined_names(), typos=typos)))
