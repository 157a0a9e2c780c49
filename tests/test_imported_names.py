"""What benches, scripts and tests import of the packages is there: most of them no other test runs."""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("benches", "codesearch", "conversion", "mlx_jinabert", "scripts", "training")
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("benches", "scripts", "training", "tests")
    for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("file", FILES)
def test_every_name_that_is_imported_exists(file: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or (node.module or "").partition(".")[0] not in OURS:
            continue
        try:
            module = import_module(str(node.module))
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in OURS:
                raise
            pytest.skip(f"imports {error.name}, which is not here")
        for alias in node.names:
            found = hasattr(module, alias.name) or find_spec(f"{node.module}.{alias.name}")
            assert found, f"{node.module} has no {alias.name}"
