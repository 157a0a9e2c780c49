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
@click.option(
    "--backend", default="auto", show_default=True, type=click.Choice(["auto", "mlx", "onnx", "openvino"])
)
@click.option("--dtype", default="float32", show_default=True, help="Type to compute in.")
@click.option(
    "--record",
    metavar="NAME",
    help="Print the block to add to verify/checked.toml, with NAME as the checker.",
)
def check(model: str, backend: str, dtype: str, record: str | None) -> None:
    """Check a model: an alias (see `codesearch models`), a Hub id or a folder.

    Downloads the model if needed, loads it, and compares its output with the vectors or logits published for
    this checkpoint and, if torch and transformers are installed, with what they compute from the same files.
    No code from a checkpoint is run. If neither comparison is possible, the line says why, and the model is
    only compared with itself in other batches: it is then consistent, but unverified.

    Exit codes: 0 verified, or unverified but consistent; 1 the check failed; 2 the model cannot be loaded.
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
