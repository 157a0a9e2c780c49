"""Candidates that a query names, whether or not the full text or the vectors found them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from codesearch.records import ChunkRef
from codesearch.searching.question.query import Query
from codesearch.searching.signals.declared import declared_grade
from codesearch.searching.signals.signals import within
from codesearch.searching.signals.signs import bearing, signs_in
from codesearch.searching.stores.protocol import Match, Scope, SearchStore

__all__ = ["named_by"]

_USES = 1_000  # of a name that nothing is known to define
_MAX_OF_OWNER = 5_000  # that are looked through for the owner that the query gives
_MAX_DEFINITIONS = 200  # of one name: more says that the name says little


def named_by(
    query: Query, store: SearchStore, scope: Scope, columns: Sequence[float], lexical: Sequence[Match]
) -> list[ChunkRef]:
    """Return the chunks in scope that define, hold or stand at what the query names.

    ``lexical`` are the candidates of the full text, ``columns`` weigh a search for more of them, as in
    ``SearchStore.lexical``. To be called inside ``snapshot()``.
    """
    names = [name.last for name in query.names]
    found = _defining(query, store, scope) if names else []
    if query.is_name and not found:  # one of its uses may be a declaration that nobody knows as such
        uses = store.lexical(query.asked_terms, _USES, columns, scope)
        found = _declaring([match.ref for match in uses[len(lexical) :]], names, store)
    return [*found, *_permitted(query.located, store, scope), *_with_operators(query, store, scope)]


def _defining(query: Query, store: SearchStore, scope: Scope) -> list[ChunkRef]:
    """Return chunks that define a name of the query; of a very common one, those of its owner too."""
    owners = [name.scope[-1] for name in query.names if name.scope]
    limit = _MAX_OF_OWNER if owners else _MAX_DEFINITIONS
    found = store.definitions([name.last for name in query.names], scope, limit)
    first, others = found[:_MAX_DEFINITIONS], found[_MAX_DEFINITIONS:]
    chunks = store.chunks(others).items()
    return [*first, *(ref for ref, chunk in chunks if any(within(chunk, owner) for owner in owners))]


def _declaring(refs: Sequence[ChunkRef], names: Sequence[str], store: SearchStore) -> list[ChunkRef]:
    """Return those of the chunks that look as if they declared one of the names."""
    texts = store.chunks(refs)
    return [ref for ref, c in texts.items() if any(declared_grade(c.text, name) for name in names)]


def _permitted(refs: Sequence[ChunkRef], store: SearchStore, scope: Scope) -> list[ChunkRef]:
    if not refs or (not scope.filter and scope.only is None):
        return list(refs)
    allowed = {ref for ref, _ in store.texts(scope)}
    return [ref for ref in refs if ref in allowed]


def _with_operators(query: Query, store: SearchStore, scope: Scope) -> list[ChunkRef]:
    """Return the chunks that declare an operator of the question, else those that hold it."""
    if not (signs := signs_in(query)):
        return []
    texts = ((ref, text.text) for ref, text in store.texts(scope))
    return list(islice(bearing(texts, signs), _MAX_DEFINITIONS))
