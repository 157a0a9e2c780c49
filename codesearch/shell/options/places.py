"""Parse places in the code as people write them: FILE:LINE, FILE#SYMBOL, SYMBOL, - for code on stdin."""

from __future__ import annotations

import re
import sys

from codesearch import caller
from codesearch.errors import BadQuery
from codesearch.quick_dataclass import dataclass

__all__ = ["Place", "is_path", "parse", "standard_input"]

# FILE:LINE, FILE:LINE:COLUMN, FILE:FIRST-LAST, FILE#L12-L40; what precedes may hold colons (C:\src).
_LINE = re.compile(r"(?P<file>.+?)(?::|#L)(?P<line>\d+)(?:[:-]L?\d+)?:?")
_TEST = re.compile(r"(?P<file>[^:]+\.\w+)::(?P<symbol>.+)")
"""``tests/test_a.py::TestA::test_b``, as test runners print it."""
_FILE_LIKE = re.compile(r"[/\\.]")


@dataclass(frozen=True, slots=True)
class Place:
    """A file with a 1-based line or a symbol in it, a symbol anywhere, or none: code that is in no file."""

    file: str = ""
    line: int | None = None
    symbol: str = ""

    @property
    def is_code(self) -> bool:
        """Whether the code itself is given."""
        return not self.file and not self.symbol


def parse(text: str) -> Place:
    """BadQuery for what is no place."""
    if text == "-":
        return Place()
    match = _LINE.fullmatch(text)
    if match:
        return Place(match["file"], line=int(match["line"]))
    if (test := _TEST.fullmatch(text)) and is_path(test["file"]):
        return Place(test["file"], symbol=test["symbol"].partition("[")[0])
    file, mark, symbol = text.rpartition("#")
    if mark and symbol:
        # Client#send is a symbol too, as Ruby and Java write it.
        if file and not _FILE_LIKE.search(file) and not is_path(file):
            return Place(symbol=text)
        return Place(file, symbol=symbol)
    from codesearch.searching.question.query import Query

    if text.strip() and not mark and not is_path(text) and Query(text).is_name:
        return Place(symbol=text)
    raise BadQuery(
        f"{text!r} is no place in the code; expected FILE:LINE, FILE#SYMBOL, a SYMBOL, or - for code to read"
    )


def standard_input() -> str:
    """The code that is pasted or piped in."""
    if sys.stdin is None:
        raise BadQuery("standard input is closed; pipe code in, or give FILE:LINE")
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def is_path(text: str) -> bool:
    """Whether something is there by this name; also for text that can be none."""
    try:
        return caller.path(text).exists()
    except (OSError, ValueError):  # too long for a name, or with a zero byte
        return False
