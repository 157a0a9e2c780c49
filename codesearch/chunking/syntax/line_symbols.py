"""Lines -> the definitions in them, in languages whose grammar nobody ships (line_patterns.py).

What belongs to a definition is told by its layout: it goes on until a line that is indented no more than
its first one, and takes that line in where it closes it (``}``, ``end``). That needs neither a lexer nor a
list of brackets, and holds for code as people format it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from codesearch.chunking.syntax.line_patterns import CASELESS, CLOSED_BY, LINE_PATTERNS, NAMES
from codesearch.chunking.syntax.members import Member
from codesearch.chunking.syntax.symbols import Definition
from codesearch.quick_dataclass import dataclass

__all__ = ["has_line_patterns", "line_definitions"]

_STATEMENT = (
    "if|else|elif|elsif|elseif|unless|until|for|foreach|while|switch|case|when|return|catch|try|do|await|yield|throw"
    "|assert|new|with|using|in|and|or|not|print|echo|delete|typeof|goto|super|this|import|export|package|required|typedef"
)
_FUNC = (
    r"[ \t]{0,40}(?!STATEMENT)(?:@\w+(?:\([^)\n]*\))?\s+)?"
    r"(?:[\w.]+(?:<[^;(){}\n]{0,120}>)?(?:\[\])*\??[*&]*[ \t]+[*&]*){1,6}"
)
_PARAMS = (
    r"\s*(?:<[^<>(){};\n]{0,80}>)?\((?:[^;{}()]|\([^;{}()]*\)|\{[^;{}]*\}){0,800}\)"
    r"(?:[^;{}()=\n]|=(?!>)){0,120}\s{0,40}(?:\{|=>)"
)
_CLOSER = re.compile(rb"(?:[}\])]|end\w*\b|fi\b|done\b|esac\b|\*/|\"\"\"|''')", re.IGNORECASE)
_OPENER = re.compile(rb"(?:\{|begin\b|as\b|is\b)", re.IGNORECASE)
_GOES_ON = re.compile(rb"(?:[{(\[=,|]|->|=>|\bdo|\bthen|\belse|\bbegin)\s*$")
_COMMENT = re.compile(rb"(?://|#(?!\s*(?:define|if|include|pragma))|--|;;|%|\*|/\*|@\w|\(\*|\[<|!)")
_FUNCTIONS = frozenset({"function", "method", "macro"})
_SMALL = frozenset({"function", "constant", "member"})
_OWNERS = frozenset({"class", "interface", "struct", "enum", "mixin", "extension", "impl"})
_MOST_COMMENT_LINES = 12
"""A longer comment is no longer part of what it stands above: its chunk would take the definition's name."""
_SIGNATURE_BYTES = 200
_NAME_BYTES = 120
_TAB = 8
_LONG_LINE = re.compile(r".{1000,}")
"""Nobody defines anything in a line like that, and no pattern gets the chance to be slow over it."""
_FURTHER = re.compile(
    r"(?:\[[^\]\n]{0,80}\]|\([^()\n]{0,80}\)|[ \t]|=[^,;!\n(\[]{0,80}){0,6},[ \t]*([^\W\d]\w*)"
)
"""The rest of a line after a name in ``a, b(3) = 1, c``: another name."""
_MOST_FURTHER = 40
_QUOTES = "'\"` "


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    indent: int
    """Columns; -1 for a blank line."""
    text: slice
    """Without its indentation."""


@dataclass(frozen=True, slots=True)
class _Found:
    line: int
    start: int
    kind: str
    name: str
    scope: tuple[str, ...]
    inside: frozenset[str]
    signature: str
    ends: re.Pattern[bytes] | None
    """Pattern that closes a block that is not indented (``@end``)."""


def has_line_patterns(language: str) -> bool:
    """Whether definitions are known by their lines in this language."""
    return language in LINE_PATTERNS


