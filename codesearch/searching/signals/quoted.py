"""Text that a question quotes (a snippet, a hunk of a diff): which chunks hold its lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from codesearch.records import Chunk
from codesearch.searching.question.query import Query

__all__ = ["quoted_lines", "shares_quoted"]

_DIFF_HEAD = re.compile(
    r"(?:diff |index |--- |\+\+\+ |@@|new file mode|deleted file mode|similarity index|rename )"
)
_HUNK = re.compile(r"^@@ .*@@", re.MULTILINE)
_LETTERS = re.compile(r"[^\W\d_]{2}")
_LEAST_CHARACTERS, _LEAST_LINES, _MOST_LINES = 8, 2, 200
_MOSTLY = 0.5
"""Share of its lines that one file must hold: half of a hunk may be new, most of a report stands nowhere."""


def quoted_lines(query: Query) -> frozenset[str]:
    """Return the lines of a question of several, without indentation and the marks of a diff.

    What a program printed (a trace, a log) quotes lines on the way to the place that it names.
    """
    if "\n" not in query.text.strip() or query.issue.is_printed:
        return frozenset()
    lines = query.text.split("\n")[:_MOST_LINES]
    if _is_hunk(query.text, lines):
        lines = [line[1:] for line in lines if not _DIFF_HEAD.match(line)]
    telling = (line.strip() for line in lines if _LETTERS.search(line))
    found = frozenset(line for line in telling if len(line) >= _LEAST_CHARACTERS)
    return found if len(found) >= _LEAST_LINES else frozenset()


def _is_hunk(text: str, lines: Sequence[str]) -> bool:
    """Whether every line begins with a mark of a diff."""
    marks = Counter(line[:1] for line in lines if line.strip() and not _DIFF_HEAD.match(line))
    marked = marks["+"] + marks["-"]
    return marked + marks[" "] == marks.total() and (marked > 0 or _HUNK.search(text) is not None)


def shares_quoted(chunks: Sequence[Chunk], quoted: frozenset[str]) -> list[float]:
    """Grade each chunk by the quoted lines that stand in it: 1 for the best, 0 where no file holds enough.

    A line counts less, the more of the chunks hold it.
    """
    held = [quoted & {line.strip() for line in chunk.text.split("\n")} for chunk in chunks]
    by_file: dict[str, set[str]] = {}
    for chunk, lines in zip(chunks, held, strict=True):
        by_file.setdefault(chunk.path, set()).update(lines)
    least = max(_LEAST_LINES, _MOSTLY * len(quoted))
    if max(map(len, by_file.values()), default=0) < least:
        return [0.0] * len(chunks)
    times = Counter(line for lines in held for line in lines)
    grades = [sum(1 / times[line] for line in lines) for lines in held]
    best = max(grades)
    return [grade / best for grade in grades]
