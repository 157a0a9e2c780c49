"""The references of a name, and the relations of a definition, from the chunks of a store.

Nothing of it is stored: the full text gives the chunks that hold the name, and each is read when it is asked
for. So an index is no larger for it, and an answer is as fresh as the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codesearch.errors import BadQuery
from codesearch.files.languages import is_code
from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk, ChunkRef
from codesearch.searching.question.query import Name
from codesearch.searching.references.occurrences import Use, called_names, defining_line, occurrences
from codesearch.searching.signals.definition_places import name_of
from codesearch.searching.signals.path_roles import is_test
from codesearch.searching.signals.signals import defines, last_component, within
from codesearch.searching.stores.protocol import EVERYTHING, Scope, SearchStore
from codesearch.storage.lexical.tokens import tokenize

__all__ = ["Reference", "References", "Relations", "find_references", "find_related"]

_CHUNKS = 5_000
"""Chunks that hold the word and are looked at; a name in more of them is a word of the language."""
_COLUMNS = (0.0, 0.0, 1.0)
_MOST_DEFINITIONS = 3
"""Of a name that is called: more says that nobody knows which one is meant."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A place that defines a name or uses it. Found by syntax, not by types."""

    root: str
    path: str
    line: int
    """1-based."""
    use: str
    """"definition", "call", "import" or "use"."""
    symbol: str
    """The definition around it, qualified; "" at the top level of a file."""
    is_test: bool
    text: str
    """The line, without the space around it."""


@dataclass(frozen=True, slots=True)
class References:
    """Where a name is defined and used."""

    name: str
    definitions: tuple[Reference, ...]
    uses: tuple[Reference, ...]
    """Product code first, then tests; by path and line."""
    complete: bool
    """False where there are more uses than were asked for."""


@dataclass(frozen=True, slots=True)
class Relations:
    """The callers, tests and callees of a definition."""

    name: str
    callers: tuple[Reference, ...]
    tests: tuple[Reference, ...]
    """Callers that are tests."""
    callees: tuple[Reference, ...]
    """Definitions of what it calls, where one name has few of them."""


def find_references(
    store: SearchStore,
    symbol: str,
    *,
    limit: int = 50,
    uses: Iterable[Use] = ("call", "import", "use"),
    scope: Scope = EVERYTHING,
) -> References:
    """Find where a name (``send``, ``Client.send``) is defined and used.

    A qualifier restricts the definitions alone: whose ``send`` is called, syntax does not say.

    Raises:
        BadQuery: what is no name.
    """
    name = _checked(symbol)
    with store.snapshot():
        definitions = tuple(_definitions(store, name, scope))
        found: list[Reference] = []
        for reference in _uses(store, name.last, frozenset(uses), scope):
            found.append(reference)
            if len(found) > limit:
                break
    return References(symbol, definitions, tuple(found[:limit]), len(found) <= limit)


