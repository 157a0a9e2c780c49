"""What editors and shells expect: lines to jump to, an editor at a hit, completion, fzf, receipts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from codesearch.caller import VARIABLES
from codesearch.cli import _COMMANDS, _QUESTIONS, cli
from codesearch.shell import remote
from codesearch.shell.editor import editor_command
from codesearch.storage.receipts import receipts, receipts_file
from tests.support.paths import ROOT
from tests.support.trees import write_tree
from tests.support.waiting import PATIENCE

WORDS = ("--mode", "lexical", "--no-daemon")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = write_tree(tmp_path / "tree", 6)
    (root / "über maß.py").write_text(
        "class Größe:\n\n    def quagga(self):\n        # ünï\n        return quagga\n"
    )
    monkeypatch.chdir(root)
    return root


def run(*args: str) -> str:
    done = CliRunner().invoke(cli, list(args), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_vimgrep_lines_lead_to_what_they_show(tree: Path) -> None:
    shown = run("parse quagga", *WORDS, "--format", "vimgrep").splitlines()
    assert shown
    for line in shown:
        path, number, column, text = re.fullmatch(r"(.+?):(\d+):(\d+):(.*)", line).groups()
        own = (tree / path).read_bytes().splitlines()[int(number) - 1]
        assert own[int(column) - 1 :].decode().rstrip() == text
        assert not own[: int(column) - 1].strip()
    assert any("quagga" in line for line in shown)


def test_vimgrep_with_a_regex_leads_to_the_match(tree: Path) -> None:
    shown = run("-e", "return quag", *WORDS, "--format", "vimgrep")
    assert shown == "über maß.py:5:9:return quagga\n"


@pytest.mark.skipif(not shutil.which("vim"), reason="needs vim")
def test_vim_jumps_there(tree: Path) -> None:
    (tree / "hits").write_text(run("quagga", *WORDS, "--format", "vimgrep", "-k1"))
    script = ["-c", "set errorformat=%f:%l:%c:%m", "-c", "cfile hits", "-c", "cfirst"]
    said = ["-c", "call writefile([expand('%'), line('.'), col('.')], 'place')", "-c", "qa!"]
    subprocess.run(
        ["vim", "-Nes", "-u", "NONE", *script, *said], check=False, timeout=PATIENCE, capture_output=True
    )
    path, line, column = (tree / "place").read_text().split("\n")[:3]
    assert (tree / "hits").read_text().startswith(f"{path}:{line}:{column}:")


def test_format_says_what_the_flags_say(tree: Path) -> None:
    for form in ("json", "jsonl"):
        assert run("parse", *WORDS, "--format", form) == run("parse", *WORDS, f"--{form}")
    assert run("parse", *WORDS, "--format", "text") == run("parse", *WORDS)
    for more in (["--json", "--jsonl"], ["--json", "--format", "vimgrep"], ["-l", "--format", "json"]):
        assert CliRunner().invoke(cli, ["parse", *WORDS, *more]).exit_code == 2


@pytest.mark.parametrize(
    ("editor", "words"),
    [
        ("vim", ["vim", "+7", "/a b.py"]),
        ("emacsclient -n", ["emacsclient", "-n", "+7", "/a b.py"]),
        ("code --wait", ["code", "--wait", "--goto", "/a b.py:7"]),
        ("/usr/bin/subl", ["/usr/bin/subl", "/a b.py:7"]),
        ("'/opt/My Editor/zed'", ["/opt/My Editor/zed", "/a b.py:7"]),
    ],
)
def test_editors_are_told_in_their_own_manner(editor: str, words: list[str]) -> None:
    assert editor_command(editor, Path("/a b.py"), 7) == words


def test_open_runs_the_editor_at_the_hit(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = tree / "note"
    script = f"import sys; open({str(note)!r}, 'w').write(' '.join(sys.argv[1:]))"
    monkeypatch.setenv("VISUAL", f'"{sys.executable}" -c "{script}"')
    assert run("quagga", *WORDS, "--open") == ""
    assert note.read_text() == f"+1 {tree.resolve() / 'über maß.py'}"
    assert CliRunner().invoke(cli, ["quagga", *WORDS, "--open", "99"]).exit_code == 2
    monkeypatch.setenv("VISUAL", "")
    monkeypatch.delenv("EDITOR", raising=False)
    done = CliRunner().invoke(cli, ["quagga", *WORDS, "--open"])
    assert "EDITOR" in str(done.exception)


def completed(args: list[str], incomplete: str) -> list[str]:
    found = ShellComplete(cli, {}, "codesearch", "_CODESEARCH_COMPLETE").get_completions(args, incomplete)
    return [item.value if item.type == "plain" else f"<{item.type}>" for item in found]


@pytest.mark.parametrize("before", [["search"], ["search", "query"], ["similar", "x"]])
def test_completion_of_values(before: list[str]) -> None:
    assert "python" in completed([*before, "-t"], "py")
    assert completed([*before, "-t"], "go,ru") == ["go,ruby", "go,rust"]
    assert "embedded" in completed([*before, "--model"], "emb")
    assert completed([*before, "--model"], "./mod") == ["<file>"]


def test_completion_of_paths_and_commands() -> None:
    assert completed(["search", "query"], "src") == ["<file>"]
    assert {"search", "similar", "status", "agents"} <= set(completed([], "s") + completed([], "a"))
    assert "--no-refresh" in completed(["search"], "--no-r")


@pytest.mark.skipif(not shutil.which("fzf"), reason="needs fzf")
def test_the_fzf_recipe_of_the_docs(tree: Path) -> None:
    """The command of docs/agents.md, with fzf's choice made by a filter instead of a person."""
    text = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
    recipe = re.search(r"```sh\n# fzf\n(.*?)```", text, re.DOTALL)[1]
    reload = re.search(r"reload:(.*?)\"", recipe)[1].replace("{q}", "'parse a header'")
    command = reload.replace("codesearch", f'"{sys.executable}" -m codesearch', 1)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    listed = subprocess.run(command, shell=True, capture_output=True, text=True, env=env, check=True).stdout
    found = subprocess.run(
        ["fzf", "--filter", "parse"], input=listed, capture_output=True, text=True, check=True
    )
    path, line = found.stdout.splitlines()[0].split(":")[:2]
    assert (tree / path).is_file()
    assert line.isdigit()


