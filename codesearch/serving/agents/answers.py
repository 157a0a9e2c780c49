"""Answers for agents: refresh the index briefly, search, and say how complete the index is.

An answer never waits for a whole index: what is not embedded yet is found by its words, what is not read yet
is missing, and the answer says how much that is, while the work goes on in the background.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from codesearch.errors import BadQuery, CodesearchError, IndexBusy
from codesearch.files.language_of import language_of
from codesearch.files.repositories.roots import canonical
from codesearch.index.index import Index
from codesearch.quick_dataclass import dataclass
from codesearch.records import Hit
from codesearch.serving.agents.allowed import AllowedFolders
from codesearch.serving.agents.arguments import Search, Similar
from codesearch.serving.resident.keeper import Keeper
from codesearch.serving.resident.pool import IndexPool
from codesearch.storage.folders.locations import Location

if TYPE_CHECKING:
    from codesearch.searching.references.find import Reference
    from codesearch.searching.request import Kind

__all__ = ["Answers", "Found", "Progress"]

Progress = Callable[[str, int, int], None]
"""``progress(stage, done, total)``, as ``Index.refresh`` calls it."""

_WAIT_SECONDS = 0.7
"""For a refresh before a search; the index answers with what it has by then."""
_WAIT_FOR_VECTORS_SECONDS = 6.0
"""Before ``similar``, which needs vectors."""


@dataclass(frozen=True, slots=True)
class Found:
    """An answer, before it is cut to its budget."""

    query: str
    root: str
    model: str
    files: int
    embedded: int
    total: int
    age: float | None
    """Seconds since the index was known to be what is on disk; None: it is not all read yet."""
    hits: tuple[Hit, ...]
    notes: tuple[str, ...] = ()


class Answers:
    """Search and find similar code, for both tools. Any thread may ask."""

    def __init__(self, pool: IndexPool, keeper: Keeper) -> None:
        self._pool = pool
        self._keeper = keeper

    def search(self, asked: Search, allowed: AllowedFolders, progress: Progress) -> Found:
        """CodesearchError for what cannot be asked, or not here."""
        location = allowed.locate(asked.path)
        with self._pool.lend(location, None, {}, create=True) as index:
            notes = self.refresh(index, location, progress, _WAIT_SECONDS)
            if asked.uses_of:
                return self._uses(index, location, asked, notes)
            counts = index.counts()
            hits = index.search(
                asked.query,
                limit=asked.limit,
                mode="hybrid" if counts.embedded and asked.query.strip() else "lexical",
                languages=list(asked.languages) or None,
                globs=list(asked.globs) or None,
                pattern=asked.regex,
                under=(location.under,) if location.under else (),
                kind=cast("Kind", asked.kind),
                fold=bool(asked.query.strip()),
            )
            return self._found(index, location, asked.query, hits, notes)

    def _uses(self, index: Index, location: Location, asked: Search, notes: list[str]) -> Found:
        assert asked.uses_of is not None
        found = index.references(
            asked.uses_of,
            limit=asked.limit,
            languages=list(asked.languages) or None,
            globs=list(asked.globs) or None,
            under=(location.under,) if location.under else (),
        )
        if not found.complete:
            notes.append(f"there are more than {asked.limit} uses; raise limit, or narrow with path or globs")
        hits = [_as_hit(place) for place in (*found.definitions, *found.uses)]
        return self._found(index, location, f"uses of {asked.uses_of}", hits, notes)

    def similar(self, asked: Similar, allowed: AllowedFolders, progress: Progress) -> Found:
        """As ``search``."""
        location = allowed.locate(asked.path)
        with self._pool.lend(location, None, {}, create=True) as index:
            notes = self.refresh(index, location, progress, _WAIT_FOR_VECTORS_SECONDS)
            if not index.counts().embedded:
                raise BadQuery("nothing is embedded yet; ask again in some seconds, or use search meanwhile")
            hits = index.similar(
                self._file(index, allowed, asked.path),
                line=asked.line,
                limit=asked.limit,
                languages=list(asked.languages) or None,
                globs=list(asked.globs) or None,
                symbol=asked.symbol,
                code=asked.code,
                under=(),
            )
            what = asked.code or asked.symbol or f"{asked.path}:{asked.line}"
            return self._found(index, location, what, hits, notes)

    def refresh(
        self, index: Index, location: Location, progress: Progress, seconds: float = _WAIT_SECONDS
    ) -> list[str]:
        """Bring it up to date as far as the time allows; what the asker should know."""
        if self._keeper.is_current(location.directory):
            return []
        started = time.monotonic()
        notes: list[str] = []
        complete = False
        try:
            stats = index.refresh(progress, max_wait=seconds)
            complete = stats.complete
            notes += [note for note in stats.notes if complete]  # what is unfinished, the counts say
        except IndexBusy:
            notes.append("the index is being brought up to date elsewhere; this is what it held before")
        except CodesearchError as error:
            if not _holds_anything(index):
                raise
            notes.append(str(error))
        self._keeper.asked(location, started, complete)
        return notes

    def _found(
        self, index: Index, location: Location, query: str, hits: list[Hit], notes: list[str]
    ) -> Found:
        counts = index.counts()
        return Found(
            query=query,
            root=str(index.root),
            model=index.model,
            files=counts.files,
            embedded=counts.embedded,
            total=counts.to_embed,
            age=self._keeper.age(location.directory),
            hits=tuple(hits),
            notes=tuple(notes),
        )

    @staticmethod
    def _file(index: Index, allowed: AllowedFolders, path: str | None) -> Path | None:
        """The file that a place is in; None where a folder or nothing is given."""
        if path is None:
            return None
        target = canonical(allowed.resolve(path))
        return None if target.is_dir() else target


def _as_hit(place: Reference) -> Hit:
    """A reference as a hit of one line: its use as the kind, what is around it as the symbol."""
    language, text = language_of(place.path), f"{place.text}\n"
    return Hit(place.root, place.path, place.line, place.line, language, place.use, place.symbol, 1.0, text)


def _holds_anything(index: Index) -> bool:
    try:
        return index.counts().chunks > 0
    except CodesearchError:
        return False
