"""The resident process as commands use it: same answers, one process, and none of it needed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codesearch.serving.resident import launch
from codesearch.serving.resident.address import Address, address_file, identity
from codesearch.serving.resident.client import Unreachable
from codesearch.serving.resident.client import ask as call
from codesearch.storage.folders.home import index_home
from tests.support.command import command
from tests.support.paths import ROOT
from tests.support.resident import ask, start, stopped
from tests.support.trees import write_tree
from tests.support.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of a test are ended by signals")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = write_tree(tmp_path / "tree", 12)
    (root / "evil.py").write_text("def evil():\n    return '\x1b[31m\u202e'\n")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def end_all() -> None:
    """End whatever a command has started by itself."""
    while (address := Address.read()) is not None:
        try:
            list(call(address, "/v1/stop", {}))
        except Unreachable:
            address.withdraw()


@pytest.fixture
def resident() -> Iterator[subprocess.Popen[bytes]]:
    process = start("--background")
    yield process
    process.kill()
    process.wait()


def printed(answer: subprocess.CompletedProcess[str]) -> tuple[int, str, list[str]]:
    """What a command leaves, without the line that says that work takes a moment (on a slow machine)."""
    said = [line for line in answer.stderr.splitlines() if not line.startswith("codesearch: indexing /")]
    return answer.returncode, answer.stdout, said


def status() -> dict:
    address = Address.read()
    assert address is not None
    return next(call(address, "/v1/status", {}))


SAME = [
    ["parse a header"],
    ["parse a header", "-k", "3", "--json"],
    ["--jsonl", "parse_header", "-k3"],
    ["close cursor", "package1", "package2"],
    ["close cursor", "../tree/package1", "-l"],
    ["close cursor", "--explain", "-k2"],
    ["close cursor", "--no-content", "-t", "py", "-g", "!package0/**"],
    ["close cursor", "-C", "2", "-k1"],
    ["evil", "-k1"],
    ["-e", "def retry", "--mode", "lexical"],
    ["--mode", "semantic", "merge a branch", "-k2"],
    ["zebra", "--mode", "lexical"],
    ["similar", "package1/module001.py:5", "-k2"],
    ["similar", "parse_nothing"],
    ["two", "words"],
    ["two", "words", "--json"],
    ["x", "--bogus"],
    ["x", "-k", "0", "--json"],
    ["x", "-t", "klingon"],
    ["  "],
    ["-e", "(", "--json"],
    ["close cursor", "~nobody/x"],
]


def test_every_answer_is_the_same_with_and_without(tree: Path, resident: subprocess.Popen[bytes]) -> None:
    asked = 0
    for args in SAME:
        here = ask(*args, cwd=tree, env={"CODESEARCH_DAEMON": "0"})
        before = status()["requests"]
        there = ask(*args, cwd=tree)
        asked += status()["requests"] - before
        assert printed(there) == printed(here), args
    assert asked == len(SAME)  # the resident process answered every one of them


def test_from_a_sub_folder_the_paths_are_those_of_that_folder(
    tree: Path, resident: subprocess.Popen[bytes]
) -> None:
    for cwd in (tree / "package1", tree.parent):
        args = ["parse header", str(tree), "--no-content", "-k2"]
        there = ask(*args, cwd=cwd)
        assert there.stdout
        assert there.stdout == ask(*args, cwd=cwd, env={"CODESEARCH_DAEMON": "0"}).stdout


def test_a_change_is_found_at_once(tree: Path, resident: subprocess.Popen[bytes]) -> None:
    assert ask("quagga", "--mode", "lexical", cwd=tree).returncode == 1
    (tree / "new.py").write_text("def quagga():\n    return 1\n")
    assert "new.py:1-2" in ask("quagga", "--mode", "lexical", cwd=tree).stdout
    assert ask("clear", ".", cwd=tree).returncode == 0
    assert ask("quagga", "--no-refresh", cwd=tree).returncode == 2  # not from the deleted file
    assert "new.py:1-2" in ask("quagga", "--mode", "lexical", cwd=tree).stdout


def test_what_a_search_had_no_time_for_is_done_in_the_background(
    tree: Path, resident: subprocess.Popen[bytes]
) -> None:
    said = ask("-k", "1", "--max-wait", "0", "parse a header", cwd=tree).stderr
    assert "goes on with it in the background" in said

    def is_whole() -> bool:
        status = json.loads(ask("status", "--json", cwd=tree).stdout)
        return 0 < status["total"] == status["embedded"]

    wait_for(is_whole)


def test_eight_at_once_share_one_process(tmp_path: Path, resident: subprocess.Popen[bytes]) -> None:
    roots = [write_tree(tmp_path / f"tree{n}", 8, seed=n) for n in range(3)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda n: ask("parse a header", "-k1", "--json", cwd=roots[n % 3]), range(8))
        )
    assert [answer.returncode for answer in answers] == [0] * 8
    for n, answer in enumerate(answers):
        assert json.loads(answer.stdout)["root"] == str(roots[n % 3].resolve())
    found = status()
    assert found["pid"] == resident.pid
    assert {entry["root"] for entry in found["indexes"]} == {str(root.resolve()) for root in roots}


def test_the_first_question_starts_it_and_a_kill_costs_nothing(tree: Path) -> None:
    first = ask("parse header", "-k1", "--no-content", cwd=tree)
    assert first.returncode == 0
    wait_for(lambda: Address.read() is not None)
    address = Address.read()
    assert address is not None
    try:
        assert ask("parse header", "-k1", "--no-content", cwd=tree).stdout == first.stdout
        assert status()["requests"] >= 1
        os.kill(address.pid, signal.SIGKILL)
        assert ask("parse header", "-k1", "--no-content", cwd=tree).stdout == first.stdout
    finally:
        end_all()


def test_killed_in_the_midst_of_an_answer(tmp_path: Path, resident: subprocess.Popen[bytes]) -> None:
    tree = write_tree(tmp_path / "tree", 150)
    killer = threading.Timer(1.2, resident.kill)
    killer.start()
    answer = ask("parse header", "-k3", "--json", cwd=tree, env={"CI": "1"})
    killer.join()
    assert answer.returncode == 0
    assert len(json.loads(answer.stdout)["results"]) == 3


def test_another_version_is_replaced(tree: Path, resident: subprocess.Popen[bytes]) -> None:
    address = Address.read()
    assert address is not None
    Address(address.where, address.pid, "0.0.0", address.secret).write()
    assert ask("parse header", "--mode", "lexical", "-k1", cwd=tree, env={"CI": "1"}).returncode == 0
    assert resident.wait(PATIENCE) == 0
    assert not address_file().exists()


def test_no_daemon_and_the_variable_keep_out(tree: Path, resident: subprocess.Popen[bytes]) -> None:
    for args, env in (
        (["--no-daemon"], {}),
        ([], {"CODESEARCH_DAEMON": "0"}),
        ([], {"HF_HOME": "/elsewhere"}),
    ):
        before = len(status()["indexes"])
        assert ask("parse", "--mode", "lexical", *args, cwd=tree, env=env).returncode == 0
        assert len(status()["indexes"]) == before == 0


def test_it_ends_when_idle_and_leaves_nothing(tree: Path) -> None:
    process = start("--background", "--idle", "1")
    assert process.wait(PATIENCE) == 0
    assert not address_file().exists()


def test_it_ends_when_nobody_can_find_it(resident: subprocess.Popen[bytes]) -> None:
    shutil.rmtree(index_home())
    assert resident.wait(PATIENCE) == 0


def test_memory_ceiling_closes_the_least_recently_used(tmp_path: Path) -> None:
    process = start("--background", "--memory", "64")  # less than it has: everything idle is closed
    try:
        tree = write_tree(tmp_path / "tree", 4)
        assert ask("parse header", "-k1", cwd=tree).returncode == 0
        wait_for(lambda: not status()["indexes"])
        assert ask("parse header", "-k1", cwd=tree).returncode == 0
    finally:
        assert stopped(process) in (0, -signal.SIGTERM)


def test_status_says_what_it_holds(tree: Path, resident: subprocess.Popen[bytes]) -> None:
    assert ask("parse header", "-k1", cwd=tree).returncode == 0
    assert f"resident process  {resident.pid}, " in ask("status", cwd=tree).stdout
    assert "resident" not in ask("status", cwd=tree, env={"CODESEARCH_DAEMON": "0"}).stdout
    shown = ask("serve", "--status", cwd=tree).stdout
    assert f"open      {tree.resolve()}" in shown


def test_the_page_is_opened_by_a_link_that_works_once(tree: Path) -> None:
    note = tree / "opened"
    process = start("--open", env={"BROWSER": f"sh -c 'echo \"$0\" >> {note}' %s"})
    try:
        wait_for(note.exists)
        again = ask("serve", "--open", cwd=tree, env={"BROWSER": f"sh -c 'echo \"$0\" >> {note}' %s"})
        assert again.returncode == 0, again.stderr
        first, second = note.read_text().split()
        assert re.fullmatch(r"http://127.0.0.1:\d+/open\?token=[\w-]+", first)
        assert first.partition("?")[0] == second.partition("?")[0]
        assert first != second
    finally:
        stopped(process)


def test_only_one_runs(resident: subprocess.Popen[bytes]) -> None:
    command = [sys.executable, "-m", "codesearch", "serve", "--background"]
    again = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False, cwd=ROOT)
    assert (again.returncode, again.stdout, again.stderr) == (0, b"", b"")
    assert status()["pid"] == resident.pid


def test_interrupting_the_client_ends_the_work(tmp_path: Path, resident: subprocess.Popen[bytes]) -> None:
    tree = write_tree(tmp_path / "tree", 200)
    client = subprocess.Popen(
        command("parse header", interruptible=True),
        cwd=tree,
        env={**os.environ, "CODESEARCH_DAEMON": "1"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    wait_for(lambda: status()["indexes"])
    client.send_signal(signal.SIGINT)
    _, said = client.communicate(timeout=PATIENCE)
    assert (client.returncode, b"interrupted" in said) == (130, True)
    wait_for(lambda: not status()["indexes"][0]["lent"], 10)


def test_files_are_private(resident: subprocess.Popen[bytes]) -> None:
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in index_home().iterdir() if path.name[:6] == "server"
    }
    assert modes["server.json"] == 0o600
    assert modes.get("server.sock", 0o600) == 0o600
    assert index_home().stat().st_mode & 0o077 == 0


def test_a_silent_listener_is_given_up(tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    index_home().mkdir(parents=True)
    Address(f"tcp:{listener.getsockname()[1]}", os.getpid(), identity(), "secret").write()
    monkeypatch.setattr("codesearch.serving.resident.client._SILENCE_SECONDS", 0.3)
    address = Address.read()
    assert address is not None
    with pytest.raises(Unreachable):
        list(call(address, "/v1/status", {}))
    listener.close()


def test_where_none_can_start_commands_do_without_and_stop_trying(tree: Path) -> None:
    broken = tree.parent / "broken"
    broken.mkdir()
    (broken / "uvicorn.py").write_text("raise ImportError('not here')\n")
    env = {"PYTHONPATH": f"{ROOT}{os.pathsep}{broken}"}
    for _ in range(2):
        assert ask("parse header", "--mode", "lexical", "-k1", cwd=tree, env=env).returncode == 0
    log = (index_home() / launch.LOG_NAME).read_text()
    assert log.count("not here") == 1
    assert Address.read() is None


def test_eight_first_questions_start_one(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", 6)
    try:
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: ask("parse a header", "-k1", cwd=tree), range(8)))
        assert {printed(answer)[:2] for answer in answers} == {printed(answers[0])[:2]}
        assert answers[0].returncode == 0
        assert status()["indexes"]
    finally:
        end_all()
