"""Source to lines of coloured pieces, by Pygments. The browser makes text of them, never markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["Line", "coloured"]

Line = list[tuple[str, str]]
"""(class, text) of each piece; "" for plain text."""

_LARGEST = 400_000
"""Characters; longer files stay plain."""


def coloured(text: str, path: str) -> list[Line]:
    """Return one list of pieces for each line."""
    if len(text) > _LARGEST:
        return [[("", line)] for line in text.split("\n")]
    from pygments.token import STANDARD_TYPES

    lines: list[Line] = [[]]
    for kind, piece in _lexer(path).get_tokens(text):
        name = STANDARD_TYPES.get(kind) or STANDARD_TYPES.get(kind.parent, "")
        for at, part in enumerate(piece.split("\n")):
            if at:
                lines.append([])
            if part:
                lines[-1].append((name[:2], part))
    return _trimmed(lines, text.count("\n") + 1)


def _lexer(path: str) -> Any:
    from pygments.lexers import TextLexer, get_lexer_for_filename
    from pygments.util import ClassNotFound

    options: dict[str, Any] = {"stripnl": False, "ensurenl": False}
    try:
        return get_lexer_for_filename(path, **options)
    except ClassNotFound:
        return TextLexer(**options)


def _trimmed(lines: Sequence[Line], count: int) -> list[Line]:
    """As many lines as the text has: some lexers add one."""
    return [*lines[:count], *([] for _ in range(count - len(lines)))]
