"""A Jupyter notebook -> one text in its kernel's language: its cells in order, without outputs and pictures.

The text is the "percent format" that editors and jupytext know: every cell begins with a ``# %% cell 3``
line, prose is a comment, magics are commented out. It is cut, searched and shown like any source file; the
lines that are reported are those of the notebook's own file, where each line of a cell has one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from codesearch.files.languages import LANGUAGES
from codesearch.quick_dataclass import dataclass

__all__ = ["Notebook", "read_notebook"]

_MAGIC = re.compile(r"\s*[%!?]|\s*[\w.]+\?{1,2}\s*$")
_HASH = frozenset(
    {"bash", "crystal", "elixir", "julia", "nim", "perl", "powershell", "python", "r", "ruby", "tcl"}
)
_DASHES = frozenset({"ada", "elm", "haskell", "lua", "sql"})
_KERNELS = {
    "c++": "cpp", "c++11": "cpp", "c++14": "cpp", "c++17": "cpp", "c#": "csharp", "f#": "fsharp",
    "ipython": "python", "ijavascript": "javascript", "ir": "r", "sagemath": "python", "sage": "python",
    "pyspark": "python", "xeus-python": "python", "pwsh": "powershell",
}  # fmt: skip
_SOURCE_START = re.compile(rb'"source"\s*:\s*(\[|")')


@dataclass(frozen=True, slots=True)
class Notebook:
    """The text of a notebook as UTF-8; ``lines`` holds the line of the file for each of its own, 1-based."""

    data: bytes
    language: str | None
    lines: tuple[int, ...]


def read_notebook(data: bytes) -> Notebook | None:
    """The cells of a notebook; None for JSON that is none, and for a notebook without any text."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    cells = _cells(content)
    if not cells:
        return None
    language = _language(content)
    mark = _comment(language)
    starts = _source_lines(data, len(cells))
    text: list[str] = []
    lines: list[int] = []
    for number, (cell, start) in enumerate(zip(cells, starts, strict=True), 1):
        kind, source = cell
        if not source.strip():
            continue
        written = [_heading(mark, number, kind), *_written(kind, source, mark)]
        text += written
        first, step = start
        lines += [first + step * offset for offset in range(len(written))]
    return Notebook("".join(line + "\n" for line in text).encode(), language, tuple(lines)) if text else None


def _cells(content: Any) -> list[tuple[str, str]]:
    """(kind, source) of every cell; version 3 keeps them in worksheets and calls the source ``input``."""
    if not isinstance(content, dict):
        return []
    cells = content.get("cells")
    if not isinstance(cells, list):
        sheets = content.get("worksheets")
        sheets = sheets if isinstance(sheets, list) else []
        inner = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        cells = [cell for part in inner if isinstance(part, list) for cell in part]
    found = []
    for cell in cells:
        if isinstance(cell, dict):
            source = cell.get("source", cell.get("input", ""))
            source = "".join(map(str, source)) if isinstance(source, list) else source
            found.append((str(cell.get("cell_type", "code")), source if isinstance(source, str) else ""))
    return found


def _language(content: dict[str, Any]) -> str | None:
    """The kernel's language; Python where nothing says so, as Jupyter takes it."""
    metadata = content.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    named: list[Any] = []
    for key, field in (("language_info", "name"), ("kernelspec", "language"), ("kernelspec", "name")):
        part = metadata.get(key)
        named.append(part.get(field) if isinstance(part, dict) else None)
    for name in named:
        if isinstance(name, str) and name:
            lower = name.lower()
            plain = _KERNELS.get(lower, lower.rstrip("0123456789.- "))
            return plain if plain in LANGUAGES else None
    return "python"


def _comment(language: str | None) -> str:
    if language is None or language in _HASH:
        return "#"
    return "--" if language in _DASHES else "//"


def _heading(mark: str, number: int, kind: str) -> str:
    return f"{mark} %% cell {number}" + ("" if kind == "code" else f" [{kind}]")


def _written(kind: str, source: str, mark: str) -> Iterator[str]:
    source_lines = source.split("\n")
    if source_lines and not source_lines[-1]:
        source_lines.pop()
    whole = kind != "code" or (source_lines and source_lines[0].startswith("%%"))
    for line in source_lines:
        yield f"{mark} {line}".rstrip() if whole or _MAGIC.match(line) else line


def _source_lines(data: bytes, count: int) -> Sequence[tuple[int, int]]:
    """For each cell the line of the file that its source begins in, and how many of them a line of it takes.

    Notebooks are written with one line of the file for each line of a cell; where that is not so (all in
    one line), every line of the cell is said to stand where the cell begins.
    """
    starts: list[tuple[int, int]] = []
    line, at = 1, 0
    for found in _SOURCE_START.finditer(data):
        line += data.count(b"\n", at, found.end())
        at = found.end()
        spread = found[1] == b"[" and data[at : at + 1] in (b"\n", b"\r")
        starts.append((line, int(spread)))
    return starts if len(starts) == count else [(1, 0)] * count
