"""Colours for a terminal: syntax highlighting with the terminal's own palette.

The text is made safe before it comes here, and is coloured line by line, never changed. Imported only
when something is painted.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from codesearch.records import Hit
from codesearch.rendering.snippets import Line

__all__ = ["heading", "paint"]

_HEADING = "bold cyan"
# Languages that pygments does not know by our name, and what it reads them as; others stay plain.
_LEXERS = {"astro": "html", "gradle": "groovy", "metal": "cpp", "razor": "html", "svelte": "html"}


def heading(text: str) -> str:
    """A heading line, coloured."""
    return _ansi(Text(text, style=_HEADING))


def paint(hit: Hit, lines: Sequence[Line]) -> list[str]:
    """The lines highlighted together (a string may span several), one ANSI string each."""
    texts = [line.text for line in lines]
    syntax = Syntax("", _LEXERS.get(hit.language or "", hit.language or "text"), theme="ansi_dark")
    whole = syntax.highlight("\n".join(texts))
    painted = whole.split("\n", allow_blank=True)[: len(texts)]
    if [line.plain.rstrip() for line in painted] != [text.rstrip() for text in texts]:
        return texts  # a lexer that rewrites its input is not trusted
    return [_ansi(line) for line in painted]


def _ansi(text: Text) -> str:
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=True, color_system="standard", width=10_000, highlight=False, markup=False
    )
    console.print(text, end="", soft_wrap=True)
    return out.getvalue()
