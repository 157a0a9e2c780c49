"""CI installs every program whose lack would skip a test: a skipped test fails there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = {"nginx": "nginx-light", "ctags": "universal-ctags"}
"""Programs that Debian packages under another name."""
GIVEN = frozenset({"git", "cc", "gcc", "chromium-browser", "google-chrome", "codesearch"})
"""What everybody has who builds the project, other names of Chromium, and our own."""


def test_ci_installs_what_tests_look_for() -> None:
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    installed = re.search(r"packages=\((.*?)\)", run)[1].split()
    wanted: dict[str, Path] = {}
    for path in (ROOT / "tests").rglob("*.py"):
        for name in re.findall(r"""which\(["']([\w.-]+)["']""", path.read_text(encoding="utf-8")):
            wanted[name] = path
    missing = {name: path for name, path in wanted.items() if PACKAGES.get(name, name) not in installed}
    assert len(wanted) > 5
    assert not missing.keys() - GIVEN, missing
