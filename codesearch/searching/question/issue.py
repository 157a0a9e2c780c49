"""A bug report or another long question -> its parts: title, prose, code, messages, frames, files named.

A report of two thousand characters is no one question: its title says what it is about, its code and its
environment mostly what surrounds it. Apart they can be weighed; together they drown what matters. Markdown
as the forges write it, tracebacks as Python prints them, and plain text with indented code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import log1p

from codesearch.quick_dataclass import dataclass
from codesearch.storage.lexical.tokens import tokenize_telling

__all__ = ["Frame", "Issue", "term_weights"]

_FENCED = re.compile(r"^[ \t]*(```|~~~)[^\n]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_TEMPLATE = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
"""HTML comments: what the form says to whoever fills it in."""
_URL = re.compile(r"https?://[^\s)>\]]+")
_BLOB = re.compile(r"/(?:blob|tree|raw)/[^/]+/([^#?\s)]+)")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]*>|!\[[^\]]*\]\([^)]*\)")
_LISTED_VERSION = re.compile(
    r"^[\s*-]*[\w .()/+-]{1,40}\s*[:=]+\s*(?:None|installed|not installed|v?\d[\w.+-]*)(?:\s*\(.*\))?\s*$"
)
"""A line of an environment: ``numpy: 1.16.1``. Names of libraries that have nothing to do with it."""
_FRAME = re.compile(r'File "([^"\n]+)", line \d+(?:, in (\S+))?')
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)")
_FRAME_LINES = re.compile(
    r'^[ \t]*File "[^"\n]+", line \d+[^\n]*(?:\n(?![ \t]*File ")[ \t]{2,}[^\n]*)*', re.MULTILINE
)
"""A frame with the code that Python prints below it."""
_MESSAGE = re.compile(
    r"^[ \t]*(?:E[ \t]+)?((?:[\w.]+\.)?(?:[A-Z]\w*)?(?:Error|Exception|Warning)\b:?.*"
    r"|(?:Caused by|Uncaught|Unhandled|panic|fatal error|PHP Fatal error)\b.*"
    r"|.{0,160}\b(?:ERROR|FATAL|CRITICAL|SEVERE|PANIC)\b.*"
    r"|.{0,160}\"(?:level|severity)\":[ \t]?\"(?:error|fatal|critical)\".*)$"
    r"|^thread '[^'\n]*' panicked at [^'\n]*:\n(.+)$",
    re.MULTILINE,
)
_TRACE_LINE = re.compile(
    r"^(?:[ \t]+at .*|[ \t]*(?:from )?\S+:\d+:in .*|[ \t]*#\d+ .*|[ \t]*\d+: .*|[ \t]+\S+:\d+ \+0x.*"
    r"|\S+\((?:0x|\{0x|\.\.\.).*|[ \t]*\.\.\. \d+ more|--- End of .*|[ \t]*File \"[^\"\n]+\", line .*)$",
    re.MULTILINE,
)
"""A line of a stack trace, of the JVM, JavaScript, Ruby, PHP, Rust, Go, .NET, gdb or Python."""
_LOG_LINE = re.compile(
    r"^\W{0,3}(?:\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|\w{3} +\d+ \d\d:|\"(?:ts|time|level)).*$", re.MULTILINE
)
_MOSTLY = 0.4
"""Share of its lines from which on a text is a trace or a log."""
_INLINE = re.compile(r"`+([^`\n]+)`+")
_INDENTED = re.compile(r" {4}|\t|>>> |\.\.\. ")
_PATH = re.compile(
    r"(?<![\w/.-])/?(?:[\w.-]+/)+[\w.-]+\.[A-Za-z]\w{0,4}\b"
    r"|(?<![\w/.-])[\w-]+\.(?:py|pyi|js|mjs|ts|tsx|jsx|go|rs|java|rb|c|h|cc|cpp|hpp|cs|php|kt|scala|ex|lua|swift)\b"
)
_DOTTED = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_LETTERS = re.compile(r"[^\W\d_]{3,}")
_LEAST_WORDS = 3

_TITLE, _PROSE, _CODE, _INLINE_CODE, _SAID = 3.0, 1.0, 0.5, 2.0, 2.0
"""How much a term counts by where it stands; a term that is repeated there counts more, by the logarithm."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of a traceback: a file as it is written there, and the function."""

    path: str
    function: str


