"""Documentation and code of Python's standard library: real texts that are on every machine."""

from __future__ import annotations

import ast
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_LEAST_PROSE, _MOST_CODE = 25, 600


@dataclass(frozen=True)
class Documented:
    """A function in two texts that share no line: the first paragraph of its documentation, and the rest."""

    prose: str
    code: str


@cache
def documented_functions(count: int) -> tuple[Documented, ...]:
    """So many, spread evenly over all modules of the library's top level; no two with the same prose."""
    found: dict[str, Documented] = {}
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and (prose := ast.get_docstring(node)) and node.body[1:]:
                first, last = node.body[0].lineno - 1, node.body[0].end_lineno
                code = "\n".join(lines[node.lineno - 1 : first] + lines[last : node.end_lineno])
                prose = " ".join(prose.split("\n\n")[0].split())
                if len(prose) >= _LEAST_PROSE and len(code) >= 2 * _LEAST_PROSE:
                    found.setdefault(prose, Documented(prose, code[:_MOST_CODE]))
    every = tuple(found.values())
    return every[:: len(every) // count][:count]
