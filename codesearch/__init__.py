"""Files to hits: semantic code search over a local index.

    from codesearch import open_index

    with open_index(".") as index:
        index.refresh()
        for hit in index.search("where are retries decided"):
            print(hit.path, hit.start_line, hit.symbol)

Names are imported when first used, so that the command line starts quickly.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from codesearch.errors import BadQuery as BadQuery
    from codesearch.errors import CodesearchError as CodesearchError
    from codesearch.errors import IndexBusy as IndexBusy
    from codesearch.errors import IndexFormatError as IndexFormatError
    from codesearch.errors import IndexNotFound as IndexNotFound
    from codesearch.errors import ModelMismatch as ModelMismatch
    from codesearch.errors import ModelUnavailable as ModelUnavailable
    from codesearch.errors import PortableIndexError as PortableIndexError
    from codesearch.errors import StorageFailed as StorageFailed
    from codesearch.errors import TooFewQuestions as TooFewQuestions
    from codesearch.errors import TooManyFiles as TooManyFiles
    from codesearch.index.index import Index as Index
    from codesearch.index.opening import open_index as open_index
    from codesearch.index.several import Indexes as Indexes
    from codesearch.index.several import open_indexes as open_indexes
    from codesearch.index.status import Status as Status
    from codesearch.records import Copy as Copy
    from codesearch.records import Embedder as Embedder
    from codesearch.records import Hit as Hit
    from codesearch.records import Stats as Stats
    from codesearch.searching.explain import ExplainedHit as ExplainedHit
    from codesearch.searching.explain import Explanation as Explanation
    from codesearch.searching.references.find import Reference as Reference
    from codesearch.searching.references.find import References as References
    from codesearch.searching.references.find import Relations as Relations
    from codesearch.searching.request import SearchRequest as SearchRequest
    from codesearch.searching.request import SimilarRequest as SimilarRequest
    from codesearch.searching.search import Answer as Answer

_HOMES = {
    "Answer": "codesearch.searching.search",
    "BadQuery": "codesearch.errors",
    "CodesearchError": "codesearch.errors",
    "Copy": "codesearch.records",
    "Embedder": "codesearch.records",
    "ExplainedHit": "codesearch.searching.explain",
    "Explanation": "codesearch.searching.explain",
    "Hit": "codesearch.records",
    "Index": "codesearch.index.index",
    "IndexBusy": "codesearch.errors",
    "IndexFormatError": "codesearch.errors",
    "IndexNotFound": "codesearch.errors",
    "Indexes": "codesearch.index.several",
    "ModelMismatch": "codesearch.errors",
    "ModelUnavailable": "codesearch.errors",
    "PortableIndexError": "codesearch.errors",
    "Reference": "codesearch.searching.references.find",
    "References": "codesearch.searching.references.find",
    "Relations": "codesearch.searching.references.find",
    "SearchRequest": "codesearch.searching.request",
    "SimilarRequest": "codesearch.searching.request",
    "Stats": "codesearch.records",
    "Status": "codesearch.index.status",
    "StorageFailed": "codesearch.errors",
    "TooFewQuestions": "codesearch.errors",
    "TooManyFiles": "codesearch.errors",
    "open_index": "codesearch.index.opening",
    "open_indexes": "codesearch.index.several",
}

__all__ = [
    "Answer",
    "BadQuery",
    "CodesearchError",
    "Copy",
    "Embedder",
    "ExplainedHit",
    "Explanation",
    "Hit",
    "Index",
    "IndexBusy",
    "IndexFormatError",
    "IndexNotFound",
    "Indexes",
    "ModelMismatch",
    "ModelUnavailable",
    "PortableIndexError",
    "Reference",
    "References",
    "Relations",
    "SearchRequest",
    "SimilarRequest",
    "Stats",
    "Status",
    "StorageFailed",
    "TooFewQuestions",
    "TooManyFiles",
    "open_index",
    "open_indexes",
]

if not TYPE_CHECKING:  # a type checker reads the imports above, and so sees a name that does not exist

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
