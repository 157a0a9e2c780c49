"""Globs as typed, and what to say if they match nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from codesearch import caller
from codesearch.rendering.terminal import one_line, say

if TYPE_CHECKING:
    from codesearch.index.index import Index
    from codesearch.index.several import Indexes
    from codesearch.records import Filter

__all__ = ["globs_in", "say_nothing_passes"]

_NAMED = 3
_SPECIAL = re.compile(r"([*?\[\]\\])")


def globs_in(roots: Sequence[Path], globs: Sequence[str]) -> tuple[str, ...]:
    """Globs relative to the roots, from globs as people type them.

    An absolute one and one that begins with ``./`` or ``../`` mean the place that they name; one with a slash
    inside may be relative to the root or to the current folder.
    """
    from codesearch.files.repositories.roots import canonical

    here = canonical(caller.folder())
    found: list[str] = []
    for given in globs:
        mark, glob = ("!", given[1:]) if given.startswith("!") else ("", given)
        meant = [one for root in roots for one in _meant(glob, root, here)]
        found += [mark + one for one in dict.fromkeys(meant or [glob])]
    return tuple(found)


def _meant(glob: str, root: Path, here: Path) -> Iterator[str]:
    inside = here.relative_to(root).as_posix() if here == root or root in here.parents else ""
    prefix = "" if inside == "." else inside
    if glob.startswith(f"{root.as_posix()}/"):
        yield glob[len(root.as_posix()) :]
    elif glob.startswith(("./", "../")):
        moved = os.path.normpath(f"{_literal(prefix)}/{glob}" if prefix else glob)
        if not moved.startswith(".."):
            yield f"/{moved.lstrip('/')}" + "/" * glob.endswith("/")
    else:
        yield glob
        if prefix and "/" in glob.rstrip("/") and not glob.startswith(("/", "**/")):
            yield f"/{_literal(prefix)}/{glob}"


def _literal(path: str) -> str:
    """A path as a glob that matches it and nothing else."""
    return _SPECIAL.sub(r"\\\1", path)


def say_nothing_passes(index: Index | Indexes, wanted: Filter, globs: Sequence[str]) -> None:
    """Tell that the filter lets no indexed file through, and which files it names were left out, and why."""
    from codesearch.index.index import Index
    from codesearch.records import Filter
    from codesearch.storage.filters import PathFilter

    indexes = [index] if isinstance(index, Index) else list(index.indexes)
    if not wanted or any(one.lets_through(wanted) for one in indexes):
        return
    asked = [*(f"-g {glob}" for glob in globs), *(f"-t {name}" for name in wanted.languages), *wanted.under]
    text = f"no indexed file matches {', '.join(map(one_line, asked))}"
    by_path = PathFilter(Filter(globs=wanted.globs, under=wanted.under))
    left_out = [
        f"{one_line(path)} was left out: {reason}"
        for one in indexes
        for path, reason in one.left_out().items()
        if by_path.matches(path.rstrip("/"), None)
    ]
    more = (
        [f"{len(left_out) - _NAMED:,} more (codesearch status --skipped)"] if len(left_out) > _NAMED else []
    )
    say("; ".join([text, *left_out[:_NAMED], *more]))
