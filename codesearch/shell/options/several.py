"""Open and refresh several indexes; a problem with one is reported, and the others answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codesearch.errors import CodesearchError
from codesearch.rendering.terminal import one_line, say
from codesearch.shell.options import session

__all__ = ["each_root", "open_all", "refresh_all_before_search"]


@contextmanager
def open_all(target: session.Target, *, create: bool = True) -> Iterator[session.OpenTarget]:
    """Open the indexes of all roots that the paths belong to."""
    from codesearch.index.several import open_indexes

    if len(each_root(target)) == 1:
        with session.open_one(target, create=create) as (index, under):
            yield session.OpenTarget(index, under)
        return
    notes = _Notes()
    with open_indexes(
        target.paths, target.model, create=create, on_problem=notes, **target.open_options
    ) as several:
        yield session.OpenTarget(several)


def each_root(target: session.Target) -> list[str]:
    """Return for each root that the paths belong to the first path in it. BadQuery for a missing one."""
    from codesearch.storage.folders.locations import locate

    first: dict[Path, str] = {}
    for path in target.paths or (".",):
        first.setdefault(locate(path, here=target.root_here).root, path)
    return list(first.values())


def refresh_all_before_search(place: session.OpenTarget, max_wait: float | None, mode: str) -> None:
    """Refresh each index in its share of the time that is left; an error only where none holds anything."""
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
