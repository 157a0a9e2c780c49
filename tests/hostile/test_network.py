"""Nothing leaves the machine: what works offline opens no socket, whatever the frameworks would like."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlx_jinabert.checkpoint.folder import EMBEDDED
from tests.support.paths import ROOT

_BLOCK = """
import socket, sys
def refuse(event, args):
    names = ("connect", "getaddrinfo", "gethostbyname", "sendto", "bind")
    if event in [f"socket.{name}" for name in names]:
        print("NETWORK", event, args[1:], file=sys.stderr, flush=True)
        raise PermissionError("no network in this test")
sys.addaudithook(refuse)
"""
_WORK = {
    "import": "import mlx_jinabert, codesearch, conversion.cli, codesearch.cli",
    "embed": "import mlx_jinabert; mlx_jinabert.load('embedded').encode(['x'])",
    "index and search": """
import codesearch
with codesearch.open_index(".") as index:
    index.refresh()
    assert index.search("add two numbers")
    assert index.similar(code="def add(a, b): return a + b")
""",
    "convert": """
from conversion.cli import main
try:
    main([FOLDER, "--to", "mlx", "--dtype", "float16", "--out", "out"])
except SystemExit as end:
    assert not end.code, end.code
""",
}


def _run(code: str, folder: Path, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    (folder / "a.py").write_text("def add(a, b):\n    return a + b\n")
    environment = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"}
    environment |= {"PYTHONPATH": str(ROOT), "CODESEARCH_HOME": str(folder / "home")}
    source = code.replace("FOLDER", repr(str(EMBEDDED)))
    command = [*prefix, sys.executable, "-c", source]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.parametrize("name", sorted(_WORK))
def test_no_socket_is_opened(tmp_path: Path, name: str) -> None:
    done = _run(_BLOCK + _WORK[name], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "NETWORK" not in done.stderr


def test_the_block_sees_a_connection(tmp_path: Path) -> None:
    done = _run(_BLOCK + "socket.create_connection(('127.0.0.1', 9))", tmp_path)
    assert "NETWORK" in done.stderr


@pytest.mark.parametrize("name", sorted(_WORK))
def test_it_works_where_there_is_no_network(tmp_path: Path, name: str) -> None:
    """Native code too: in a network namespace that has nothing, not even a way to this machine."""
    alone = ("unshare", "--net", "--map-root-user")
    probe = [*alone, "true"]
    if sys.platform != "linux" or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("cannot make a network namespace here")
    done = _run(_WORK[name], tmp_path, alone)
    assert done.returncode == 0, done.stderr
