"""``mlx-jinabert serve`` as a process: it starts, answers, stops in peace, and tells what is wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlx_jinabert.cli import main
from mlx_jinabert.server import command
from mlx_jinabert.server.listening import listen
from mlx_jinabert.server.settings import ModelSpec
from tests.support.paths import ROOT
from tests.support.serving import server_process
from tests.support.waiting import PATIENCE, wait_for


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to send")
def test_what_is_being_answered_is_answered_after_sigterm() -> None:
    with server_process("--backend", "onnx", "--cache-bytes", "0") as (server, process):
        wait_for(lambda: server.get("/health").status == 200)
        with ThreadPoolExecutor(1) as pool:
            texts = ["word " * 500] * 100
            answer = pool.submit(server.post, "/embed", {"inputs": texts})
            while 'queue_tokens{model="embedded"} 0.0' in server.get("/metrics").content.decode():
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            assert len(answer.result(PATIENCE).json) == len(texts)
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        lines = [json.loads(line) for line in process.stderr]
        done = next(line for line in lines if line["message"] == "request")
        assert (done["status"], done["texts"]) == (200, 100)


def test_logs_hold_numbers_and_no_texts() -> None:
    with server_process("--backend", "onnx", "--log-level", "debug") as (server, process):
        wait_for(lambda: server.get("/health").status == 200)
        server.post("/embed", {"inputs": "a very secret text", "truncate": True})
        server.post("/v1/embeddings", {"input": {"another": "secret"}})
        server.post("/embed?inputs=secret", {"inputs": ["secret " * 600]})
        server.post("/secret", b"secret", {"Authorization": "Bearer secret", "Origin": "http://secret"})
        process.terminate()
        assert process.stderr is not None
        text = process.stderr.read()
    lines = [json.loads(line) for line in text.splitlines()]
    requests = [line for line in lines if line["message"] == "request"]
    assert [line["status"] for line in requests] == [200, 400, 413, 403]
    assert (requests[0]["texts"], requests[0]["tokens"], requests[0]["model"]) == (1, 6, "embedded")
    assert "secret" not in text


def _refused(*options: str) -> str:
    """What is said of these options by a server that does not start."""
    command = [sys.executable, "-m", "mlx_jinabert", "serve", "--port", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


@pytest.mark.parametrize("options", [(), ("--model", "embedded")])
def test_a_model_that_is_none_is_one_plain_line(options: tuple[str, ...]) -> None:
    said = _refused(*options, "--model", "no-such-model")
    assert said.startswith("mlx-jinabert: error: no-such-model: unknown model; ")
    assert said.endswith("; a Hub id (owner/name) or a model folder will do, too\n")
    assert said.count("\n") == 1


def test_a_first_model_that_cannot_be_loaded_ends_it(tmp_path: Path) -> None:
    last = _refused("--model", f"broken={tmp_path}").splitlines()[-1]
    assert last.startswith(f"mlx-jinabert: error: model 'broken' cannot be loaded: {tmp_path}: ")
    assert "behind HTTP already" in _refused("--model", "tei+http://127.0.0.1:9").splitlines()[-1]


def test_an_address_that_cannot_be_had_is_one_plain_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = _refused("--port", port)
    way_out = "; choose another --host or --port\n"
    where = f"mlx-jinabert: error: cannot listen on 127.0.0.1:{port}: "
    assert said.startswith(where)
    assert said.endswith(way_out)
    assert said.count("\n") == 1
    said = _refused("--host", "192.0.2.1")  # an address for documentation, which no machine has
    assert said.startswith("mlx-jinabert: error: cannot listen on 192.0.2.1:0: ")
    assert said.endswith(way_out)
    assert said.count("\n") == 1


def _can_be_bound(family: int, address: str) -> bool:
    try:
        socket.create_server((address, 0), family=family).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("host", ["", "localhost"])
def test_a_host_listens_at_each_of_its_addresses(host: str) -> None:
    sockets = listen(host, 0)
    try:
        found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        there = {where[0] for family, _, _, _, where in found if _can_be_bound(family, str(where[0]))}
        assert {opened.getsockname()[0] for opened in sockets} == there
        for opened in sockets if host else ():  # the address of all of them is none to connect to
            socket.create_connection(opened.getsockname()[:2], PATIENCE).close()
    finally:
        for opened in sockets:
            opened.close()


def test_names_of_models(tmp_path: Path) -> None:
    (tmp_path / "my model").mkdir()
    specs = command._specs(["jina-code", "a=b/c", str(tmp_path / "my model")], ["jina-reranker-tiny"])
    assert specs == [
        ModelSpec("jina-code", "jina-code"),
        ModelSpec("a", "b/c"),
        ModelSpec("my model", str(tmp_path / "my model")),
        ModelSpec("jina-reranker-tiny", "jina-reranker-tiny", is_reranker=True),
    ]
    assert command._specs([], []) == [ModelSpec("embedded", "embedded")]
    assert command._specs(["jina-reranker-tiny"], [])[0].is_reranker  # the catalog knows
    twice = CliRunner().invoke(main, ["serve", "--model", "a=x", "--model", "a=y"])
    assert twice.exit_code == 2
    assert "two models are named 'a'" in twice.output


def test_help_is_quick_and_whole() -> None:
    code = "import sys; from mlx_jinabert.cli import main; print([m for m in sys.modules if m in %r])"
    heavy = ("numpy", "starlette", "uvicorn", "pydantic", "onnxruntime", "mlx.core", "tokenizers")
    done = subprocess.run(
        [sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
    text = CliRunner().invoke(main, ["serve", "--help"]).output
    for option in ("--model", "--reranker", "--api-key-file", "--allowed-host", "--max-queue-tokens"):
        assert option in text
