"""Searches several roots as one: opened together, refreshed one after the other, ranked in one list.

What goes wrong with one root is told and must not lose the answers of the others. Only what concerns the
whole search is an error: a path that is not there, a query that cannot be asked, no root that answers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any, TypeVar

from codesearch.errors import BadQuery, CodesearchError
from codesearch.files.repositories.roots import canonical
from codesearch.index.comparable import Comparable, Member, comparable, union_of
from codesearch.index.index import LOCK_WAIT_SECONDS, Index
from codesearch.index.opening import index_at, settings_of
from codesearch.index.searchable import Searchable
from codesearch.index.status import Status
from codesearch.models.pool import ModelPool
from codesearch.records import Embedder, Progress, Scorer, Stats
from codesearch.searching.request import SearchRequest, SimilarRequest
from codesearch.searching.search import Answer, Searcher
from codesearch.searching.stores.protocol import SearchStore
from codesearch.searching.stores.union import PartError
from codesearch.storage.folders.locations import Location, locate
from codesearch.storage.rows import Counts

__all__ = ["Indexes", "Problem", "open_indexes", "shares"]

T = TypeVar("T")
Problem = Callable[[Path, CodesearchError], Any]
"""Called with a root that cannot answer, or not by its vectors, and the reason."""


def open_indexes(
    paths: Iterable[str | os.PathLike[str]],
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
    on_problem: Problem | None = None,
) -> Indexes:
    """Open the indexes of all roots that the paths belong to, to search them as one.

    Args:
        paths: folders or files. Several of one root are one index, of which these parts are searched.
        on_problem: told of a root that cannot answer; without it, that is a warning in the log.

    The other arguments are those of ``open_index``, for every root.

    Raises:
        BadQuery: no path, or one that is not there. Else what keeps the last root from being opened.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        raise BadQuery("no path to search; give at least one folder")
    parts: dict[Path, list[Location]] = {}
    for location in [locate(path, here=here) for path in given]:
        parts.setdefault(location.root, []).append(location)
    settings = settings_of(
        allow_large=allow_large,
        hidden=hidden,
        ignore=ignore,
        max_file_bytes=max_file_bytes,
        follow=follow,
        generated=generated,
    )
    pool, tell = ModelPool(), on_problem or _warn
    opened = _opened(parts, lambda location: index_at(location, model, settings, create, pool), tell)
    return Indexes(opened, tell)


def _opened(
    parts: Mapping[Path, Sequence[Location]], make: Callable[[Location], Index], tell: Problem
) -> list[Member]:
    """Open each root once; what goes wrong is told, but of the last one where no other is open."""
    members: list[Member] = []
    for number, locations in enumerate(parts.values(), 1):
        location = replace(locations[0], under="")
        try:
            index = make(location)
        except CodesearchError as error:
            if number == len(parts) and not members:
                raise
            tell(location.root, error)
            continue
        under = dict.fromkeys(one.under for one in locations)
        members.append(Member(index, () if "" in under else tuple(under)))
    return members


