"""Open the index of a root: which index it is, its settings, and who gives it out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from codesearch.index.index import Index
from codesearch.models.pool import ModelPool
from codesearch.records import Embedder
from codesearch.storage.folders.locations import Location, locate

__all__ = ["index_at", "lending", "open_index", "settings_of"]

Lender = Callable[[Location, "str | Embedder | None", Mapping[str, Any], bool], Index]
"""Gives out an index that stays open; closing it hands it back."""
_lender: ContextVar[Lender | None] = ContextVar("lender", default=None)


@contextmanager
def lending(lend: Lender) -> Iterator[None]:
    """Let the indexes that are opened inside the block come from ``lend``."""
    token = _lender.set(lend)
    try:
        yield
    finally:
        _lender.reset(token)


def open_index(
    path: str | os.PathLike[str] = ".",
    model: str | Embedder | None = None,
    *,
    here: bool = False,
    allow_large: bool = False,
    hidden: bool | None = None,
    ignore: bool | None = None,
    max_file_bytes: int | None = None,
    follow: bool | None = None,
    generated: bool | None = None,
    create: bool = True,
) -> Index:
    """Open the index of the root that ``path`` belongs to, or create an empty one; nothing is indexed yet.

    Args:
        path: a folder or a file. Searches keep to it where it is only a part of the root.
        model: a name for mlx_jinabert, or an object with the Embedder protocol. None: the one recorded
            in the index, else $CODESEARCH_MODEL, else the shipped one.
        here: make the folder itself the root, not the git repository that it belongs to.
        allow_large: index a home folder, or more than 50,000 files, all the same. Remembered by the index.
        hidden: index hidden files too. None here and below: as the index was told last, else no.
        ignore: honour .gitignore and .codesearchignore (default: yes).
        max_file_bytes: skip files over this size (default: 1,000,000).
        follow: enter links to folders outside the root (default: no).
        generated: embed the pages of documentation generators too (default: no, their words are searched).
        create: False to raise IndexNotFound instead of creating one.

    Raises:
        BadQuery: no such path. IndexNotFound, see ``create``. IndexFormatError: of a newer version.
    """
    settings = settings_of(
        allow_large=allow_large,
        hidden=hidden,
        ignore=ignore,
        max_file_bytes=max_file_bytes,
        follow=follow,
        generated=generated,
    )
    return index_at(locate(path, here=here), model, settings, create)


def settings_of(
    *,
    allow_large: bool = False,
    hidden: bool | None,
    ignore: bool | None,
    max_file_bytes: int | None,
    follow: bool | None = None,
    generated: bool | None = None,
) -> Mapping[str, Any]:
    """Those of the settings that are given."""
    given = {
        "allow_large": allow_large or None,
        "hidden": hidden,
        "ignore": ignore,
        "max_file_bytes": max_file_bytes,
        "follow": follow,
        "generated": generated,
    }
    return {key: value for key, value in given.items() if value is not None}


def index_at(
    location: Location,
    model: str | Embedder | None,
    settings: Mapping[str, Any],
    create: bool,
    pool: ModelPool | None = None,
) -> Index:
    """The index of a root; ``pool`` where several are opened together."""
    lend = _lender.get()
    if lend is not None:
        return lend(location, model, settings, create)
    create = create and location.root.exists()  # the tree is gone: an index can be asked, not made
    if create:
        location.create()
    return Index(location, model, settings, create, pool)
