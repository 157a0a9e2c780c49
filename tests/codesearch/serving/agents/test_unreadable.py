"""Lines over stdin that are no message: each is answered, for a client without an answer waits for ever."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

pytest.importorskip("mcp")

from tests.support.trees import write_tree

_HELLO = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-03-26",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    },
}


def exchange(folder: Path, lines: list[bytes]) -> list[dict[str, Any]]:
    """The answers to a greeting and to these lines, one after another."""
    program = [sys.executable, "-m", "codesearch", "mcp"]
    with subprocess.Popen(program, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        late = Timer(60, process.kill)  # instead of waiting for an answer that does not come
        late.start()
        answers = []
        for line in [json.dumps(_HELLO).encode(), *lines]:
            process.stdin.write(line + b"\n")
            process.stdin.flush()
            answers.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        assert process.wait() == 0
        late.cancel()
    return answers[1:]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODESEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CODESEARCH_DAEMON", "0")
    return write_tree(tmp_path / "tree", 2)


def test_every_line_is_answered_and_the_next_one_too(folder: Path) -> None:
    ping = {"jsonrpc": "2.0", "id": "last", "method": "ping"}
    lines = [
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"null",
        b'{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": [1]}',
        b'{"jsonrpc": "1.0", "id": "seven", "method": "ping"}',
        b" \n" + json.dumps(ping).encode(),  # a blank line asks for nothing
    ]
    *errors, last = exchange(folder, lines)
    codes = [(each["id"], each["error"]["code"]) for each in errors]
    assert codes == [
        (None, -32700),
        (None, -32700),
        (None, -32700),
        (None, -32600),
        (None, -32600),
        (7, -32600),
        ("seven", -32600),
    ]
    assert all("expected a JSON-RPC 2.0 message a line" in each["error"]["message"] for each in errors)
    assert last == {"jsonrpc": "2.0", "id": "last", "result": {}}


@pytest.mark.parametrize("half", [r"\ud83d", r"\ude00", r"\ude00\ud83d"])
def test_half_of_a_character_costs_no_answer(folder: Path, half: str) -> None:
    call = f'{{"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {{"name": "nosuch {half}"}}}}'
    [answer] = exchange(folder, [call.encode()])
    assert answer["id"] == 5
    assert "no tool 'nosuch ?" in answer["result"]["content"][0]["text"]
