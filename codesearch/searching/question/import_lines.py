"""Lines that import a module, in any language: whether a line is one, and what it names."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["imported_in", "is_import"]

_WORDS = "import|from|use|using|require(?:_relative|_once)?|include(?:_once)?|open|alias"
_IMPORT = re.compile(
    rf"\s*(?:(?:{_WORDS}|@import|extern|package|export\b.*\bfrom)\b|#\s*(?:include|import)\b)"
    r"|.*\b(?:require|import)\s*\("
)
_IMPORTED = re.compile(
    rf"^[ \t]*(?:{_WORDS}|export|const|let|var|\}}|#\s*(?:include|import))\b"
    r"(?:[^\"'<\n]*[\"'<]([^\"'>\s]{2,200})[\"'>]|(?:\s+(?:static|qualified))?\s+([\w.:\\\\]{2,200})"
    r"(?:\s*[;{(]|\s+(?:import|as|exposing|hiding)\b|\s*$))",
    re.MULTILINE,
)


def is_import(line: str) -> bool:
    """Whether a line of code imports something.

    >>> is_import("const fs = require('fs')"), is_import("important = True")
    (True, False)
    """
    return _IMPORT.match(line) is not None


def imported_in(text: str) -> Iterator[str]:
    """Yield what the import lines of a text name: a path, a module, a symbol of a module.

    >>> list(imported_in("from app.http import retry"))
    ['app.http']
    """
    for match in _IMPORTED.finditer(text):
        yield match[1] or match[2]
