"""With PARITY set, a test that is skipped because something is missing fails the run, in any process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

FILES = {
    "test_passes.py": "def test_it():\n    pass\n",
    "test_module.py": "import pytest\n\npytest.importorskip('no_such_module')\n",
    "test_inside.py": "import pytest\n\n\ndef test_it():\n    pytest.skip('needs a thing')\n",
    "test_marked.py": "import pytest\n\n\n@pytest.mark.skip('needs a thing')\ndef test_it():\n    pass\n",
    "test_elsewhere.py": "import pytest\n\n\ndef test_it():\n    pytest.skip('another system')\n",
}
NAMED = ["test_inside.py::test_it", "test_marked.py::test_it", "test_module.py"]


@pytest.mark.parametrize(
    ("parity", "processes"),
    [("1", ()), ("1", ("-n", "2")), ("", ("-n", "2"))],
    ids=["alone", "two", "without"],
)
def test_what_is_missing(tmp_path: Path, parity: str, processes: tuple[str, ...]) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", *processes]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, "--basetemp", tmp_path / "temporary"],
        cwd=tmp_path,
        env=inherited | {"PARITY": parity, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed, 4 skipped" in done.stdout, done.stdout + done.stderr
    assert done.returncode == bool(parity), done.stdout + done.stderr
    named = [line.partition(": ")[0] for line in done.stdout.splitlines() if ".py" in line and ": " in line]
    assert sorted(named) == (NAMED if parity else [])
