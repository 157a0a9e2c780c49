"""Messages that a question repeats: where the very words stand, but for the variable parts.

``pallet exceeds load limit of rack B7`` is what ``"pallet exceeds load limit of rack %s"`` printed. Words
are compared in runs of neighbours with those of the string literals of a text; those with a digit vary, and
neither count nor break the rest. A sentence that a comment happens to hold in part is no message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache

from codesearch.quick_dataclass import dataclass
from codesearch.searching.question.import_lines import is_import
from codesearch.searching.question.query import Query
from codesearch.storage.lexical.tokens import is_function_word

__all__ = ["Message", "said_in"]

_WORD = re.compile(r"[^\W_]\w*")
_PREFIX = re.compile(
    r"^\W{0,20}(?:(?:Uncaught|Unhandled|Caused by|Exception in thread \"[^\"\n]*\"|Exception|panic|fatal"
    r"|error|warning|[A-Z]{4,8}|E\b)[:\s]\s*|(?:[\w$]+[.\\:]+)*[A-Z]\w*(?:Error|Exception|Warning|Failure)\s*:\s*"
    r"|\[[^\]\n]{1,60}\]\s*|\([^)\n]{1,40}\)\s*)+"
)
"""What stands before a message: its kind and whoever said it."""
_LEAST_WORDS = 4
_RUN = 3
_SHARE, _SHARE_OF_PRINTED = 0.75, 0.4
_LEAST_TELLING = 2
_LITERAL = re.compile(
    r"""
    (?<=[=(,\[+])\s{0,80}[a-z$]{0,2}(?:\"{3}(?:[^\\]|\\[\s\S])*?\"{3}|'{3}(?:[^\\]|\\[\s\S])*?'{3})
    | <<[~-]?(?P<quote>[\"']?)(?P<end>[a-z_]\w*)(?P=quote)[^\n]*\n[\s\S]*?\n[ \t]*(?P=end)\b
    | \"(?:[^\"\\\n]|\\[\s\S])*\" | '(?:[^'\\\n]|\\[\s\S])*' | `(?:[^`\\]|\\[\s\S])*`
    """,
    re.VERBOSE,
)
"""Of several lines, too: here-documents, and threefold quotes (no docstring: nothing stands before it)."""
_PRINTED = re.compile(r"\d|[\[\](){}<>=\"`:;]")
"""A mark that people who ask in words do not make."""
_MOST_LINES = 12
_MOST_WORDS = 60
_MOST_CHARACTERS = 1_000


@dataclass(frozen=True)
class Message:
    """The words of a message that do not vary, case-folded; None where something varies."""

    words: tuple[str | None, ...]
    is_printed: bool = False
    """Whether a program printed the line: who says it may stand before the message, a cause behind."""

    @cached_property
    def fixed(self) -> tuple[str, ...]:
        """The words, each once, the longest first, which are the rarest."""
        return tuple(sorted({word for word in self.words if word}, key=len, reverse=True))

    def stands_in(self, folded: str, *, everywhere: bool = False) -> bool:
        """Whether a literal of a case-folded text holds the message; ``everywhere``: all of it is one."""
        if not self._may_stand_in(folded):
            return False
        said = folded if everywhere else _in_literals(folded)
        runs = _runs(self.words, _WORD.findall(said))
        longest = max((run.stop - run.start for run in runs), default=0)
        matched = [word for run in runs for word in self.words[run]]
        if longest < _RUN or len(matched) < _LEAST_WORDS or sum(map(_tells, matched)) < _LEAST_TELLING:
            return False
        within = self.words[runs[0].start : runs[-1].stop] if self.is_printed else self.words
        return len(matched) >= max(_SHARE * _count(within), self._share * _count(self.words))

    @property
    def _share(self) -> float:
        return _SHARE_OF_PRINTED if self.is_printed else _SHARE

    @property
    def least_words(self) -> float:
        """Of ``fixed``: a text that holds fewer does not hold the message."""
        return max(_LEAST_WORDS, self._share * len(self.fixed))

    def _may_stand_in(self, folded: str) -> bool:
        """Whether a text holds enough of the words at all."""
        held, least = len(self.fixed), self.least_words
        for word in self.fixed:
            held -= word not in folded
            if held < least:
                return False
        return held >= least


def said_in(query: Query) -> tuple[Message, ...]:
    """Return the lines that may be messages: all of a short query, of a trace or a log those marked so."""
    if query.is_name or is_import(query.text):
        return ()
    if query.is_long:
        said = query.issue.messages if query.issue.is_printed else ()
        lines: Sequence[str] = (query.issue.title, *said[-_MOST_LINES:])
    else:
        lines = query.text.splitlines()[-_MOST_LINES:]
    found = dict.fromkeys(
        Message(
            _words(_PREFIX.sub("", line[:_MOST_CHARACTERS])),
            query.is_long or _PRINTED.search(line) is not None,
        )
        for line in lines
        if not is_import(line)  # it stands in every file that needs the module, and asks for the module
    )
    return tuple(said for said in found if len(said.fixed) >= _LEAST_WORDS)


@lru_cache(maxsize=1 << 10)  # the same texts are candidates of many questions
def _in_literals(folded: str) -> str:
    """The string literals of a case-folded text."""
    return " ".join(match[0] for match in _LITERAL.finditer(folded))


def _words(line: str) -> tuple[str | None, ...]:
    words = _WORD.findall(line.casefold())[:_MOST_WORDS]
    return tuple(None if any(char.isdigit() for char in word) else word for word in words)


def _count(words: Sequence[str | None]) -> int:
    return sum(word is not None for word in words)


def _tells(word: str | None) -> bool:
    return word is not None and not is_function_word(word)


def _runs(words: Sequence[str | None], text: Sequence[str]) -> list[slice]:
    """The runs of two and more neighbouring words that stand so in the text too, in their order."""
    places: dict[str, list[int]] = {}
    wanted = {word for word in words if word}
    for at, word in enumerate(text):
        if word in wanted:
            places.setdefault(word, []).append(at)
    runs: list[slice] = []
    first = 0
    while first < len(words):
        longest = max((_run(words, text, first, at) for at in places.get(words[first] or "", ())), default=0)
        if longest > 1:
            runs.append(slice(first, first + longest))
        first += max(longest, 1)
    return runs


def _run(words: Sequence[str | None], text: Sequence[str], first: int, at: int) -> int:
    length = 0
    while first + length < len(words) and at + length < len(text):
        if words[first + length] != text[at + length]:
            break
        length += 1
    return length
