"""``help``, ``models`` and ``doctor``: what this installation can do."""

from __future__ import annotations

import shutil
import sys

import click

from codesearch.rendering.terminal import one_line, write
from codesearch.shell.options import options

__all__ = ["doctor", "help_", "models"]


@click.command("help")
@click.argument("command", required=False)
@click.pass_context
def help_(ctx: click.Context, command: str | None) -> None:
    """Show the help of COMMAND, or of codesearch itself."""
    assert ctx.parent is not None
    group = ctx.parent.command
    assert isinstance(group, click.Group)
    if command is None:
        write(ctx.parent.get_help() + "\n")
        return
    found = group.get_command(ctx.parent, command)
    if found is None:
        known = ", ".join(group.list_commands(ctx.parent))
        raise click.UsageError(f"no command {command!r}; the commands are {known}")
    with click.Context(found, info_name=command, parent=ctx.parent) as of_command:
        write(found.get_help(of_command) + "\n")


@click.command(short_help="List the models that --model knows by name.")
@options.json_flag
def models(*, as_json: bool) -> None:
    """List the embedding models that --model knows by name, with licence, size, dimensions and use.

    Prints columns on a terminal, otherwise one line of tab-separated fields per model: name, source,
    parameters, dims, longest text in tokens, licence, commercial use, recommended use.
    """
    from codesearch.models.names import known_models
    from codesearch.rendering.model_list import columns, fields
    from codesearch.rendering.render import dump

    found = known_models()
    if as_json:
        write(dump(found))
    elif sys.stdout is not None and sys.stdout.isatty():
        write(columns(found, shutil.get_terminal_size().columns))
    else:
        write(fields(found))


@click.command(short_help="Check this installation.")
@click.option(
    "--model", metavar="NAME", help="The model to check. [default: $CODESEARCH_MODEL, else 'embedded']"
)
@options.json_flag
@click.pass_context
def doctor(ctx: click.Context, *, model: str | None, as_json: bool) -> None:
    """Check this installation: model, backend, device, full text, graph, grammars, folders.

    Exits with 2 if anything that a search needs does not work.
    """
    from codesearch.rendering.render import dump
    from codesearch.shell.doctor import examine

    findings = examine(model)
    if as_json:
        write(dump(findings))
    else:
        width = max(len(finding.what) for finding in findings)
        for finding in findings:
            write(f"{finding.level:<4}  {finding.what:<{width}}  {one_line(finding.found)}\n")
    ctx.exit(2 if any(finding.level == "FAIL" for finding in findings) else 0)
