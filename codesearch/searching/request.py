"""A search as data: what is asked, of which chunks, and how the answer is made.

The command line, Python and a search over several roots all hand down one of these. A request that exists can
be asked: what is wrong with it is said when it is made, before any index is opened.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import field, replace
from typing import Any, Literal, TypedDict, Unpack, get_args

from codesearch.errors import BadQuery
from codesearch.files.languages import canonical_language
from codesearch.quick_dataclass import dataclass
from codesearch.records import Filter
from codesearch.searching.question.pattern import parse_pattern
from codesearch.searching.question.query import Query

__all__ = [
    "KINDS",
    "MODES",
    "Kind",
    "Mode",
    "SearchOptions",
    "SearchRequest",
    "SimilarRequest",
    "check_limit",
    "make_filter",
    "several",
]

Mode = Literal["hybrid", "semantic", "lexical"]
_MOST_HITS = 1_000_000
MODES: tuple[Mode, ...] = get_args(Mode)
Kind = Literal["auto", "code", "docs", "all"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class SearchOptions(TypedDict, total=False):
    """The options of ``Index.search``, which documents them."""

    limit: int
    mode: Mode
    kind: Kind
    languages: Sequence[str] | None
    globs: Sequence[str] | None
    under: Sequence[str] | None
    pattern: str | Sequence[str] | None
    rerank: object
    fold: bool | None


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One search.

    Raises:
        BadQuery: an empty query without a pattern, a limit below 1, an unknown mode or kind, a pattern that
            cannot be read.
        TypeError: a limit that is no integer.
    """

    query: str
    limit: int = 10
    mode: Mode = "hybrid"
    filter: Filter = field(default_factory=Filter)
    pattern: tuple[str, ...] = ()
    """Regular expressions that a chunk has to match, all of them."""
    rerank: object = None
    """The name of a reranker, or an object; see ``Index.search``."""
    fold: bool | None = None
    """Whether a text that stands in several places is one hit. None: where several roots are searched."""
    kind: Kind = "auto"
    """Which files answer; see ``Index.search``."""
    explain: bool = False
    """Whether the answer says why each hit is where it is."""

    def __post_init__(self) -> None:
        check_limit(self.limit)
        if self.mode not in MODES:
            raise BadQuery(f"mode is {self.mode!r}, expected one of {', '.join(MODES)}")
        if self.kind not in KINDS:
            raise BadQuery(f"kind is {self.kind!r}, expected one of {', '.join(KINDS)}")
        parse_pattern(self.pattern)
        if not self.pattern:
            Query(self.query)

    @classmethod
    def make(cls, query: str, *, explain: bool = False, **options: Unpack[SearchOptions]) -> SearchRequest:
        """Make a request from the arguments of ``Index.search``."""
        wanted = make_filter(
            options.pop("languages", None), options.pop("globs", None), options.pop("under", None)
        )
        pattern = several(options.pop("pattern", None))
        simple: dict[str, Any] = {**options}  # fields of the same name
        return cls(query, filter=wanted, pattern=pattern, explain=explain, **simple)

    @property
    def is_listing(self) -> bool:
        """Whether nothing is ranked: every chunk that matches the pattern, by path."""
        return not self.query.strip()

    @property
    def scope(self) -> Filter:
        """The filter, and where only code or only documentation is asked for that too."""
        prose = {"code": False, "docs": True}.get(self.kind)
        return self.filter if prose is None else replace(self.filter, prose=prose)

    @property
    def uses_vectors(self) -> bool:
        """Whether stored vectors are compared with the query."""
        return self.mode != "lexical" and not self.is_listing


@dataclass(frozen=True, slots=True)
class SimilarRequest:
    """A search for chunks like one: a line of a file, the definition of a symbol, or given code.

    Raises:
        BadQuery: none of these, or more than one; code without a letter; a limit below 1.
        TypeError: a limit that is no integer.
    """

    limit: int = 10
    filter: Filter = field(default_factory=Filter)
    root: str = ""
    """The root that ``path`` is relative to; needed where several are searched."""
    path: str | None = None
    line: int | None = None
    symbol: str | None = None
    code: str | None = None

    def __post_init__(self) -> None:
        check_limit(self.limit)
        given = [name for name in ("path", "line", "symbol", "code") if getattr(self, name) is not None]
        if given not in (["path", "line"], ["path", "symbol"], ["symbol"], ["code"]):
            raise BadQuery(
                "no place in the code is given; expected one of path and line, path and symbol, symbol, code"
            )
        if self.code is not None and not self.code.strip():
            raise BadQuery("the code is empty; give some lines to look for")


def make_filter(
    languages: Sequence[str] | None, globs: Sequence[str] | None, under: Sequence[str] | None
) -> Filter:
    """Make a filter from names, patterns and sub-folders, each one or several. BadQuery for a language."""
    names = tuple(canonical_language(name) for name in several(languages))
    return Filter(names, several(globs), several(under))


def several(values: Sequence[str] | None) -> tuple[str, ...]:
    """Return one value or several as a tuple."""
    return (values,) if isinstance(values, str) else tuple(values or ())


def check_limit(limit: int) -> None:
    """Raise BadQuery for a limit below 1 or beyond all reason, TypeError for what is no integer."""
    if not 1 <= operator.index(limit) <= _MOST_HITS:
        raise BadQuery(f"limit is {limit:.3g}, expected at least 1 and at most {_MOST_HITS:,}")
