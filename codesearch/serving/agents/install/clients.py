"""The clients that agents run in: where each keeps its servers, and in what format.

Paths and keys as documented by their makers (state of November 2026).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from codesearch.quick_dataclass import dataclass

__all__ = ["CLIENTS", "NAME", "Client", "Place", "by_name"]

NAME = "codesearch"
"""Of the server, in every client."""

Entry = Callable[[list[str]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """Files of one scope, relative to the project or to the home folder; the first that exists is meant."""

    config: tuple[str, ...]
    instructions: str = ""
    """A Markdown file that the model reads; "" where there is none."""
    subagent: str = ""
    skill: str = ""
    hooks: str = ""
    """Settings with a list of hooks that are told of tools before they run."""
    arguments: tuple[str, ...] = ()
    """After ``mcp``, where the program does not start servers in the project's folder."""


@dataclass(frozen=True, slots=True)
class Client:
    """A program; a scope that it does not have is None."""

    name: str
    title: str
    key: tuple[str, ...]
    entry: Entry
    project: Place | None
    user: Place | None
    signs: tuple[str, ...]
    """Folders of the home folder that show that it is used."""
    programs: tuple[str, ...] = ()

    def is_here(self, home: Path) -> bool:
        """Whether there are signs of it on this machine."""
        return any((home / sign).exists() for sign in self.signs) or any(map(shutil.which, self.programs))

    def place(self, scope: str) -> Place | None:
        """Of "project" or "user"."""
        return self.project if scope == "project" else self.user


def by_name(names: Sequence[str]) -> list[Client]:
    """KeyError with the first name that is none."""
    known = {client.name: client for client in CLIENTS}
    return [known[name] for name in names]


def _plain(command: list[str]) -> Mapping[str, Any]:
    return {"command": command[0], "args": command[1:]}


def _typed(kind: str, **more: Any) -> Entry:
    return lambda command: {"type": kind, **_plain(command), **more}


def _zed(command: list[str]) -> Mapping[str, Any]:
    return {"source": "custom", **_plain(command), "env": {}}


def _opencode(command: list[str]) -> Mapping[str, Any]:
    return {"type": "local", "command": command, "enabled": True}


def _config_home(application: str) -> str:
    """A folder of application settings, relative to the home folder where it lies there."""
    if sys.platform == "darwin":
        return f"Library/Application Support/{application}"
    if sys.platform == "win32":
        return str(Path(os.environ.get("APPDATA", "AppData/Roaming")) / application)
    return f".config/{application}"


_AGENTS = "AGENTS.md"
_CODE = _config_home("Code")
_ZED = _config_home("Zed") if sys.platform == "win32" else ".config/zed"

CLIENTS = (
    Client(
        "claude",
        "Claude Code",
        ("mcpServers", NAME),
        _typed("stdio"),
        Place(
            (".mcp.json",),
            "CLAUDE.md",
            f".claude/agents/{NAME}.md",
            f".claude/skills/{NAME}/SKILL.md",
            ".claude/settings.json",
        ),
        Place(
            (".claude.json",),
            ".claude/CLAUDE.md",
            f".claude/agents/{NAME}.md",
            f".claude/skills/{NAME}/SKILL.md",
            ".claude/settings.json",
        ),
        (".claude.json", ".claude"),
        ("claude",),
    ),
    Client(
        "codex",
        "Codex",
        ("mcp_servers", NAME),
        _plain,
        Place((".codex/config.toml",), _AGENTS),
        Place((".codex/config.toml",), f".codex/{_AGENTS}"),
        (".codex",),
        ("codex",),
    ),
    Client(
        "cursor",
        "Cursor",
        ("mcpServers", NAME),
        _plain,
        Place((".cursor/mcp.json",), _AGENTS),
        Place((".cursor/mcp.json",), arguments=("--root", "${workspaceFolder}")),
        (".cursor",),
        ("cursor",),
    ),
    Client(
        "vscode",
        "VS Code",
        ("servers", NAME),
        _typed("stdio"),
        Place((".vscode/mcp.json",), _AGENTS, arguments=("--root", "${workspaceFolder}")),
        Place((f"{_CODE}/User/mcp.json",), arguments=("--root", "${workspaceFolder}")),
        (_CODE,),
        ("code",),
    ),
    Client(
        "opencode",
        "OpenCode",
        ("mcp", NAME),
        _opencode,
        Place(("opencode.json", "opencode.jsonc"), _AGENTS),
        Place(
            (".config/opencode/opencode.json", ".config/opencode/opencode.jsonc"),
            f".config/opencode/{_AGENTS}",
        ),
        (".config/opencode",),
        ("opencode",),
    ),
    Client(
        "gemini",
        "Gemini CLI",
        ("mcpServers", NAME),
        _plain,
        Place((".gemini/settings.json",), "GEMINI.md"),
        Place((".gemini/settings.json",), ".gemini/GEMINI.md"),
        (".gemini",),
        ("gemini",),
    ),
    Client(
        "qwen",
        "Qwen Code",
        ("mcpServers", NAME),
        _plain,
        Place((".qwen/settings.json",), "QWEN.md"),
        Place((".qwen/settings.json",), ".qwen/QWEN.md"),
        (".qwen",),
        ("qwen",),
    ),
    Client(
        "windsurf",
        "Windsurf",
        ("mcpServers", NAME),
        _plain,
        None,
        Place((".codeium/windsurf/mcp_config.json",), arguments=("--root", "{project}")),
        (".codeium/windsurf",),
        ("windsurf",),
    ),
    Client(
        "zed",
        "Zed",
        ("context_servers", NAME),
        _zed,
        Place((".zed/settings.json",), _AGENTS),
        Place((f"{_ZED}/settings.json",)),
        (_ZED,),
        ("zed",),
    ),
    Client(
        "copilot",
        "Copilot CLI",
        ("mcpServers", NAME),
        _typed("local", tools=["*"]),
        None,
        Place((".copilot/mcp-config.json",)),
        (".copilot",),
        ("copilot",),
    ),
)