def line_definitions(data: bytes, language: str) -> tuple[list[Definition], list[Member]]:
    """Definitions by start (outer before inner), and the members in them by start."""
    lines = list(_lines(data))
    starts = [line.start for line in lines]
    found = sorted(_matches(data, language, starts), key=lambda each: (each.line, each.start))
    if found and found[0].kind == "section":
        return list(_sections(found, lines, data)), []
    definitions: list[Definition] = []
    members: list[Member] = []
    open_: list[int] = []
    taken: set[int] = set()
    seen: set[tuple[int, str]] = set()
    for each in found:
        while open_ and definitions[open_[-1]].end <= each.start:
            open_.pop()
        outer = definitions[open_[-1]] if open_ else None
        if not _counts(each, outer):
            continue
        if each.kind == "member":
            if (each.line, each.name) not in seen:
                members.append(Member(each.start, each.name))
            seen.add((each.line, each.name))
            continue
        if each.line in taken:
            continue
        taken.add(each.line)
        definition = _definition(each, data, lines, outer, open_[-1] if open_ else -1)
        definitions.append(definition)
        open_.append(len(definitions) - 1)
    return definitions, members


def _sections(found: Sequence[_Found], lines: Sequence[_Line], data: bytes) -> Iterator[Definition]:
    """Titles and what follows them; a line of ``====`` above a title belongs to it."""
    begins = [lines[each.line - _overlined(each, lines, data)].start for each in found]
    for each, start, end in zip(found, begins, [*begins[1:], len(data)], strict=True):
        yield Definition(start, end, each.kind, each.name, (), each.name, -1)


def _overlined(each: _Found, lines: Sequence[_Line], data: bytes) -> bool:
    around = [
        data[line.start : line.end].strip() for line in lines[max(each.line - 1, 0) : each.line + 2 : 2]
    ]
    return len(around) == 2 and len(around[0]) > 2 and around[0] == around[1] and len(set(around[0])) == 1


def _counts(each: _Found, outer: Definition | None) -> bool:
    """Whether it is defined where it stands: variables and functions inside of functions are not."""
    around = outer.kind if outer else ""
    if each.inside:
        return around in each.inside
    return not (around in _FUNCTIONS and each.kind in _SMALL)


def _definition(
    each: _Found, data: bytes, lines: Sequence[_Line], outer: Definition | None, parent: int
) -> Definition:
    scope = (*outer.scope, outer.name) if outer and outer.name else (outer.scope if outer else ())
    kind = each.kind
    if kind == "function" and outer and outer.kind in _OWNERS:
        kind = "method"
    first = _with_comment(data, lines, each.line, outer)
    end = _end_keyword(data, lines[each.line], each.ends) or _end(data, lines, each.line)
    end = min(end, outer.end) if outer else end
    return Definition(first, end, kind, each.name, (*scope, *each.scope), each.signature, parent)


def _with_comment(data: bytes, lines: Sequence[_Line], at: int, outer: Definition | None) -> int:
    """The start of the comment and annotation lines directly above, else of the line itself."""
    floor = outer.start if outer else -1
    first = at
    while at and lines[at - 1].indent >= 0 and lines[at - 1].start > floor:
        if not _COMMENT.match(data, lines[at - 1].text.start, lines[at - 1].text.stop):
            break
        at -= 1
    return lines[at if first - at <= _MOST_COMMENT_LINES else first].start


def _end_keyword(data: bytes, line: _Line, ends: re.Pattern[bytes] | None) -> int | None:
    """The end of the line that closes the block by its keyword; None where the language has none."""
    found = ends.search(data, line.end) if ends else None
    return found.end() if found else None


def _end(data: bytes, lines: Sequence[_Line], at: int) -> int:
    """Where the block that begins on this line ends (exclusive)."""
    indent, end = lines[at].indent, lines[at].end
    opened = False
    for line in lines[at + 1 :]:
        if line.indent < 0:
            continue
        if line.indent <= indent:
            text = data[line.text]
            goes_on = _GOES_ON.search(text) is not None
            if line.indent == indent and _CLOSER.match(text):
                end = line.end
                if goes_on:
                    continue
                break
            if not (line.indent == indent and not opened and _OPENER.match(text)):
                break
            opened = True
        end = line.end
    return end


