"""What the command lines print of an error."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from mlx_jinabert.cli_errors import one_line
from mlx_jinabert.errors import ModelFolderError


@click.group()
def program() -> None: ...


@program.command()
@click.option("--many", type=int)
def verb(many: int) -> None: ...


def test_a_wrong_use_says_where_help_is() -> None:
    with pytest.raises(click.UsageError) as raised:
        program.main(["verb", "--many", "x"], prog_name="program", standalone_mode=False)
    said = one_line(raised.value)
    assert said == "Invalid value for '--many': 'x' is not a valid integer; see: program verb --help"
    assert one_line(click.ClickException("No such thing.")) == "No such thing"


def test_an_error_of_the_system_names_its_file() -> None:
    with pytest.raises(FileNotFoundError) as raised:
        Path("/no/such/file").stat()
    assert one_line(raised.value) == "/no/such/file: No such file or directory"
    assert one_line(OSError(28, "No space left on device")) == "No space left on device"
    assert one_line(OSError("it ended")) == "it ended"


def test_an_error_of_the_package_is_as_it_is() -> None:
    error = ModelFolderError("/folder", "holds nothing.")
    assert one_line(error) == str(error)
