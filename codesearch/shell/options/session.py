"""Open and refresh the index that paths and flags name, with messages on stderr."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from codesearch import caller
from codesearch.errors import BadQuery, CodesearchError, IndexBusy, StorageFailed, counted
from codesearch.quick_dataclass import dataclass
from codesearch.rendering.terminal import say
from codesearch.shell.progress import Display

if TYPE_CHECKING:
    from codesearch.index.index import Index
    from codesearch.index.several import Indexes
    from codesearch.records import Stats

__all__ = [
    "OpenTarget",
    "Target",
    "check_line",
    "existing",
    "holds_anything",
    "home_of",
    "languages_of",
    "open_one",
    "path_in",
    "refresh_before_search",
    "refresh_with_progress",
]


_MOST_BYTES = 1 << 28
"""Of a file that is looked at for a line."""
_LOCK_WAIT_SECONDS = 10.0  # for another process that is writing


class OpenOptions(TypedDict):
    """Options of ``open_index`` and ``open_indexes`` that the command line sets."""

    here: bool
    allow_large: bool
    hidden: bool | None
    ignore: bool | None
    max_file_bytes: int | None
    follow: bool | None
    generated: bool | None


@dataclass(frozen=True, slots=True)
class Target:
    """The paths that are indexed or searched, and the options that say how."""

    paths: tuple[str, ...] = (".",)
    model: str | None = None
    root_here: bool = False
    hidden: bool | None = None
    ignore: bool | None = None
    yes: bool = False
    max_file_bytes: int | None = None
    follow: bool | None = None
    generated: bool | None = None

    @property
    def open_options(self) -> OpenOptions:
        """The options, as the functions that open an index name them."""
        return {
            "here": self.root_here,
            "allow_large": self.yes,
            "hidden": self.hidden,
            "ignore": self.ignore,
            "max_file_bytes": self.max_file_bytes,
            "follow": self.follow,
            "generated": self.generated,
        }


@dataclass(frozen=True, slots=True)
class OpenTarget:
    """An index and the parts of its root that are searched (all if empty), or several, which know theirs."""

    index: Index | Indexes
    under: tuple[str, ...] = ()


@contextmanager
def open_one(target: Target, *, create: bool = True) -> Iterator[tuple[Index, tuple[str, ...]]]:
    """Open the one index that all the paths belong to; yield it and the parts of its root.

    Raises:
        BadQuery: the paths belong to several roots.
    """
    from codesearch.index.opening import open_index
    from codesearch.storage.folders.locations import locate

    paths = target.paths or (".",)
    places = [locate(path, here=target.root_here) for path in paths]
    roots = sorted({str(place.root) for place in places})
    if len(roots) > 1:
        raise BadQuery(f"the paths belong to different roots ({', '.join(roots)}); search one root at a time")
    parts = tuple(place.under for place in places)
    with open_index(paths[0], target.model, create=create, **target.open_options) as index:
        yield index, () if "" in parts else parts


def refresh_with_progress(
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
    """Refresh quietly before a search; another writer is no reason not to answer.

    ``name`` says in messages which index it is, where there are several.
    """
    try:
        # Where there is something to search, an answer now is worth more than the newest one.
        patience = 1.0 if holds_anything(index) else _LOCK_WAIT_SECONDS
        stats = refresh_with_progress(index, max_wait=max_wait, vectors=mode != "lexical", lock_wait=patience)
    except IndexBusy as busy:
        who = f"process {busy.pid}" if busy.pid else "another process"
        say(f"{who} is refreshing {name or 'this index'}; answering from what is there")
        return
    except StorageFailed as failed:
        if not holds_anything(index):
            raise
        say(f"{name or 'this index'} cannot be refreshed ({failed}); answering from what is there")
        return
    for note in stats.notes:
        say(f"note: {name}: {note}" if name else f"note: {note}")
    if not stats.complete and caller.finish(index.root):
        say("the resident process goes on with it in the background")


def holds_anything(index: Index) -> bool:
    """Return whether a search could find anything."""
    try:
        return index.counts().chunks > 0
    except CodesearchError:  # damaged: the refresh will rebuild it
        return False


def existing(query: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Return the paths. UsageError for one that is not there: most likely an unquoted query."""
    from codesearch.files.repositories.addresses import is_address, meant_address
    from codesearch.storage.folders.locations import list_indexes

    for path in paths:
        if is_address(path) or caller.path(path).exists():
            continue
        if any(entry.root == caller.path(path).absolute() for entry in list_indexes()):
            continue  # the tree is gone, its index is not
        words = " ".join((query, *paths))
        advice = meant_address(path) or f'to ask for several words, quote the query: codesearch "{words}"'
        raise click.UsageError(f"no such file or folder: {path}; {advice}")
    return tuple(paths)


def home_of(file: str) -> str:
    """Return the path to open for a file: itself, for its root is meant, wherever it is typed.

    Outside of a repository it is the folder nearest above the file that is indexed already.
    """
    from codesearch.files.repositories.roots import canonical, git_top_level
    from codesearch.storage.folders.locations import list_indexes

    target = canonical(Path(file))
    if git_top_level(target.parent) is not None:
        return file
    indexed = {entry.root for entry in list_indexes()}
    return str(next((folder for folder in target.parents if folder in indexed), file))


def check_line(file: str, line: int) -> None:
    """Refuse a line that the file does not have, before anything is indexed for it.

    Raises:
        BadQuery: no such file, or it has fewer lines.
    """
    from codesearch.files.content.regular import read_regular

    try:
        content = read_regular(caller.path(file), _MOST_BYTES)
    except OSError as error:
        raise BadQuery(f"{file} cannot be read: {error.strerror}") from None
    if content is None:
        there = caller.path(file)
        large = f"it is larger than {_MOST_BYTES >> 20} MiB" if there.is_file() else "it is no regular file"
        raise BadQuery(f"{file} cannot be read: {large if there.exists() else 'there is no such file'}")
    count = content.count(b"\n") + (not content.endswith(b"\n"))
    if not 1 <= line <= max(count, 1):
        raise BadQuery(f"{file} has {counted(count, 'line')}, and {line} is none of them")


def path_in(index: Index, file: str) -> str:
    """Return the path of a file relative to the index's root, with ``/``. BadQuery if it lies elsewhere."""
    from codesearch.files.repositories.roots import canonical

    target = canonical(Path(file))
    if index.root not in target.parents:
        raise BadQuery(f"{file} is not in {index.root}")
    return target.relative_to(index.root).as_posix()


def languages_of(types: Sequence[str]) -> list[str] | None:
    """Return ``-t py,js -t rust`` as language names, None for nothing. BadQuery for an unknown one."""
    from codesearch.files.languages import canonical_language

    names = [name.strip() for given in types for name in given.split(",")]
    return [canonical_language(name) for name in names if name] or None
