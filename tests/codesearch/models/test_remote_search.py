"""codesearch with a remote model, from end to end, over a real HTTP server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codesearch import open_index
from codesearch.errors import ModelMismatch, ModelUnavailable
from codesearch.shell.doctor import examine
from tests.support.embedding_server import MODEL, EmbeddingServer, Fault, running_server, running_without_keys

FILES = {
    "http.py": "def retry_request(session):\n    # Again, after a broken connection.\n    return session\n",
    "colors.py": "def blend(red, green):\n    return red + green\n",
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    yield from running_without_keys(monkeypatch)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_files(tmp_path / "tree")


def write_files(folder: Path) -> Path:
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def paths(tree: Path, model: object) -> list[str]:
    with open_index(tree, model=model, here=True) as index:
        index.refresh()
        return [hit.path for hit in index.search("broken connection retry", mode="semantic")]


@pytest.mark.parametrize("protocol", ["tei", "openai"])
def test_the_hits_are_those_of_the_same_model_on_this_machine(
    server: EmbeddingServer, tree: Path, protocol: str
) -> None:
    assert paths(tree, server.name(protocol)) == ["http.py", "colors.py"]
    assert paths(write_files(tree.parent / "copy"), MODEL) == ["http.py", "colors.py"]


def test_an_unchanged_tree_sends_no_text_of_its_files(server: EmbeddingServer, tree: Path) -> None:
    paths(tree, server.name("tei"))
    sent = [text for request in server.posts() for text in request.texts]
    assert any("retry_request" in text for text in sent)
    server.requests.clear()
    assert paths(tree, None) == ["http.py", "colors.py"]
    sent = [text for request in server.posts() for text in request.texts]
    assert not any("retry_request" in text for text in sent)


def test_another_model_behind_the_same_name_is_told(server: EmbeddingServer, tree: Path) -> None:
    paths(tree, server.name("tei"))
    with running_server() as other:
        assert paths(tree, other.name("tei")) == ["http.py", "colors.py"]
    server.info["model_sha"] = "b" * 40
    with pytest.raises(ModelMismatch):
        paths(tree, server.name("tei"))


def test_a_service_that_fails_costs_no_text_hits(server: EmbeddingServer, tree: Path) -> None:
    with open_index(tree, model=server.name("openai"), here=True) as index:
        server.change = lambda answer: server.faults.append(Fault(404, "gone")) or answer
        with pytest.raises(ModelUnavailable, match="404: gone"):
            index.refresh()
        assert [hit.path for hit in index.search("blend", mode="lexical")] == ["colors.py"]


def test_doctor_asks_the_service(server: EmbeddingServer) -> None:
    def found(name: str) -> tuple[str, str]:
        finding = next(f for f in examine(name) if f.what == f"model {name}")
        return finding.level, finding.found

    assert found(server.name("tei")) == ("ok", "answers with 64 dimensions")
    level, said = found("tei+http://127.0.0.1:1")
    assert level == "FAIL"
    assert "cannot be reached" in said


def test_the_command_line(server: EmbeddingServer, tree: Path) -> None:
    command = [sys.executable, "-m", "codesearch", "--model", server.name("openai"), "--root-here", "--json"]
    done = subprocess.run(
        [*command, "broken connection", str(tree)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "http.py" in json.dumps(json.loads(done.stdout))
    down = [*command[:4], "openai+http://127.0.0.1:1/v1#m", *command[5:], "x", str(tree.parent)]
    done = subprocess.run(down, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "127.0.0.1:1" in json.loads(done.stdout)["error"]
