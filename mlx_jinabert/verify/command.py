"""``mlx-jinabert check``: download a model, hold it against its original, say so in one line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mlx_jinabert.verify.alias import Verdict

__all__ = ["check"]


@click.command(short_help="Check a model against its original.")
@click.argument("model")
@click.option("--backend", default="auto", show_default=True, type=click.Choice(["auto", "mlx", "onnx"]))
@click.option("--dtype", default="float32", show_default=True, help="Type to compute in.")
@click.option("--record", metavar="NAME", help="Print the block for verify/checked.toml, checked by NAME.")
def check(model: str, backend: str, dtype: str, record: str | None) -> None:
    """Check a model: an alias (see `codesearch models`), a Hub id or a folder.

    It is downloaded if it is not on this machine, loaded, and held against the vectors or logits that others
    published for this checkpoint and, where torch and transformers are installed, against what they compute
    of the same files (no code of a checkpoint is run). Where neither can be, the line says why, and it is
    held against itself in other batches, which says that it computes but not that it computes the right
    thing: unverified.

    Exit 0: verified, or unverified and consistent. 1: it fails. 2: it cannot be loaded.
    """
    from mlx_jinabert.verify.alias import check_model

    try:
        verdict = check_model(model, backend, dtype)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(verdict.line())
    if record:
        _print_record(verdict, record)
    sys.exit(0 if verdict.passed else 1)


def _print_record(verdict: Verdict, name: str) -> None:
    found = verdict.record(name)
    if found is None:
        click.echo("mlx-jinabert: nothing to record: only verified aliases are", err=True)
    else:
        click.echo(f"\n{found.as_toml()}")
