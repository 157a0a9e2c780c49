"""Setting up clients: what each gets, and that nothing else changes, on empty and on full configurations."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from codesearch.cli import cli
from codesearch.serving.agents.install.clients import CLIENTS, Client
from codesearch.serving.agents.install.plan import Scope
from tests.support.agent_clients import GOLDEN, written

FULL = {
    "claude": (
        '{\n  "numStartups": 3,\n  "mcpServers": {"x": {"command": "y"}},\n'
        '  "projects": {"/a": {"history": []}}\n}'
    ),
    "codex": "# mine\nmodel = \"gpt\" # why\n\n[mcp_servers.other]\ncommand = 'x'  # keep\n",
    "cursor": '{"mcpServers": {}}\n',
    "vscode": (
        '{\n\t// servers\n\t"servers": {\n\t\t"a": {"type": "stdio", "command": "a"}, // the first\n\t},\n'
        '\t"inputs": []\n}\n'
    ),
    "opencode": '{\r\n  "$schema": "https://opencode.ai/config.json",\r\n  "mcp": {\r\n  }\r\n}\r\n',
    "gemini": '{ "theme": "x" }',
    "qwen": "{}",
    "windsurf": "",
    "zed": (
        '// Zed settings\n{\n  "theme": "One", // trailing\n'
        '  "lsp": {\n    "rust": {"a": [1, 2,],},\n  },\n}\n'
    ),
    "copilot": '\ufeff{\n    "mcpServers": {\n        "a": {"command": "b"}\n    }\n}\n',
}
FULL_HOOKS = (
    '{\n  "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "x"}]}]}\n}\n'
)


@pytest.fixture
def scopes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Scope]:
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    home.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    return {name: Scope(name, project, home) for name in ("project", "user")}


def run(*args: str) -> str:
    done = CliRunner().invoke(cli, ["agents", *args], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def files(scope: Scope) -> dict[str, bytes]:
    return {
        path.relative_to(scope.folder).as_posix(): path.read_bytes()
        for path in sorted(scope.folder.rglob("*"))
        if path.is_file()
    }


def fill(client: Client, scope: Scope) -> None:
    """A configuration that is in use."""
    place = client.place(scope.name)
    assert place is not None
    for path, text in (
        (place.config[-1], FULL[client.name]),
        (place.instructions, "# Mine\n\nBe good.\n"),
        (place.hooks, FULL_HOOKS),
        ("other.txt", "mine"),
    ):
        if path:
            target = scope.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())


each = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
each_scope = pytest.mark.parametrize("scope", ["project", "user"])


@each
@pytest.mark.skipif(
    sys.platform != "linux", reason="some clients keep their files elsewhere on other systems"
)
def test_what_is_written_is_what_was_agreed_on(client: Client) -> None:
    golden = json.loads((GOLDEN / f"{client.name}.json").read_text(encoding="utf-8"))
    assert written(client) == golden, "if it is meant: python -m tests.support.agent_clients"


@each
@each_scope
@pytest.mark.parametrize("full", [False, True])
def test_install_and_uninstall_leave_every_byte(
    client: Client, scope: str, full: bool, scopes: dict[str, Scope]
) -> None:
    where = scopes[scope]
    if client.place(scope) is None:
        return
    if full:
        fill(client, where)
    before = files(where)
    dry = run("install", client.name, f"--{scope}", "--dry-run")
    assert "mcp" in dry
    assert files(where) == before
    assert run("install", client.name, f"--{scope}").startswith(dry.split("\n")[0])
    after = files(where)
    assert after != before
    assert set(before) <= set(after)
    assert "nothing to change" in run("install", client.name, f"--{scope}")
    assert files(where) == after
    listed = json.loads(run("list", "--json"))
    assert {entry["name"] for entry in listed if entry[scope]} >= {client.name}
    run("uninstall", client.name, f"--{scope}")
    assert files(where) == before
    assert not any(entry[scope] for entry in json.loads(run("list", "--json")))


@each
@each_scope
def test_what_changed_meanwhile_stays(client: Client, scope: str, scopes: dict[str, Scope]) -> None:
    where = scopes[scope]
    place = client.place(scope)
    if place is None:
        return
    fill(client, where)
    run("install", client.name, f"--{scope}")
    for path in filter(None, (place.instructions, place.config[-1])):
        target = where.folder / path
        later = b"\n# later\n" if path.endswith((".md", ".toml")) else b"\n// later\n"
        target.write_bytes(target.read_bytes() + later)
    run("uninstall", client.name, f"--{scope}")
    left = files(where)
    assert not [path for path, data in left.items() if b"codesearch" in data or "codesearch" in path]
    for path in filter(None, (place.instructions, place.config[-1])):
        assert b" later" in left[path], path
    assert not place.instructions or b"Be good." in left[place.instructions]


def test_a_shared_section_stays_while_another_client_needs_it(scopes: dict[str, Scope]) -> None:
    where = scopes["project"]
    run("install", "codex", "zed", "--project")
    run("uninstall", "zed", "--project")
    assert b"codesearch" in files(where)["AGENTS.md"]
    run("uninstall", "codex", "--project")
    assert files(where) == {}


def test_a_file_that_cannot_be_read_stops_everything(scopes: dict[str, Scope]) -> None:
    where = scopes["project"]
    (where.folder / ".cursor").mkdir()
    (where.folder / ".cursor" / "mcp.json").write_text('{"mcpServers": [}')
    before = files(where)
    done = CliRunner().invoke(cli, ["agents", "install", "claude", "cursor", "--project"])
    assert "mcp.json" in str(done.exception)
    assert "line 1" in str(done.exception)
    assert files(where) == before


def test_through_a_link_and_with_its_permissions(scopes: dict[str, Scope]) -> None:
    where = scopes["user"]
    real = where.home / "dotfiles" / "claude.json"
    real.parent.mkdir()
    real.write_text("{}\n")
    real.chmod(0o600)
    (where.home / ".claude.json").symlink_to(real)
    run("install", "claude", "--user")
    assert (where.home / ".claude.json").is_symlink()
    assert "codesearch" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o600
    run("uninstall", "claude", "--user")
    assert real.read_text() == "{}\n"


def test_the_command_that_is_written_starts(scopes: dict[str, Scope]) -> None:
    import subprocess

    run("install", "claude", "--project")
    entry = json.loads((scopes["project"].folder / ".mcp.json").read_text())["mcpServers"]["codesearch"]
    assert Path(entry["command"]).is_absolute()
    done = subprocess.run(
        [entry["command"], *entry["args"], "--help"], capture_output=True, text=True, check=False
    )
    assert "Model Context Protocol" in done.stdout


def test_unknown_clients_are_named(scopes: dict[str, Scope]) -> None:
    done = CliRunner().invoke(cli, ["agents", "install", "emacs"])
    assert done.exit_code == 2
    assert "emacs" in done.output
    assert "claude" in done.output


def test_the_hint_comes_once_a_session_and_never_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def hook(text: str) -> str:
        done = CliRunner().invoke(cli, ["agents", "advise"], input=text)
        assert done.exit_code == 0
        return done.output

    first = json.loads(hook('{"session_id": "a", "hook_event_name": "PreToolUse", "tool_name": "Grep"}'))
    said = first["hookSpecificOutput"]
    assert said["hookEventName"] == "PreToolUse"
    assert "search" in said["additionalContext"]
    assert not {"permissionDecision", "decision"} & {*first, *said}
    assert hook('{"session_id": "a"}') == ""
    assert hook('{"session_id": "b"}') != ""
    for text in ("", "{", "[]", "null", '{"session_id": 3}'):
        hook(text)