def find_related(
    store: SearchStore, ref: ChunkRef, *, symbol: str | None = None, line: int | None = None, limit: int = 20
) -> Relations:
    """Find callers, tests and callees of a definition in a chunk; nothing where it holds none.

    ``symbol`` or ``line`` (1-based) says which, where the chunk holds several.
    """
    with store.snapshot():
        chunk = store.chunks([ref])[ref]
        found = _part(chunk, name_of(symbol).last if symbol else None, line)
        if found is None:
            return Relations("", (), (), ())
        calls = find_references(store, found.name, limit=4 * limit, uses=("call",)).uses
        callees = list(_callees(store, chunk, found.text))
    return Relations(
        found.name,
        tuple(call for call in calls if not call.is_test)[:limit],
        tuple(call for call in calls if call.is_test)[:limit],
        tuple(callees[:limit]),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the definitions of a chunk: its name, and the lines up to the next one."""

    name: str
    text: str


def _part(chunk: Chunk, symbol: str | None, line: int | None) -> _Part | None:
    names = dict.fromkeys(map(last_component, (*chunk.definitions, chunk.symbol)))
    starts = sorted((defining_line(chunk.text, name, chunk.language), name) for name in names if name)
    if not starts:
        return None
    if symbol is not None:
        at = next((at for at, (_, name) in enumerate(starts) if name == symbol), 0)
    elif line is not None:
        at = max((at for at, (first, _) in enumerate(starts) if chunk.start_line + first <= line), default=0)
    else:
        at = next((at for at, (_, name) in enumerate(starts) if name == last_component(chunk.symbol)), 0)
    ends = [first for first, _ in starts[at + 1 :] if first > starts[at][0]]
    lines = chunk.text.split("\n")
    return _Part(starts[at][1], "\n".join(lines[starts[at][0] : ends[0] if ends else None]))


def _checked(symbol: str) -> Name:
    name = name_of(symbol.strip())
    if not name.last or not tokenize(name.last) or any(c.isspace() for c in symbol.strip()):
        raise BadQuery(f"{symbol!r} is no name; expected one such as send or Client.send")
    return name


def _definitions(store: SearchStore, name: Name, scope: Scope) -> Iterator[Reference]:
    chunks = {
        ref: chunk
        for ref, chunk in store.chunks(store.definitions([name.last], scope)).items()
        if defines(chunk, name)
    }
    if name.scope:
        chunks = {ref: c for ref, c in chunks.items() if within(c, name.scope[-1])} or chunks
    for ref, chunk in sorted(chunks.items(), key=lambda pair: _place(*pair)):
        yield _definition(ref, chunk, name.last)


def _definition(ref: ChunkRef, chunk: Chunk, name: str) -> Reference:
    at = defining_line(chunk.text, name, chunk.language)
    text = chunk.text.split("\n")[at]
    inside = chunk.symbol and last_component(chunk.symbol) != name and text[:1].isspace()
    around = (*chunk.scope, chunk.symbol) if inside else chunk.scope
    return _reference(ref, chunk, at, "definition", ".".join((*around, name)))


def _uses(store: SearchStore, name: str, wanted: frozenset[Use], scope: Scope) -> Iterator[Reference]:
    """Yield the uses, those in product code first."""
    matches = store.lexical(tokenize(name)[:1], _CHUNKS, _COLUMNS, scope)
    chunks = store.chunks([match.ref for match in matches])
    holding = [
        (ref, chunk) for ref, chunk in chunks.items() if name in chunk.text and is_code(chunk.language)
    ]
    for ref, chunk in sorted(holding, key=lambda pair: _place(*pair)):
        own = any(last_component(defined) == name for defined in chunk.definitions)
        for found in occurrences(chunk.text, name, chunk.language, defines=own):
            if found.use in wanted:
                yield _reference(ref, chunk, found.line, found.use, _around(chunk))


def _callees(store: SearchStore, chunk: Chunk, text: str) -> Iterator[Reference]:
    for name in called_names(text, chunk.language):
        refs = store.definitions([name], limit=2 * _MOST_DEFINITIONS)
        chunks = {r: c for r, c in store.chunks(refs).items() if defines(c, Name(name))}
        if not is_test(chunk.path):
            chunks = {r: c for r, c in chunks.items() if not is_test(c.path)}
        if len(chunks) <= _MOST_DEFINITIONS:
            for ref, found in sorted(chunks.items(), key=lambda pair: _place(*pair)):
                yield _definition(ref, found, name)


def _reference(ref: ChunkRef, chunk: Chunk, line: int, use: str, symbol: str) -> Reference:
    text = chunk.text.split("\n")[line].strip()
    return Reference(ref.root, chunk.path, chunk.start_line + line, use, symbol, is_test(chunk.path), text)


def _around(chunk: Chunk) -> str:
    return ".".join((*chunk.scope, chunk.symbol) if chunk.symbol else chunk.scope)


def _place(ref: ChunkRef, chunk: Chunk) -> tuple[bool, str, str, int]:
    """Product code first, then tests."""
    return is_test(chunk.path), ref.root, chunk.path, chunk.start_byte
