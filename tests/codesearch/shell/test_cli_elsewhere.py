"""Indexes that come from elsewhere, or lie there: exports, stores, addresses of repositories."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from tests.support.command import run
from tests.support.running import require

FILES = {
    "src/client.py": "class Client:\n    def send(self, request):\n        return request\n",
    "src/retry.py": "def should_retry(attempt):\n    return attempt < 3\n",
}


def repository(folder: Path) -> Path:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return repository(tmp_path / "made")


def test_an_index_is_exported_and_imported(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODESEARCH_CACHE_BYTES", "0")
    assert run("index", cwd=made).returncode == 0
    exported = run("index", "export", str(tmp_path / "out.idx"), "--json", cwd=made)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=made, capture_output=True, text=True, check=True
    )
    assert json.loads(exported.stdout)["manifest"]["commit"] == commit.stdout.strip()
    clone = repository(tmp_path / "clone")
    digest = hashlib.sha256((tmp_path / "out.idx").read_bytes()).hexdigest()
    imported = run("index", "import", str(tmp_path / "out.idx"), "--sha256", digest, "--json", cwd=clone)
    assert imported.returncode == 0, imported.stderr
    found = json.loads(imported.stdout)
    assert (found["imported"]["files"], found["stats"]["embedded"]) == (2, 0)
    assert run("should_retry", "-l", "--no-refresh", cwd=clone).stdout.startswith("src/retry.py\n")
    wrong = run("index", "import", str(tmp_path / "out.idx"), "--sha256", "0" * 64, cwd=clone)
    assert wrong.returncode == 2
    assert "sha256" in wrong.stderr


def test_folders_of_these_names_are_indexed_as_paths(tmp_path: Path) -> None:
    folder = repository(tmp_path / "export")
    assert str(folder) in run("index", "./export", cwd=tmp_path).stdout


def test_a_store_is_filled_and_searched(made: Path, tmp_path: Path) -> None:
    require("qdrant_client")
    url = f"qdrant+file://{tmp_path}/qdrant/code"
    subprocess.run(["git", "remote", "add", "origin", "git@host.example:team/made.git"], cwd=made, check=True)
    filled = run("index", "--store", url, cwd=made)
    assert "chunks written" in filled.stdout, filled.stderr
    answer = json.loads(run("should_retry", "--store", url, "--json", cwd=tmp_path).stdout)
    assert (answer["results"][0]["path"], answer["root"]) == ("src/retry.py", "host.example/team/made")
    named = run("send", "-l", "--store", url, "host.example/team/made", cwd=tmp_path)
    assert named.stdout.startswith("host.example/team/made/src/client.py\n")
    assert run("send", "-l", "--store", url, ".", cwd=made).returncode == 0
    unknown = run("send", "--store", url, "nobody", cwd=tmp_path)
    assert unknown.returncode == 2
    assert "host.example/team/made" in unknown.stderr
    assert "codesearch index" in run("send", "--store", f"{url}-other", cwd=tmp_path).stderr


def test_a_repository_is_searched_by_its_address(made: Path, tmp_path: Path) -> None:
    found = run("should_retry", f"file://{made}", "-l", cwd=tmp_path)
    assert found.stdout.splitlines()[0].endswith("/src/retry.py"), found.stderr
    gone = run("should_retry", f"file://{tmp_path}/nothing", cwd=tmp_path)
    assert gone.returncode == 2
    assert "git fetch failed" in gone.stderr
