"""Files that a query names: ``src/app.py``, a module, the frames of a traceback, a link to a forge."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from codesearch.searching.question.import_lines import imported_in
from codesearch.searching.question.issue import Issue
from codesearch.searching.question.query import Query

__all__ = ["named_files"]

_BY_NAME = 0.5
"""A file that is named without its folders, against one whose path is given."""
_AS_MODULE = 0.4
_FRAME = 0.5
"""The outermost frame of a traceback; the innermost counts as a path that is given."""
_IMPORTED = 2.0
"""A module that the query imports: its file is asked for, not those that import it too."""
_BETWEEN = re.compile(r"[./\\]|::")
_LEAST_PARTS = 2
"""Of a dotted name that is taken for a module: ``self.send`` would otherwise be ``send.py``."""
_MOST_PARTS = 16
_PACKAGES = frozenset({"__init__", "mod", "index"})
"""Such a file is the module that its folder is."""


def named_files(paths: Iterable[str], query: Query) -> dict[str, float]:
    """How surely each of these paths is meant, from 0 to 1; those that are not named are left out."""
    imported = [] if query.is_long else list(_imported(query.text))
    named = [*_named(query.issue), *imported]
    if not named:  # which most questions do not
        return {}
    by_suffix = _by_suffix(paths, folders=bool(imported))
    found: dict[str, float] = {}
    for endings, certainty in named:
        for path in next((by_suffix[ending] for ending in endings if ending in by_suffix), ()):
            found[path] = max(found.get(path, 0.0), certainty)
    return found


def _named(issue: Issue) -> Iterable[tuple[list[tuple[str, ...]], float]]:
    """Return the meanings of each mention, the longest first, and how surely it is meant."""
    for written in issue.paths:
        parts = _parts(written)
        yield ([parts], _BY_NAME) if len(parts) == 1 else (_endings(parts), 1.0)
    for number, frame in enumerate(issue.frames, 1):
        yield _endings(_parts(frame.path)), _FRAME + (1 - _FRAME) * number / len(issue.frames)
    for dotted in issue.dotted:  # sphinx.util.inspect.signature: what follows the module is in it
        parts = tuple(dotted.split("."))[:_MOST_PARTS]
        yield [parts[:end] for end in range(len(parts), _LEAST_PARTS - 1, -1)], _AS_MODULE


def _imported(text: str) -> Iterable[tuple[list[tuple[str, ...]], float]]:
    """Return the meanings of an import: a module's file or folder; its last part may be a symbol."""
    for named in imported_in(text):
        parts = tuple(part for part in _BETWEEN.split(named) if part not in ("", ".", "..", "@", "~"))
        parts = parts[:_MOST_PARTS]
        ends = [end for end in (parts, parts[:-1]) if end]
        yield [end[at:] for end in ends for at in range(len(end))], _IMPORTED


def _endings(parts: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Ends of a path that may be ours: what is above our root stands before them."""
    return [parts[at:] for at in range(len(parts) - 1)]


def _by_suffix(paths: Iterable[str], folders: bool) -> dict[tuple[str, ...], list[str]]:
    """The paths by every end of theirs, with the extension and as a module without; by their folders too."""
    found: dict[tuple[str, ...], list[str]] = {}
    for path in paths:
        parts = _parts(path)
        module = (*parts[:-1], PurePosixPath(path).stem)
        package = module[:-1] if folders or module[-1] in _PACKAGES else ()
        for whole in (parts, module, package):
            for start in range(len(whole)):
                found.setdefault(whole[start:], []).append(path)
    return found


def _parts(path: str) -> tuple[str, ...]:
    parts = path.replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in ("", ".", "..")) or ("",)
