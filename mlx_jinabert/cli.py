"""The command ``mlx-jinabert``: its verbs are imported when they are called."""

from __future__ import annotations

import click

import mlx_jinabert
from mlx_jinabert.server.command import serve
from mlx_jinabert.verify.command import check

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(mlx_jinabert.__version__, prog_name="mlx-jinabert")
def main() -> None:
    """Local embedding models and rerankers."""


main.add_command(check)
main.add_command(serve)
