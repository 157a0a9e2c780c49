"""Recognise the language of a file by its path, and by its beginning where the name cannot tell.

A path is enough for nearly every file; the beginning decides where there is no extension (the ``#!`` line),
and for ``.h`` (C, C++ or Objective-C) and ``.m`` (Objective-C or MATLAB).
"""

from __future__ import annotations

import re

from codesearch.files.languages import EXTENSIONS, FILENAMES, INTERPRETERS

__all__ = ["language_of"]

_SHEBANG = re.compile(rb"#!\s*(?:\S*/)?env\s+(?:-S\s+)?(?:-\S+\s+|\w+=\S*\s+)*(\S+)|#!\s*(\S+)")
_CPP_ONLY = re.compile(
    rb"^\s*(?:class\s+\w|namespace\s+[\w:]*\s*\{|template\s*<|using\s+\w|(?:public|private|protected)\s*:)"
    rb"|^\s*#\s*include\s*<[a-z_]+>|\bstd::|\bconstexpr\b|\bnullptr\b|\bnoexcept\b",
    re.MULTILINE,
)
_OBJECTIVE_C_ONLY = re.compile(
    rb"^\s*(?:@(?:interface|implementation|protocol|class|import|property|end)\b|#\s*import\b)", re.M
)
_MATLAB_ONLY = re.compile(rb"^(?:\s*%|\s*function\b|\s*classdef\b)", re.MULTILINE)


def language_of(path: str, head: bytes = b"") -> str | None:
    """The language of the file at ``path``; ``head`` is its beginning (a line is enough for ``#!``).

    None: nothing says what it is, which does not keep it from being indexed as text.
    """
    filename = path.rpartition("/")[2]
    lower = filename.lower()
    if (name := FILENAMES.get(lower)) is not None:
        return name
    stem, dot, extension = lower.rpartition(".")
    if dot and (name := EXTENSIONS.get(extension)) is not None:
        return _of_header(head) if extension == "h" else _of_matlab(head, name) if extension == "m" else name
    if stem.startswith(("dockerfile", "containerfile")) or lower.startswith("dockerfile."):
        return "dockerfile"
    if lower.startswith(("makefile.", "gnumakefile.")):
        return "make"
    return _from_shebang(head)


def _of_header(head: bytes) -> str:
    if _OBJECTIVE_C_ONLY.search(head):
        return "objective-c"
    return "cpp" if _CPP_ONLY.search(head) else "c"


def _of_matlab(head: bytes, otherwise: str) -> str:
    """``.m`` is Objective-C's extension and MATLAB's."""
    return "matlab" if _MATLAB_ONLY.search(head) and not _OBJECTIVE_C_ONLY.search(head) else otherwise


def _from_shebang(head: bytes) -> str | None:
    found = _SHEBANG.match(head.split(b"\n", 1)[0])
    if not found:
        return None
    program = (found[1] or found[2]).rpartition(b"/")[2].decode("ascii", "replace")
    return INTERPRETERS.get(program) or INTERPRETERS.get(program.rstrip("0123456789.-"))
