"""A search over the roots of all its paths: what goes wrong with one is a note, and the others answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codesearch.errors import CodesearchError
from codesearch.shell.commands import session
from codesearch.shell.terminal import one_line, say

if TYPE_CHECKING:
    from codesearch.index.index import Index
    from codesearch.index.several import Indexes

__all__ = ["Searched", "each_root", "opened", "refresh_before_search"]


@dataclass(frozen=True, slots=True)
class Searched:
    """What is searched: an index and parts of it, or several indexes, which know their parts."""

    index: Index | Indexes
    under: tuple[str, ...] = ()


@contextmanager
def opened(request: session.Request, *, create: bool = True) -> Iterator[Searched]:
    """The indexes of all roots that the paths belong to."""
    from codesearch.index.several import open_indexes

    if len(each_root(request)) == 1:
        with session.opened(request, create=create) as one:
            yield Searched(one.index, one.under)
        return
    with open_indexes(
        request.paths,
        request.model,
        here=request.root_here,
        allow_large=request.yes,
        hidden=request.hidden,
        ignore=request.ignore,
        create=create,
        on_problem=_Notes(),
    ) as several:
        yield Searched(several)


def each_root(request: session.Request) -> list[str]:
    """For each root that the paths belong to the first path in it. BadQuery for one that is not there."""
    from codesearch.storage.locations import locate

    first: dict[Path, str] = {}
    for path in request.paths or (".",):
        first.setdefault(locate(path, here=request.root_here).root, path)
    return list(first.values())


def refresh_before_search(place: Searched, max_wait: float | None, mode: str) -> None:
    """Each index in its share of the time that is left; an error only where none holds anything."""
    from codesearch.index.index import Index

    if isinstance(place.index, Index):
        session.refresh_before_search(place.index, max_wait, mode)
        return
    from codesearch.index.several import shares

    several, failed = place.index, list[CodesearchError]()
    for index, seconds in zip(several.indexes, shares(max_wait, len(several.indexes)), strict=True):
        name = one_line(str(index.root))
        try:
            session.refresh_before_search(index, seconds, mode, name)
        except CodesearchError as error:
            several.tell(index.root, error)
            failed.append(error)
    if len(failed) == len(several.indexes) and not any(map(session.holds_anything, several.indexes)):
        raise failed[0]


class _Notes:
    """Problems on stderr, each once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(self, root: Path, error: CodesearchError) -> None:
        note = f"note: {one_line(str(root))}: {one_line(str(error))}"
        if note not in self._said:
            self._said.add(note)
            say(note)
