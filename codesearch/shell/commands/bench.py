"""``bench``: measure how well the user's own repository is searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from codesearch.rendering.terminal import say, write
from codesearch.shell.exit_codes import INTERRUPTED
from codesearch.shell.options import options

if TYPE_CHECKING:
    from codesearch.searching.request import Mode

__all__ = ["bench"]

_MODES: tuple[Mode, ...] = ("lexical", "semantic", "hybrid")


@click.command(short_help="Measure how well a repository is searched.")
@click.argument("path", default=".")
@options.model
@click.option(
    "--mode",
    "modes",
    multiple=True,
    type=click.Choice(_MODES),
    help="Measure only this mode; repeatable. [default: all]",
)
@click.option(
    "--limit",
    default=200,
    show_default=True,
    type=click.IntRange(min=20),
    help="Number of questions to ask in each mode.",
)
@options.seed
@options.root_here
@options.json_flag
@click.pass_context
def bench(
    ctx: click.Context,
    path: str,
    *,
    model: str | None,
    modes: tuple[str, ...],
    limit: int,
    seed: int,
    root_here: bool,
    as_json: bool,
) -> None:
    """Measure how well a repository can be searched, with questions mined from it.

    A question is either the first sentence of a documentation comment, answered by the definition below it,
    or the subject of a commit, answered by the files that it changed. The run uses a temporary index without
    those comments; yours is not touched. The same seed draws the same questions, so models, modes and
    versions can be compared.
    """
    chosen = tuple(mode for mode in _MODES if not modes or mode in modes)
    try:
        from codesearch.benchmark.run import Plan, run
        from codesearch.rendering import bench_report
        from codesearch.shell.progress import Display

        plan = Plan(path, root_here, model, chosen, limit, seed)
        with Display("measuring") as display:
            report = run(plan, display)
    except KeyboardInterrupt:
        say("interrupted; nothing is left behind")
        ctx.exit(INTERRUPTED)
    write(bench_report.as_json(report) if as_json else bench_report.as_text(report))
