"""Where a name stands in code, and as what: a call, an import, another use.

By tokens, not by types: Pygments tells code from comments and strings, and what stands around the name
tells a call from another use. Which of several definitions of the name is meant, nobody decides here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal

from codesearch.quick_dataclass import dataclass
from codesearch.searching.question.import_lines import is_import

__all__ = ["Occurrence", "Use", "called_names", "defining_line", "occurrences"]

Use = Literal["call", "import", "use"]

_CALLED = re.compile(r"[!?]?(?:::)?(?:<[^<>()\n]{0,80}>)?[ \t]*\(")
_MADE = re.compile(r"\bnew[ \t]+(?:[\w.\\]+[.\\])?$")
_DECLARED = re.compile(
    r"(?:^-(?:spec|callback)[ \t]+)$"
    r"|\b(?:def|defp|defmacro|defn|defun|fn|func|fun|function|sub|proc|method|class|struct|enum|trait|interface|"
    r"object|record|protocol|impl|type|typedef|module|namespace|macro|macro_rules!|let|const|var|val)[ \t]+"
    r"(?:\([^()\n]*\)[ \t]*|[\w<>,]+(?:\.|::|#))*$"
)
_IN_COMMENT = re.compile(r"(?:[ \t]*\*(?:[ \t/][^\n]*)?(?:\n|\Z))+")
"""The rest of a block comment that began in the chunk before."""
_NAME = re.compile(r"[^\W\d][\w$]*[!?]?")
_WITHOUT_PARENTHESES = frozenset(
    {
        "bash",
        "elixir",
        "elm",
        "fish",
        "fsharp",
        "haskell",
        "make",
        "nix",
        "ocaml",
        "perl",
        "powershell",
        "ruby",
        "tcl",
    }
)
"""Languages in which a call needs no parentheses: every other use may be one."""
_READ_AS = {"astro": "javascript", "gradle": "groovy", "metal": "cpp", "razor": "html", "svelte": "html"}
_DECLARED_AT_MARGIN = frozenset({"erlang", "prolog"})
"""Languages in which a line that begins with a name is a clause of its definition."""
_POD = re.compile(r"^=[a-z]\w*.*?(?:^=cut\b[^\n]*|\Z)", re.MULTILINE | re.DOTALL)
_STATEMENT = re.compile(r"^[^\s#=][^\n]*[;{}][ \t]*$", re.MULTILINE)
_LISPS = frozenset({"clojure", "commonlisp", "elisp", "racket", "scheme"})


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A name in a text: the line, from 0, and what it is there."""

    line: int
    use: Use


def occurrences(text: str, name: str, language: str | None, *, defines: bool = False) -> list[Occurrence]:
    """Return the lines in which a name is used; comments, strings and its definition are left out.

    Args:
        text: of one chunk.
        name: spelt as it is, without qualifiers.
        language: of ``languages.py``; nothing is found where Pygments does not know it.
        defines: whether the text holds the definition, which is then where the name comes first.
    """
    code = _code(text, language)
    found: list[Occurrence] = []
    skip = defines
    for match in _whole(name).finditer(code):
        if skip or _is_declared(code, match.start(), language):
            skip = False
            continue
        line = code.count("\n", 0, match.start())
        found.append(Occurrence(line, _use(code, match.start(), match.end(), language)))
    return list(dict.fromkeys(found))


def defining_line(text: str, name: str, language: str | None) -> int:
    """Return the line, from 0, in which a text that defines a name does so, as far as syntax tells."""
    code = _code(text, language)
    places = [match.start() for match in _whole(name).finditer(code)]
    places = places or [match.start() for match in _whole(name).finditer(text)]
    at = next((at for at in places if _is_declared(code, at, language)), places[0] if places else 0)
    return text.count("\n", 0, at)


def called_names(text: str, language: str | None) -> dict[str, int]:
    """Return the names that a text calls, each with the line, from 0, of its first call."""
    code = _code(text, language)
    found: dict[str, int] = {}
    for match in _NAME.finditer(code):
        if match[0] in found or _is_declared(code, match.start(), language):
            continue
        if _use(code, match.start(), match.end(), language) == "call":
            found[match[0]] = code.count("\n", 0, match.start())
    return found


def _use(code: str, at: int, end: int, language: str | None) -> Use:
    start = code.rfind("\n", 0, at) + 1
    line = code[start:at]
    if _CALLED.match(code, end) or _MADE.search(line):
        return "call"
    if is_import(code[start:].split("\n", 1)[0]):
        return "import"
    if language in _LISPS:
        return "call" if line.endswith("(") else "use"
    return "call" if language in _WITHOUT_PARENTHESES else "use"


def _whole(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])")


def _is_declared(code: str, at: int, language: str | None) -> bool:
    before = code[code.rfind("\n", 0, at) + 1 : at]
    return (not before and language in _DECLARED_AT_MARGIN) or _DECLARED.search(before) is not None


def _code(text: str, language: str | None) -> str:
    """Return the text with comments and strings blanked out, every line where it was; "" if unreadable."""
    lexer = _lexer(language)
    if lexer is None:
        return ""
    from pygments.token import Comment, String

    if language == "perl":
        text = _without_pod(text)
    inside = _IN_COMMENT.match(text)
    begin = inside.end() if inside else 0
    parts = [_blank(text[:begin])]
    for _, kind, piece in lexer.get_tokens_unprocessed(text[begin:]):
        parts.append(_blank(piece) if kind in Comment or kind in String else piece)
    return "".join(parts)


def _without_pod(text: str) -> str:
    """Return a chunk of Perl with its documentation blanked out, also such as began in the chunk before."""
    first = _POD.search(text)
    if first and not _STATEMENT.search(text, 0, first.start()):
        text = _blank(text[: first.start()]) + text[first.start() :]
    return _POD.sub(lambda pod: _blank(pod[0]), text)


def _blank(text: str) -> str:
    return "\n".join(" " * len(line) for line in text.split("\n"))


@lru_cache(maxsize=64)
def _lexer(language: str | None) -> Any:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(_READ_AS.get(language or "", language or ""))
    except ClassNotFound:
        return None
