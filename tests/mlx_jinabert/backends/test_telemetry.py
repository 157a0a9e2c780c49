"""Nothing leaves the machine: no framework that we import reports home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.running import require
from tests.support.waiting import PATIENCE

_SEARCH = """
import pathlib, codesearch
pathlib.Path("a.py").write_text("def add(a, b):\\n    return a + b\\n")
with codesearch.open_index(".") as index:
    index.refresh()
    assert index.search("add two numbers")
"""


@pytest.mark.parametrize("asked", [{}, {"ORT_DISABLE_TELEMETRY": "0"}])
def test_a_search_leaves_no_telemetry_behind(tmp_path: Path, asked: dict[str, str]) -> None:
    require("onnxruntime")
    assert not _telemetry_of(tmp_path, asked)


def test_the_setting_that_turns_it_on_shows_that_the_test_sees_it(tmp_path: Path) -> None:
    require("onnxruntime")
    found = _telemetry_of(tmp_path, {"MLX_JINABERT_ORT_TELEMETRY": "1"})
    import onnxruntime

    if tuple(map(int, onnxruntime.__version__.split(".")[:2])) >= (1, 29):
        assert found


def _telemetry_of(folder: Path, asked: dict[str, str]) -> list[Path]:
    """Files below the home of one search that ONNX Runtime or anyone but us wrote."""
    home, tree = folder / "home", folder / "tree"
    home.mkdir()
    tree.mkdir()
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("ORT_", "XDG_", "CI", "GITHUB_"))
    }
    ours = {"CODESEARCH_HOME": str(folder / "index"), "MLX_JINABERT_CACHE": str(folder / "graphs")}
    root = str(ROOT)
    environment = {**kept, **ours, "HOME": str(home), "PYTHONPATH": root, **asked}
    subprocess.run([sys.executable, "-c", _SEARCH], cwd=tree, env=environment, check=True, timeout=PATIENCE)
    return [path for path in home.rglob("*") if path.is_file()]
