"""From paths and flags to an open, refreshed index, with its messages on stderr."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codesearch import caller
from codesearch.errors import BadQuery, CodesearchError, IndexBusy
from codesearch.shell.progress import Display
from codesearch.shell.terminal import say

if TYPE_CHECKING:
    from codesearch.index.index import Index
    from codesearch.records import Stats

__all__ = [
    "Opened",
    "Request",
    "existing",
    "holds_anything",
    "home_of",
    "languages_of",
    "opened",
    "path_in",
    "refresh_before_search",
    "refreshed",
]


_LOCK_WAIT_SECONDS = 10.0  # for another process that is writing


@dataclass(frozen=True, slots=True)
class Request:
    """Which index, and how."""

    paths: tuple[str, ...] = (".",)
    model: str | None = None
    root_here: bool = False
    hidden: bool | None = None
    ignore: bool | None = None
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """An index, and the parts of its root that were asked for (empty: all of it)."""

    index: Index
    under: tuple[str, ...]


@contextmanager
def opened(request: Request, *, create: bool = True) -> Iterator[Opened]:
    """The one index that all the paths belong to. BadQuery where they belong to several."""
    from codesearch.index.opening import open_index
    from codesearch.storage.locations import locate

    paths = request.paths or (".",)
    places = [locate(path, here=request.root_here) for path in paths]
    roots = sorted({str(place.root) for place in places})
    if len(roots) > 1:
        raise BadQuery(f"the paths belong to different roots ({', '.join(roots)}); search one root at a time")
    parts = tuple(place.under for place in places)
    with open_index(
        paths[0],
        request.model,
        here=request.root_here,
        allow_large=request.yes,
        hidden=request.hidden,
        ignore=request.ignore,
        create=create,
    ) as index:
        yield Opened(index, () if "" in parts else parts)


def refreshed(
    index: Index,
    *,
    max_wait: float | None = None,
    vectors: bool = True,
    rebuild: bool = False,
    lock_wait: float = _LOCK_WAIT_SECONDS,
) -> Stats:
    """Bring the index up to date, with progress."""
    with Display(f"indexing {index.root}") as display:
        return index.refresh(
            display, max_wait=max_wait, vectors=vectors, rebuild=rebuild, lock_wait=lock_wait
        )


def refresh_before_search(index: Index, max_wait: float | None, mode: str, name: str = "") -> None:
    """The quiet refresh that precedes a search; another writer is no reason not to answer.

    ``name`` says in messages which index it is, where there are several.
    """
    try:
        # Where there is something to search, an answer now is worth more than the newest one.
        patience = 1.0 if holds_anything(index) else _LOCK_WAIT_SECONDS
        stats = refreshed(index, max_wait=max_wait, vectors=mode != "lexical", lock_wait=patience)
    except IndexBusy as busy:
        who = f"process {busy.pid}" if busy.pid else "another process"
        say(f"{who} is refreshing {name or 'this index'}; answering from what is there")
        return
    for note in stats.notes:
        say(f"note: {name}: {note}" if name else f"note: {note}")


def holds_anything(index: Index) -> bool:
    """Whether a search could find something."""
    try:
        return index.counts().chunks > 0
    except CodesearchError:  # damaged: the refresh will rebuild it
        return False


def existing(query: str, paths: Sequence[str]) -> tuple[str, ...]:
    """The paths as given. UsageError for one that is not there: most likely an unquoted query."""
    from codesearch.files.clones import is_address
    from codesearch.storage.locations import list_indexes

    for path in paths:
        if is_address(path) or caller.path(path).exists():
            continue
        if any(entry.root == caller.path(path).absolute() for entry in list_indexes()):
            continue  # the tree is gone, its index is not
        words = " ".join((query, *paths))
        raise click.UsageError(
            f'no such file or folder: {path}; to ask for several words, quote the query: codesearch "{words}"'
        )
    return tuple(paths)


def home_of(file: str) -> str:
    """What to open for a file: itself, or outside of a repository the current folder, if it lies below."""
    from codesearch.files.roots import canonical
    from codesearch.storage.locations import locate

    here, target = canonical(caller.folder()), canonical(Path(file))
    loose = locate(file).root == target.parent
    return str(here) if loose and here in target.parents else file


def path_in(index: Index, file: str) -> str:
    """The path of a file relative to the index's root, with ``/``. BadQuery if it lies elsewhere."""
    from codesearch.files.roots import canonical

    target = canonical(Path(file))
    if index.root not in target.parents:
        raise BadQuery(f"{file} is not in {index.root}")
    return target.relative_to(index.root).as_posix()


def languages_of(types: Sequence[str]) -> list[str] | None:
    """``-t py,js -t rust`` as language names, None where nothing is given. BadQuery for an unknown one."""
    from codesearch.languages import canonical_language

    names = [name.strip() for given in types for name in given.split(",")]
    return [canonical_language(name) for name in names if name] or None