def test_receipts_are_kept_without_the_question_and_can_be_switched_off(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = run("quagga zebra", *WORDS)
    (kept,) = receipts()
    assert (kept.by, kept.root, kept.hits) == ("command line", str(tree.resolve()), 1)
    assert kept.tokens == len(shown.encode()) // 4
    assert kept.file_tokens == (tree / "über maß.py").stat().st_size // 4
    assert "zebra" not in receipts_file().read_text()
    assert receipts_file().stat().st_mode & 0o077 == 0
    monkeypatch.setenv("CODESEARCH_STATS", "0")
    run("quagga", *WORDS)
    assert len(receipts()) == 1
    rows = json.loads(run("stats", "--json"))
    assert {(row["span"], row["questions"]) for row in rows} == {("today", 1), ("7 days", 1), ("all", 1)}
    assert "command line" in run("stats")
    receipts_file().write_text("{broken\n" + receipts_file().read_text() + '{"a": 1}\n')
    assert len(receipts()) == 1
    run("stats", "--clear")
    assert run("stats") == "nothing was asked yet\n"


def test_receipts_do_not_grow_without_bound(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codesearch.storage.receipts._LARGEST_BYTES", 1000)
    for _ in range(12):
        run("quagga", *WORDS)
    assert receipts_file().stat().st_size < 1500
    assert receipts()


def test_the_thin_client_hands_over_what_counts() -> None:
    assert remote._VARIABLES == VARIABLES


def test_only_questions_are_brought_to_the_resident_process() -> None:
    commands = {name.split()[0] for name in _COMMANDS}
    assert commands - remote._HERE == _QUESTIONS
