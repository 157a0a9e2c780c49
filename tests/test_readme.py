"""What README.md shows is run: Python blocks as one program each, console blocks as typed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN_PATH = re.compile(r"^([\w./-]+\.\w+):\d+", re.MULTILINE)


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def _commands(block: str) -> Iterator[tuple[str, str]]:
    """(command, shown output) of each ``$`` line."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One home for all examples: this repository is indexed once."""
    scripts = str(Path(sys.executable).parent)
    home = str(tmp_path_factory.mktemp("readme"))
    path = scripts + os.pathsep + os.environ["PATH"]
    return os.environ | {"CODESEARCH_HOME": home, "PATH": path, "HF_HUB_OFFLINE": "1"}


def test_there_is_something_to_run() -> None:
    assert len(_blocks("python")) >= 2
    assert any("codesearch " in block for block in _blocks("console"))


@pytest.mark.parametrize("block", _blocks("python"), ids=lambda b: b.strip().splitlines()[0][:40])
def test_python_examples_run(block: str, environment: dict[str, str]) -> None:
    command = [sys.executable, "-W", "error:::mlx_jinabert", "-c", block]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", _blocks("console"), ids=lambda b: b.splitlines()[0][:60])
def test_console_examples_print_what_is_shown(block: str, environment: dict[str, str]) -> None:
    for command, shown in _commands(block):
        done = subprocess.run(
            shlex.split(command), env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert set(SHOWN_PATH.findall(shown)) <= set(SHOWN_PATH.findall(done.stdout)), command
