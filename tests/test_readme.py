"""README.md and the guide are run as they stand, in a project that is not this one."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PAGES = ("README.md", "docs/guide.md")
TEXT = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
PROJECT = {
    "app/client.py": "class Client:\n    def send(self, request):\n        return open(request).read()\n",
    "app/retry.py": "def should_retry(attempt):\n    return attempt < 3\n\n\ndef sleep_retry(s):\n    pass\n",
    "web/config.js": "export function parseConfiguration(text) {\n  return JSON.parse(text);\n}\n",
    "README.md": "# A project\n\nwhere retries are decided\n",
}
_NOT_TYPED = re.compile(
    r"^(pip install|make |convert-weights|codesearch (bench|serve|agents)|mlx-jinabert serve)"
)


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def _commands() -> list[str]:
    lines = [line.partition("  #")[0].strip() for block in _blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line and not _NOT_TYPED.match(line)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of somebody who reads the README."""
    root = tmp_path_factory.mktemp("project")
    for name, text in PROJECT.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One home for all examples."""
    home = str(tmp_path_factory.mktemp("readme"))
    return os.environ | {"CODESEARCH_HOME": home, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}


def test_there_is_something_to_run() -> None:
    assert len(_blocks("python")) >= 5
    assert len(_commands()) >= 4


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").read_text(encoding="utf-8").count("\n") < 130


@pytest.mark.parametrize("block", _blocks("python"), ids=lambda b: b.strip().splitlines()[0][:40])
def test_python_examples_run(block: str, project: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-W", "error:::mlx_jinabert", "-c", block]
    done = subprocess.run(command, env=environment, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", _commands())
def test_commands_answer(line: str, project: Path, environment: dict[str, str]) -> None:
    program, *arguments = shlex.split(line)
    assert program == "codesearch"
    command = [sys.executable, "-m", "codesearch", *arguments]
    done = subprocess.run(command, env=environment, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}: {done.stderr}"
    assert done.stdout
