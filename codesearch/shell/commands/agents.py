"""``mcp``, the tools for agents over stdio, and ``agents``, which sets their clients up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codesearch.errors import CodesearchError
from codesearch.rendering.terminal import safe, say, write

if TYPE_CHECKING:
    from codesearch.serving.agents.install.clients import Client
    from codesearch.serving.agents.install.plan import Edit, Scope

__all__ = ["agents", "mcp"]


@click.command(short_help="Serve searches to a coding agent over MCP.")
@click.option(
    "--root",
    "roots",
    multiple=True,
    metavar="FOLDER",
    help="Folder that may be searched; repeatable. Paths are relative to the first. [default: this one]",
)
@click.option("--no-daemon", is_flag=True, help="Do not use the background process.")
def mcp(*, roots: tuple[str, ...], no_daemon: bool) -> None:
    """Serve searches to a coding agent over the Model Context Protocol, on stdin and stdout.

    The agent's client starts this; `codesearch agents install` tells it how. Offers two read-only tools,
    search and similar, and reads nothing outside the given folders. For HTTP, run codesearch serve --port N
    and use /mcp.
    """
    try:
        from codesearch.serving.agents.protocol import run_stdio
    except ImportError as error:
        raise CodesearchError(
            f"the Model Context Protocol is an extra ({error}); run: pip install 'mlx-jinabert[mcp]'"
        ) from error
    from codesearch.serving.agents.allowed import AllowedFolders
    from codesearch.serving.agents.tools import Here, Resident

    folders = [str(folder) for folder in AllowedFolders.of(roots or (".",)).folders]
    run_stdio(Here.alone() if no_daemon else Resident(Here.alone), folders)


@click.group(short_help="Set up coding agents to search with codesearch.")
def agents() -> None:
    """Set up Claude Code, Codex, Cursor, VS Code and other coding agents to search with codesearch."""


_scope = click.option(
    "--project/--user",
    "in_project",
    default=False,
    help="Change the project's configuration files, or your own.  [default: --user]",
)
_dry_run = click.option("--dry-run", is_flag=True, help="Show what would change, but change nothing.")
_names = click.argument("names", nargs=-1, metavar="[CLIENT]...")


@agents.command()
@_names
@_scope
@_dry_run
def install(*, names: tuple[str, ...], in_project: bool, dry_run: bool) -> None:
    """Set up each CLIENT, or every client found on this machine.

    Adds the server to the client's configuration and a section on finding code to its instructions
    (AGENTS.md, CLAUDE.md, ...); where the client supports them, also a sub-agent, a skill and a hint before
    the first grep. Shows each change and leaves the rest of the files alone. `codesearch agents uninstall`
    removes exactly what this added.
    """
    from codesearch.serving.agents.install.plan import to_install
    from codesearch.serving.agents.install.program import missing, start_command

    scope = _scope_of(in_project)
    chosen = _chosen(names, scope)
    for client in chosen:
        if client.place(scope.name) is None:
            say(f"note: {client.title} has no {scope.name} configuration; it is left out")
    _do(to_install(chosen, scope, start_command()), dry_run, removing=False)
    for note in missing():
        say(f"note: {note}")


@agents.command()
@_names
@_scope
@_dry_run
def uninstall(*, names: tuple[str, ...], in_project: bool, dry_run: bool) -> None:
    """Remove what install added, from each CLIENT or from all of them."""
    from codesearch.serving.agents.install.clients import CLIENTS
    from codesearch.serving.agents.install.plan import to_remove

    scope = _scope_of(in_project)
    _do(to_remove(_chosen(names, scope) if names else CLIENTS, scope), dry_run, removing=True)


@agents.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_(*, as_json: bool) -> None:
    """List the supported clients, and which of them are installed and set up."""
    from codesearch.rendering.render import dump
    from codesearch.serving.agents.install.clients import CLIENTS
    from codesearch.serving.agents.install.plan import installed

    project, user = _scope_of(True), _scope_of(False)
    found = [
        {
            "name": client.name,
            "title": client.title,
            "found": client.is_here(user.home),
            "project": installed(client, project),
            "user": installed(client, user),
        }
        for client in CLIENTS
    ]
    if as_json:
        write(dump(found))
        return
    for entry in found:
        places = [scope for scope in ("project", "user") if entry[scope]]
        state = f"set up ({', '.join(places)})" if places else "found" if entry["found"] else "-"
        write(f"{entry['name']:<10}{entry['title']:<14}{state}\n")


@agents.command(hidden=True)
@click.pass_context
def advise(ctx: click.Context) -> None:
    """Hint at the search, once a session, for a client that is about to grep (its hook runs this)."""
    from codesearch.serving.agents.advise import advise as hint

    ctx.exit(hint())


def _scope_of(in_project: bool) -> Scope:
    from codesearch.files.repositories.roots import canonical, git_top_level
    from codesearch.serving.agents.install.plan import Scope

    here = canonical(Path.cwd())
    return Scope("project" if in_project else "user", git_top_level(here) or here, Path.home())


def _chosen(names: Sequence[str], scope: Scope) -> Sequence[Client]:
    """The clients of these names, or those that are found here."""
    from codesearch.serving.agents.install.clients import CLIENTS, by_name

    if not names:
        found = [client for client in CLIENTS if client.is_here(scope.home)]
        if not found:
            raise CodesearchError(f"no client was found on this machine; name one: {_all_names()}")
        return found
    try:
        return by_name(names)
    except KeyError as error:
        raise click.UsageError(f"no client {error}; there are: {_all_names()}") from error


def _all_names() -> str:
    from codesearch.serving.agents.install.clients import CLIENTS

    return ", ".join(client.name for client in CLIENTS)


def _do(edits: Sequence[Edit], dry_run: bool, *, removing: bool) -> None:
    from codesearch.serving.agents.install.plan import apply

    for edit in edits:
        write(safe(edit.diff()))
    if not edits:
        say("nothing to change")
    elif dry_run:
        say(f"{len(edits)} files would change; nothing was written")
    else:
        apply(edits, removing=removing)
        say(f"{len(edits)} files changed; restart the clients to let them see it")
