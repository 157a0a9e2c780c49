"""Options that several subcommands share, each defined once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from codesearch.shell.options import completion

__all__ = [
    "Seconds",
    "filters",
    "freshness",
    "json_flag",
    "limit",
    "max_wait",
    "model",
    "patience",
    "root_here",
    "scope",
    "seed",
    "store",
    "yes",
]

_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


class Seconds(click.FloatRange):
    """A number of seconds; NaN, which is in every range of click's, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        return seconds


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)i?b?", re.IGNORECASE)


class _Size(click.ParamType[int]):
    """A size in bytes: 4000, 500k, 3M, 1.5GB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes; UsageError for what is no size."""
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(str(value).strip())
        if found is None or not (size := int(float(found[1]) * _UNITS[found[2].lower()])):
            self.fail(f"{value!r} is no size; expected bytes, as in 4000, 500k, 3M", param, ctx)
        return size


Command = TypeVar("Command", bound=Callable[..., Any])

model = click.option(
    "--model",
    metavar="NAME",
    shell_complete=completion.models,
    help="Embedding model: 'embedded' (shipped), an alias (see: codesearch models), a Hub id, a folder, or a "
    "remote service, which texts are sent to. [default: the index's]",
)
root_here = click.option(
    "--root-here", is_flag=True, help="Use the folder itself as the root, not its git repository."
)
yes = click.option(
    "--yes", is_flag=True, help="Index even the home folder, / or very many files without asking."
)
json_flag = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
seed = click.option("--seed", default=0, show_default=True, help="Seed for drawing the questions.")
store = click.option(
    "--store",
    metavar="URL",
    help="Search engine that holds the chunks: qdrant://host:6333/collection or "
    "postgresql://user@host/database.",
)
limit = click.option(
    "-k", "--limit", default=10, show_default=True, type=click.IntRange(min=1), help="Number of hits."
)
_no_daemon = click.option(
    "--no-daemon",
    is_flag=True,
    expose_value=False,
    help="Do not use the background process (see: codesearch serve --help).",
)
_no_refresh = click.option(
    "--no-refresh", is_flag=True, help="Use the index as it is; do not look for changed files."
)
max_wait = click.option(
    "--max-wait",
    metavar="SECONDS",
    type=Seconds(min=0),
    help="Answer after SECONDS with whatever is indexed by then.",
)
_wait = click.option("--wait", is_flag=True, help="Wait until everything is indexed.")
_ANSWER_SECONDS = 5.0


def patience(max_wait: float | None, wait: bool) -> float | None:
    """Return the seconds that a search waits for a refresh; None to wait for all of it."""
    if wait:
        return None
    return _ANSWER_SECONDS if max_wait is None else max_wait


def freshness(command: Command) -> Command:
    """Add the options that say how long a question waits for what has changed, and who answers it."""
    for option in (_wait, max_wait, _no_daemon, _no_refresh):
        command = option(command)
    return command


def scope(command: Command) -> Command:
    """Add the options that say which files are indexed."""
    for option in (
        click.option(
            "--max-file-size",
            metavar="SIZE",
            type=_Size(),
            help="Skip larger files (500k, 3M, ...). [default: as last time; at first 5M for source files, "
            "1M for others]",
        ),
        click.option(
            "--generated/--no-generated",
            "generated",
            default=None,
            help="Search generated documentation pages by vectors too, not only by words. "
            "[default: as last time; at first --no-generated]",
        ),
        click.option(
            "--follow/--no-follow",
            "follow",
            default=None,
            help="Follow links to folders outside the tree. [default: as last time; at first --no-follow]",
        ),
        click.option(
            "--ignore/--no-ignore",
            "ignore",
            default=None,
            help="Respect .gitignore and .codesearchignore. [default: as last time; at first --ignore]",
        ),
        click.option(
            "--hidden/--no-hidden",
            "hidden",
            default=None,
            help="Index hidden files. [default: as last time; at first --no-hidden]",
        ),
    ):
        command = option(command)
    return command


def filters(command: Command) -> Command:
    """Add the options that say which of the indexed files are searched."""
    for option in (
        click.option(
            "-t",
            "--type",
            "types",
            multiple=True,
            metavar="LANG[,LANG...]",
            shell_complete=completion.languages,
            help="Keep only these languages: py, rust, ...",
        ),
        click.option(
            "-g",
            "--glob",
            "globs",
            multiple=True,
            metavar="GLOB",
            help="Keep only paths that match, in gitignore syntax; ! excludes.",
        ),
    ):
        command = option(command)
    return command
