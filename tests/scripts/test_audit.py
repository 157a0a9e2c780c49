"""An audit that looked nothing up is not a clean one."""

from __future__ import annotations

import json

import pytest

from scripts.audit import report

SOUND = {"name": "numpy", "version": "2.4.6", "vulns": []}
SKIPPED = {"name": "regex", "skip_reason": "Dependency not found on PyPI and could not be audited: regex (1)"}
BAD = {
    "name": "jinja2",
    "version": "3.1.5",
    "vulns": [{"id": "PYSEC-2025-1", "fix_versions": ["3.1.6"], "aliases": [], "description": "..."}],
}


@pytest.mark.parametrize(
    ("packages", "said", "status"),
    [
        ([SOUND], "audit: 1 of 1 packages, 0 advisories", 0),
        ([SOUND, BAD], "jinja2 3.1.5: PYSEC-2025-1, mended in 3.1.6", 1),
        ([SOUND, SKIPPED], "not looked up: regex", 2),
        ([SKIPPED, SKIPPED], "audit: not done: no package could be looked up", 2),
        ([], "the lock is empty", 2),
    ],
)
def test_what_was_not_looked_up_is_said(packages: list[object], said: str, status: int) -> None:
    lines, code = report(json.dumps({"dependencies": packages, "fixes": []}), "")
    assert code == status
    assert any(line.startswith(said) or said in line for line in lines)


@pytest.mark.parametrize("output", ["", "{", "[]", "{}"])
def test_without_network_there_is_one_line(output: str) -> None:
    lines, code = report(output, "Traceback\n  ...\nConnectionError: no route to host\n")
    assert (len(lines), code) == (1, 2)
    assert "ConnectionError: no route to host" in lines[0]
