"""``tune``: adapt searches to a repository, if that measurably helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from codesearch.rendering.terminal import one_line, say, write
from codesearch.shell.exit_codes import INTERRUPTED
from codesearch.shell.options import options

if TYPE_CHECKING:
    from codesearch.benchmark.tune import TuneResult

__all__ = ["tune"]


@click.command(short_help="Tune searches to a repository, if that helps.")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--off", is_flag=True, help="Forget what was learned.")
@click.option(
    "--limit",
    default=600,
    show_default=True,
    type=click.IntRange(min=80),
    help="Number of questions to learn from and to judge by, together.",
)
@options.seed
@options.root_here
@options.json_flag
@click.pass_context
def tune(
    ctx: click.Context,
    paths: tuple[str, ...],
    *,
    off: bool,
    limit: int,
    seed: int,
    root_here: bool,
    as_json: bool,
) -> None:
    """Learn from the comments and commits of each PATH how people ask for its code, and keep what helps.

    Half of the questions that `codesearch bench` mines train a small change to the vectors of questions; the
    other half judges it. The change is kept, for searches of this root alone, only if it ranks answers
    higher on that half beyond doubt (90 % interval); otherwise the index stays as it is. The vectors of files
    never change. Takes minutes of CPU.
    """
    try:
        results = [_one(path, off, limit, seed, root_here) for path in paths or (".",)]
    except KeyboardInterrupt:
        say("interrupted; nothing has changed")
        ctx.exit(INTERRUPTED)
    if as_json:
        from codesearch.rendering.render import dump

        write(dump({"results": [record for record, _ in results]}))
    else:
        write("\n".join(text for _, text in results))


def _one(path: str, off: bool, limit: int, seed: int, here: bool) -> tuple[dict[str, object], str]:
    """Tune or forget one root: as a record and as text."""
    from codesearch.benchmark import tune as tuning
    from codesearch.shell.progress import Display

    if off:
        forgotten = tuning.forget(path, here=here)
        what = "forgotten; searches are as before" if forgotten else "was not tuned"
        return {"path": path, "forgotten": forgotten}, f"{one_line(path)}: {what}\n"
    with Display("tuning") as display:
        tuned = tuning.tune(path, display, here=here, limit=limit, seed=seed)
    return _record(tuned), _text(tuned)


def _record(tuned: TuneResult) -> dict[str, object]:
    return {
        "root": tuned.root,
        "model": tuned.model,
        "seed": tuned.seed,
        "taught": tuned.taught,
        "judged": tuned.judged,
        "step": tuned.step.length,
        "shrinkage": tuned.step.shrinkage,
        "kept": tuned.kept,
        "judgements": [
            {
                "mode": one.mode,
                "mrr_before": round(one.before, 4),
                "mrr_after": round(one.after, 4),
                "gain": round(one.gain.mean, 4),
                "gain_low": round(one.gain.low, 4),
                "gain_high": round(one.gain.high, 4),
            }
            for one in tuned.judgements
        ],
    }


def _text(tuned: TuneResult) -> str:
    lines = [
        one_line(tuned.root),
        f"{tuned.taught} questions taught, {tuned.judged} others judged, model {one_line(tuned.model)}",
    ]
    lines += [
        f"{one.mode:<8}  MRR {one.before:.3f} -> {one.after:.3f}, {one.gain} (90 %)"
        for one in tuned.judgements
    ]
    return "\n".join([*lines, _verdict(tuned)]) + "\n"


def _verdict(tuned: TuneResult) -> str:
    if tuned.kept:
        return "kept: searches of this index use it (codesearch tune --off forgets it)"
    return "not kept: hybrid searches do not gain beyond doubt; the index stays as it is"
