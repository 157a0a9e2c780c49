"""The command ``mlx-jinabert``: its verbs, which are imported when they are called, and its errors.

An error is one line on stderr, as with ``codesearch``, and ends with 2.
"""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import click

import mlx_jinabert
from mlx_jinabert.cli_errors import one_line
from mlx_jinabert.errors import JinabertError
from mlx_jinabert.server.command import serve
from mlx_jinabert.verify.command import check

__all__ = ["main"]


class _Program(click.Group):
    """The group of verbs."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a verb and exit."""
        try:
            try:
                code = super().main(*args, **{**options, "standalone_mode": False})
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(2)
        except (click.ClickException, JinabertError) as error:
            _fail(error)
        except click.Abort:
            sys.exit(130)
        except OSError as error:
            if sys.stdout is not None:  # the interpreter's flush at exit must not fail again
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            _fail(error)
        sys.exit(code or 0)


def _fail(error: Exception) -> NoReturn:
    click.echo(f"mlx-jinabert: error: {one_line(error)}", err=True)
    sys.exit(2)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(mlx_jinabert.__version__, prog_name="mlx-jinabert")
def main() -> None:
    """Local embedding models and rerankers."""


main.add_command(check)
main.add_command(serve)
