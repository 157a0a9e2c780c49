"""The command ``mlx-jinabert``: its verbs are imported when they are called."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

import mlx_jinabert
from mlx_jinabert.server.command import serve
from mlx_jinabert.verify.command import check

__all__ = ["main"]


class _Program(click.Group):
    """The group of verbs. Output that is lost is one line and exit code 2, as with ``codesearch``."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a verb and exit."""
        try:
            try:
                return super().main(*args, **options)
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()
        except OSError as error:
            if sys.stdout is not None:  # the interpreter's flush at exit must not fail again
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or error
            click.echo(f"mlx-jinabert: error: {what}", err=True)
            sys.exit(2)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(mlx_jinabert.__version__, prog_name="mlx-jinabert")
def main() -> None:
    """Local embedding models and rerankers."""


main.add_command(check)
main.add_command(serve)
