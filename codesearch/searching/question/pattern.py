"""Regular expressions beside a question: which chunks may answer at all.

The syntax is that of Python's ``re`` with the classes that ripgrep has (``\\p{Lu}``, ``[[:alpha:]]``), as the
``regex`` package reads it. As in ripgrep, letters match their own case unless the pattern says ``(?i)``,
and ``^`` and ``$`` are the ends of lines; other than there, a match may run over several lines of its chunk.

A backtracking pattern can take longer than anyone lives. ``re`` cannot be stopped inside a match and
matching line by line would lose matches over several lines, so ``regex`` it is: it takes a time limit. All
the matching of one search shares one budget, and over it the search is refused: some of the matches would
look like all of them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from codesearch.errors import BadQuery
from codesearch.storage.rows import ChunkText

__all__ = ["BUDGET_SECONDS", "Pattern", "parse_pattern"]

BUDGET_SECONDS = 20.0
"""For all chunks of one search. A hundred megabytes of source take an ordinary pattern one or two."""

_MOST_CHARACTERS = 10_000
_MOST_REPEATED = 100_000
"""Parts that a pattern may have once its smallest counts are written out, as the library compiles them."""
_TOKEN = re.compile(
    r"(?P<one>\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\])|\{(?P<count>\d+)(?:,\d*)?\}|.", re.DOTALL
)
_MOST_DIGITS = 12
_SHOWN = 60
_TOO_MUCH = (MemoryError, RecursionError, OverflowError, SystemError)
"""Errors of the library for an expression that calls itself, and for one in thousands of brackets."""

Key = TypeVar("Key")


class Pattern:
    """One or several regular expressions that a text has to match all. Made by ``parse_pattern``."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._expressions = tuple(_compiled(source) for source in sources)

    def matching(
        self, chunks: Iterable[tuple[Key, ChunkText]], seconds: float = BUDGET_SECONDS
    ) -> Iterator[tuple[Key, ChunkText]]:
        """Yield the chunks whose text matches, in their order, each with its key.

        Raises:
            BadQuery: an expression took longer than ``seconds`` over all of them.
        """
        deadline = time.monotonic() + seconds
        for key, chunk in chunks:
            if all(_found(expression, chunk, deadline, seconds) for expression in self._expressions):
                yield key, chunk

    def first_lines(self, text: str) -> list[int]:
        """For each expression the line of the text, from 0, in which its first match begins, if it has one.

        For texts that ``matching`` let through, so they match again as quickly.
        """
        text = _with_line_feeds(text)
        matches = (expression.search(text) for expression in self._expressions)
        return [text.count("\n", 0, _telling_start(match)) for match in matches if match]


def parse_pattern(given: str | Sequence[str] | None) -> Pattern | None:
    """None where nothing is given. BadQuery names the expression that cannot be read, and where."""
    sources = (given,) if isinstance(given, str) else tuple(given or ())
    return Pattern(sources) if sources else None


def _compiled(source: object) -> Any:
    import regex

    if not isinstance(source, str) or not source:
        raise BadQuery(f"a regular expression is {source!r}, expected text such as 'def \\w+_retry'")
    if len(source) > _MOST_CHARACTERS:
        raise BadQuery(
            f"a regular expression of {len(source):,} characters; the most is {_MOST_CHARACTERS:,}"
        )
    if (parts := _written_out(source)) > _MOST_REPEATED:
        raise BadQuery(
            f"the regular expression '{_start(source)}' repeats so often that it has {parts:,} parts; "
            f"the most is {_MOST_REPEATED:,}"
        )
    try:
        return regex.compile(source, regex.MULTILINE)
    except regex.error as error:
        raise BadQuery(
            f"the regular expression '{source}' cannot be read at position {error.pos}: {error.msg}"
        ) from error
    except _TOO_MUCH as error:
        raise BadQuery(f"the regular expression '{_start(source)}' is nested too deeply") from error


def _written_out(source: str) -> int:
    """Return about how many parts a pattern has when ``(ab){3}`` is ``ababab``."""
    groups, last = [0], 0
    for token in _TOKEN.finditer(source):
        if token["count"]:
            groups[-1] += last * (int(token["count"][:_MOST_DIGITS]) - 1)
            last *= int(token["count"][:_MOST_DIGITS])
        elif token[0] == "(":
            groups.append(0)
        elif token[0] == ")" and len(groups) > 1:
            last = groups.pop()
            groups[-1] += last
        else:
            last = 1
            groups[-1] += 1
    return sum(groups)


def _start(source: str) -> str:
    return source if len(source) <= _SHOWN else f"{source[:_SHOWN]}..."


def _found(expression: Any, chunk: ChunkText, deadline: float, seconds: float) -> bool:
    left = deadline - time.monotonic()
    try:
        if left > 0:
            # Concurrent: other threads go on meanwhile.
            return expression.search(_with_line_feeds(chunk.text), timeout=left, concurrent=True) is not None
    except TimeoutError:
        pass
    except _TOO_MUCH as error:
        raise BadQuery(
            f"the regular expression '{_start(expression.pattern)}' repeats itself without end "
            f"(at {chunk.path}:{chunk.start_line})"
        ) from error
    raise BadQuery(
        f"the regular expression '{expression.pattern}' took more than {seconds:g} s "
        f"(at {chunk.path}:{chunk.start_line}): write it without nested repetition, or search fewer files"
    )


def _with_line_feeds(text: str) -> str:
    """``$`` is before a line feed, and has to be before a carriage return too."""
    return text.replace("\r\n", "\n")


def _telling_start(match: Any) -> int:
    """Where a match begins, after line feeds that it took along (``\\s+``)."""
    text: str = match.group()
    return int(match.start()) + len(text) - len(text.lstrip("\n"))