def _lines(data: bytes) -> Iterator[_Line]:
    start = 0
    while start < len(data):
        newline = data.find(b"\n", start)
        end = newline + 1 if newline >= 0 else len(data)
        head = data[start : min(end, start + 200)]
        bare = head.lstrip(b" \t")
        width = len(head) - len(bare)
        blank = not data[start:end].strip()
        indent = -1 if blank else len(head[:width].expandtabs(_TAB))
        yield _Line(start, end, indent, slice(start + width, end))
        start = end


def _matches(data: bytes, language: str, starts: Sequence[int]) -> Iterator[_Found]:
    encoding = "utf-8" if _is_utf8(data) else "latin-1"
    mark = len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0  # "^" is what follows it
    text = _LONG_LINE.sub(lambda line: " " * len(line[0]), data[mark:].decode(encoding))
    begins = [0, *(match.end() for match in re.finditer("\n", text))]
    for kind, inside, expression in _compiled(language):
        for match in expression.finditer(text):
            at, end = match.span("name")
            name = text[at : min(end, at + _NAME_BYTES)].strip(" " if kind == "section" else _QUOTES)
            line = bisect_right(begins, at) - 1
            start = starts[line] + len(text[begins[line] : at].encode(encoding)) + (0 if line else mark)
            scope = match.groupdict().get("scope")
            signature = "" if kind.startswith("member") else _signature(text, match.start(), at)
            ends = _closing(language, data[starts[line] : start])
            found = _Found(
                line, start, kind.rstrip("+"), name, (scope,) if scope else (), inside, signature, ends
            )
            yield found
            if kind.endswith("+"):
                for more in _further(text, end):
                    yield replace(found, name=more)


def _further(text: str, at: int) -> Iterator[str]:
    for _ in range(_MOST_FURTHER):
        match = _FURTHER.match(text, at)
        if match is None:
            return
        yield match[1]
        at = match.end()


def _closing(language: str, before: bytes) -> re.Pattern[bytes] | None:
    """Return the word that closes a block with these first words."""
    for opening, closing in _closings(language):
        if opening.match(before):
            return closing
    return None


@cache
def _closings(language: str) -> tuple[tuple[re.Pattern[bytes], re.Pattern[bytes]], ...]:
    flags = re.MULTILINE | (re.IGNORECASE if language in CASELESS else 0)
    return tuple(
        (
            re.compile(rf"[ \t]*(?:\w+[ \t]+)*?{opening}(?!\w)".encode(), flags),
            re.compile(rf"^[ \t]*{closing}\b.*\n?".encode(), flags),
        )
        for opening, closing in CLOSED_BY.get(language, {}).items()
    )


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _signature(text: str, start: int, name: int) -> str:
    """The line of the name, from where the definition begins."""
    end = text.find("\n", name)
    raw = text[start : min(end if end >= 0 else len(text), start + 2 * _SIGNATURE_BYTES)]
    return re.sub(r"\s+", " ", raw).strip()[:_SIGNATURE_BYTES].rstrip(" {:=")


@cache
def _compiled(language: str) -> tuple[tuple[str, frozenset[str], re.Pattern[str]], ...]:
    """(kind, kinds it must stand in, expression) for each pattern of the language."""
    name = f"(?P<name>{NAMES.get(language, NAMES[''])})"
    flags = re.MULTILINE | (re.IGNORECASE if language in CASELESS else 0)
    entries = []
    for label, source in LINE_PATTERNS[language]:
        kind, _, inside = label.partition("@")
        expression = source.replace("FUNC", _FUNC).replace("PARAMS", _PARAMS)
        expression = expression.replace("STATEMENT", f"(?:{_STATEMENT})\\b").replace("NAME", name)
        entries.append((kind, frozenset(inside.split(",")) - {""}, re.compile("^" + expression, flags)))
    return tuple(entries)
