"""Blank out macros between ``class`` and the name, so that C and C++ parse as a compiler would read them.

``class ENGINE_API Hero : Actor {`` is no C++ before the preprocessor has run: a grammar takes it for a
function, and its members for statements; ``LIB_API int f(int a) LOCKED(mutex) {`` is no better. Such macros
are blanked out, byte for byte, so that every offset stays what it was.
"""

from __future__ import annotations

import re

__all__ = ["without_export_macros"]

_DECLARED = re.compile(
    rb"""\b(?:class|struct|union|enum(?:[ \t]+(?:class|struct))?)[ \t]+
    (?P<macros>(?:
        [A-Z_][A-Z0-9_]+(?:[ \t]*\([^()\n]{0,200}\))?\s+ (?!final\b)
        | __declspec[ \t]*\([^()\n]{0,200}\)\s*
        | __attribute__[ \t]*\(\([^()\n]{0,200}(?:\([^()\n]{0,100}\))?[^()\n]{0,100}\)\)\s*
    ){1,4})
    (?=[A-Za-z_]\w{0,200}(?:::\w{1,200})*(?:[ \t]*<[^<>;{}\n]{0,200}>)?(?:\s+final)?\s*(?:\{|:(?!:)))""",
    re.VERBOSE,
)
_BEFORE_FUNCTION = re.compile(
    rb"""^[ \t]*(?P<macros>[A-Z][A-Z0-9_]{4,}(?:_|\b)[ \t]+)
    (?=(?:(?:static|inline|virtual|constexpr|const|extern|unsigned|explicit)[ \t]+){0,3}
    [A-Za-z_][\w:]{0,80}(?:<[^<>;{}()\n]{0,80}>)?[ \t*&]+[\w:~]{1,80}[ \t]*\()""",
    re.VERBOSE | re.MULTILINE,
)
_AFTER_FUNCTION = re.compile(
    rb"""\)[ \t]{0,8}(?:const\b)?(?:[ \t]*\n)?[ \t]{0,80}
    (?P<macros>[A-Z][A-Z0-9_]{4,}\([\w:&*., \t-]{0,200}\))
    (?=[ \t]*\{)""",
    re.VERBOSE,
)
_BLANK = re.compile(rb"[^\n\r]")


def without_export_macros(data: bytes) -> bytes:
    """The same bytes with spaces for macros before a class's name and before and after a function's head.

    >>> without_export_macros(b"class LIB_API Slider : Control {")
    b'class         Slider : Control {'
    """

    def blanked(found: re.Match[bytes]) -> bytes:
        whole, begin = found[0], found.start()
        first, last = found.start("macros") - begin, found.end("macros") - begin
        return whole[:first] + _BLANK.sub(b" ", whole[first:last]) + whole[last:]

    for expression in (_DECLARED, _BEFORE_FUNCTION, _AFTER_FUNCTION):
        data = expression.sub(blanked, data)
    return data