class Indexes(Searchable):
    """Made by ``open_indexes``. Searches as an ``Index`` does; ``hit.root`` tells the roots apart.

    Hits are ranked in one list. A text that stands in several places is one hit, which names the others
    as its ``copies``. ``under`` is not for several roots: say it by the paths. A path that ``similar`` gets
    is absolute, or relative to the current folder.
    """

    _folds = True

    def __init__(self, members: Sequence[Member], on_problem: Problem) -> None:
        super().__init__()
        self._members = tuple(members)
        self.tell = on_problem

    @property
    def indexes(self) -> tuple[Index, ...]:
        """One for each root, in the order of the paths."""
        return tuple(member.index for member in self._members)

    @property
    def roots(self) -> tuple[Path, ...]:
        """The roots, in the order of the paths."""
        return tuple(index.root for index in self.indexes)

    def refresh(
        self,
        progress: Progress | None = None,
        *,
        max_wait: float | None = None,
        vectors: bool = True,
        lock_wait: float = LOCK_WAIT_SECONDS,
    ) -> Mapping[Path, Stats]:
        """Bring every index up to date and return the statistics by root. Arguments as in ``Index.refresh``.

        ``max_wait`` is for all of them: each gets an equal share of what is left. A root that cannot be
        refreshed is told as a problem and keeps what it has.
        """
        done: dict[Path, Stats] = {}
        for index, seconds in zip(self.indexes, shares(max_wait, len(self.indexes)), strict=True):
            try:
                done[index.root] = index.refresh(
                    progress, max_wait=seconds, vectors=vectors, lock_wait=lock_wait
                )
            except CodesearchError as error:
                self.tell(index.root, error)
        return done

    def status(self) -> list[Status]:
        """Return the state of each index that can be read."""
        found = []
        for index in self.indexes:
            try:
                found.append(index.status())
            except CodesearchError as error:
                self.tell(index.root, error)
        return found

    def counts(self) -> Counts:
        """Return the numbers of files, chunks and embedded chunks of all roots together."""
        each = [counts for index in self.indexes if (counts := self._counts(index))]
        return Counts(*map(sum, zip(*map(astuple, each), strict=True))) if each else Counts(0, 0, 0, 0)

    @property
    def model(self) -> str:
        """Name of the model that questions are embedded with: that of the first root that has vectors."""
        models = [index.model for index in self.indexes if (c := self._counts(index)) and c.embedded]
        return (models or [self.indexes[0].model])[0]

    def __repr__(self) -> str:
        return f"<Indexes of {', '.join(repr(str(root)) for root in self.roots)}>"

    def close(self) -> None:
        """Close them all."""
        for index in self.indexes:
            index.close()

    # -- searching

    def _answer(self, request: SearchRequest | SimilarRequest, scorer: Scorer | None) -> Answer:
        def answer(members: list[Member]) -> Answer:
            embeds = isinstance(request, SearchRequest) and request.uses_vectors
            uses_vectors = embeds or isinstance(request, SimilarRequest)
            compared = comparable(members) if uses_vectors else Comparable(None, ())
            if embeds and compared.model is not None:
                compared.model.load_ahead()
            with union_of(members, compared.members) as union:
                found = Searcher(union, compared.load).answer(request, scorer)
            for root, mismatch in compared.others:
                self.tell(root, mismatch)
            return found

        return self._of_those_that_answer(answer)

    def _ask(self, question: Callable[[SearchStore], T]) -> T:
        def answer(members: list[Member]) -> T:
            with union_of(members, ()) as union:
                return question(union)

        return self._of_those_that_answer(answer)

    def _of_those_that_answer(self, answer: Callable[[list[Member]], T]) -> T:
        members = list(self._members)
        while True:
            try:
                return answer(members)
            except PartError as failure:
                self._go_on_without(members, failure)

    def _go_on_without(self, members: list[Member], failure: PartError) -> None:
        failed = next(member for member in members if str(member.index.root) == failure.root)
        members.remove(failed)
        error = failure.__cause__
        assert isinstance(error, CodesearchError)
        if not members:
            raise error
        self.tell(failed.index.root, error)

    @staticmethod
    def _counts(index: Index) -> Counts:
        try:
            return index.counts()
        except CodesearchError:  # told when it is asked
            return Counts(0, 0, 0, 0)

    def _parts(self, under: Sequence[str] | None) -> Sequence[str]:
        if under:
            raise BadQuery("sub-folders of several roots are given as paths when these are opened")
        return ()

    def _file(self, path: str | os.PathLike[str]) -> tuple[str, str]:
        target = canonical(Path(path))
        for root in self.roots:
            if root in target.parents:
                return str(root), target.relative_to(root).as_posix()
        raise BadQuery(f"{path} is in none of the roots: {', '.join(map(str, self.roots))}")


def shares(seconds: float | None, count: int) -> Iterator[float | None]:
    """For each of ``count`` tasks, asked for as it begins: an equal share of what is left of the time."""
    end = time.monotonic() + (seconds or 0.0)
    for left in range(count, 0, -1):
        yield None if seconds is None else max(0.0, end - time.monotonic()) / left


def _warn(root: Path, error: CodesearchError) -> None:
    import logging  # late: hardly any root fails

    logging.getLogger(__name__).warning("%s: %s", root, error)