@dataclass(frozen=True, slots=True)
class Issue:
    """A long question, taken apart. Every field may be empty but the title."""

    title: str
    prose: str
    code: str
    inline: tuple[str, ...]
    """Code within sentences."""
    messages: tuple[str, ...]
    """Lines that name an exception or a warning."""
    frames: tuple[Frame, ...]
    """Outermost first, as they are printed."""
    paths: tuple[str, ...]
    """Paths of files, also those within links to a forge."""
    dotted: tuple[str, ...]
    """Dotted names: modules, attributes."""

    is_printed: bool = False
    """Whether it is a stack trace or a log as a program printed it."""

    @classmethod
    def of(cls, text: str) -> Issue:
        """Take a text apart; its first line is the title, of a bare traceback the message at its end."""
        text = text.strip().replace("\r\n", "\n")
        title, _, body = text.partition("\n")
        printed = _is_printed(text)
        messages = tuple(
            dict.fromkeys((said or next_line).strip() for said, next_line in _MESSAGE.findall(text))
        )
        if messages and _TRACEBACK.search(title):
            title, body = messages[-1], _FRAME_LINES.sub("", body)
        elif messages and printed:
            title, body = messages[-1], _LOG_LINE.sub("", _TRACE_LINE.sub("", body))
        body = _TEMPLATE.sub(" ", body)
        code: list[str] = []

        def fenced(match: re.Match[str]) -> str:
            code.append(match[2])
            return "\n"

        plain = _TAG.sub(" ", _URL.sub(" ", _FENCED.sub(fenced, body)))
        prose, indented = _paragraphs(plain)
        unlinked = _FRAME.sub(" ", _URL.sub(" ", text))
        linked = [match for url in _URL.findall(text) for match in _BLOB.findall(url)]
        return cls(
            title=title,
            prose=" ".join(prose),
            code="\n".join(map(_without_versions, [*code, *indented])),
            inline=tuple(_INLINE.findall(f"{title}\n{plain}")),
            messages=messages,
            frames=tuple(Frame(*found) for found in _FRAME.findall(text)),
            paths=tuple(dict.fromkeys([*linked, *_PATH.findall(unlinked)])),
            dotted=tuple(dict.fromkeys(_DOTTED.findall(unlinked))),
            is_printed=printed,
        )


def _is_printed(text: str) -> bool:
    """Whether a program printed most of it: a stack trace or a log, whose first line is no title."""
    lines = sum(bool(line.strip()) for line in text.split("\n"))
    printed = len(_TRACE_LINE.findall(text)) + len(_LOG_LINE.findall(text))
    return printed > _MOSTLY * lines


def term_weights(issue: Issue) -> dict[str, float]:
    """Every telling token of an issue, and how much it counts before its rarity is known."""
    weights: dict[str, float] = {}
    parts = (
        (issue.title, _TITLE),
        (issue.prose, _PROSE),
        (issue.code, _CODE),
        (" ".join(issue.inline), _INLINE_CODE),
        (" ".join(issue.messages), _SAID),
    )
    for text, weight in parts:
        for term, often in _counted(tokenize_telling(text)).items():
            weights[term] = weights.get(term, 0.0) + weight * log1p(often) / log1p(1)
    return weights


def _counted(terms: Iterable[str]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for term in terms:
        counts[term] = counts.get(term, 0) + 1
    return counts


def _paragraphs(text: str) -> tuple[list[str], list[str]]:
    """Paragraphs of sentences, and those that are mostly indented."""
    prose: list[str] = []
    code: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line for line in paragraph.split("\n") if line.strip() and not _LISTED_VERSION.match(line)]
        if sum(bool(_INDENTED.match(line)) for line in lines) * 2 > len(lines):
            code.append("\n".join(lines))
            continue
        joined = " ".join(line.strip(" #*>") for line in lines)
        if len(_LETTERS.findall(joined)) >= _LEAST_WORDS:
            prose.append(joined)
    return prose, code


def _without_versions(code: str) -> str:
    return "\n".join(line for line in code.split("\n") if not _LISTED_VERSION.match(line))
