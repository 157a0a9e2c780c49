"""``mcp``: the tools for agents over stdio."""

from __future__ import annotations

import click

from codesearch.errors import CodesearchError

__all__ = ["mcp"]


@click.command()
@click.option(
    "--root",
    "roots",
    multiple=True,
    metavar="FOLDER",
    help="A folder that may be searched (repeatable); paths are relative to the first. [default: this one]",
)
@click.option("--no-daemon", is_flag=True, help="Search in this process, not in the resident one.")
def mcp(*, roots: tuple[str, ...], no_daemon: bool) -> None:
    """Serve the search to a coding agent: the Model Context Protocol over stdin and stdout.

    Meant to be started by the agent's program; `codesearch agents install` tells it how. Two read-only tools:
    search and similar. Nothing outside of the folders is read. Over HTTP: codesearch serve --port N, /mcp.
    """
    try:
        from codesearch.agents.protocol import run_stdio
    except ImportError as error:
        raise CodesearchError(
            f"the Model Context Protocol is an extra ({error}); run: pip install 'mlx-jinabert[mcp]'"
        ) from error
    from codesearch.agents.allowed import Allowed
    from codesearch.agents.tools import Here, Resident

    folders = [str(folder) for folder in Allowed.of(roots or (".",)).folders]
    run_stdio(Here.alone() if no_daemon else Resident(Here.alone), folders)
