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
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from codesearch.errors import BadQuery as BadQuery
    from codesearch.errors import CodesearchError as CodesearchError
    from codesearch.errors import IndexBusy as IndexBusy
    from codesearch.errors import IndexFormatError as IndexFormatError
    from codesearch.errors import IndexNotFound as IndexNotFound
    from codesearch.errors import ModelMismatch as ModelMismatch
    from codesearch.errors import ModelUnavailable as ModelUnavailable
    from codesearch.errors import TooManyFiles as TooManyFiles
    from codesearch.index.index import Index as Index
    from codesearch.index.opening import open_index as open_index
    from codesearch.index.several import Indexes as Indexes
    from codesearch.index.several import open_indexes as open_indexes
    from codesearch.records import Hit as Hit

_HOMES = {
    "Hit": "codesearch.records",
    "Index": "codesearch.index.index",
    "Indexes": "codesearch.index.several",
    "open_index": "codesearch.index.opening",
    "open_indexes": "codesearch.index.several",
}

__all__ = [
    "BadQuery",
    "CodesearchError",
    "Hit",
    "Index",
    "IndexBusy",
    "IndexFormatError",
    "IndexNotFound",
    "Indexes",
    "ModelMismatch",
    "ModelUnavailable",
    "TooManyFiles",
    "open_index",
    "open_indexes",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "codesearch.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
