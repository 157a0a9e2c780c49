"""Options of both programs: what is no number is none, wherever a number is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from codesearch.cli import cli
from mlx_jinabert.server.command import serve
from tests.support.command import run


def options(command: click.Command, name: str) -> Iterator[tuple[str, click.Option]]:
    """Every option of a command and of those below it, with the words that lead to it."""
    for param in command.params:
        if isinstance(param, click.Option):
            yield f"{name} {param.opts[0]}", param
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from options(found, f"{name} {below}")


OPTIONS = dict([*options(cli, "codesearch"), *options(serve, "mlx-jinabert serve")])
NUMBERS = {name: option for name, option in OPTIONS.items() if isinstance(option.type, click.FloatRange)}


@pytest.mark.parametrize("name", sorted(NUMBERS))
@pytest.mark.parametrize("value", ["nan", "-NaN"])
def test_no_number_is_refused(name: str, value: str) -> None:
    option = NUMBERS[name]
    with pytest.raises(click.BadParameter, match="no number"):
        option.type.convert(value, option, None)


def test_the_options_are_found() -> None:
    assert {"codesearch search --max-wait", "mlx-jinabert serve --max-delay-ms"} <= NUMBERS.keys()


def test_a_search_says_it(tmp_path: Path) -> None:
    done = run("retry", "--max-wait", "nan", cwd=tmp_path)
    assert (done.returncode, "'nan' is no number of seconds" in done.stderr) == (2, True)
