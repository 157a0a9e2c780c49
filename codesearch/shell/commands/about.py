"""``models`` and ``doctor``: what this installation can do."""

from __future__ import annotations

import shutil
import sys

import click

from codesearch.shell.commands import options
from codesearch.shell.terminal import one_line, write

__all__ = ["doctor", "models"]


@click.command()
@options.json_flag
def models(*, as_json: bool) -> None:
    """List the embedding models that --model knows by name, with licence, size, widths and use.

    On a terminal in columns, else a line of tab-separated fields for each: name, source, parameters, dims,
    longest text in tokens, licence, commercial use, recommended use.
    """
    from codesearch.models.embedder import known_models
    from codesearch.shell.model_list import columns, fields
    from codesearch.shell.render import dump

    found = known_models()
    if as_json:
        write(dump(found))
    elif sys.stdout.isatty():
        write(columns(found, shutil.get_terminal_size().columns))
    else:
        write(fields(found))


@click.command()
@click.option(
    "--model", metavar="NAME", help="The model to check. [default: $CODESEARCH_MODEL, else 'embedded']"
)
@options.json_flag
@click.pass_context
def doctor(ctx: click.Context, *, model: str | None, as_json: bool) -> None:
    """Check this installation: model, backend, device, full text, graph, grammars, folders.

    Exits with 2 if something that a search needs does not work.
    """
    from codesearch.shell.doctor import examine
    from codesearch.shell.render import dump

    findings = examine(model)
    if as_json:
        write(dump(findings))
    else:
        width = max(len(finding.what) for finding in findings)
        for finding in findings:
            write(f"{finding.level:<4}  {finding.what:<{width}}  {one_line(finding.found)}\n")
    ctx.exit(2 if any(finding.level == "FAIL" for finding in findings) else 0)
