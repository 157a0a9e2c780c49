"""Shell completion of languages, models and paths."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

__all__ = ["languages", "models", "paths"]


def languages(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """After ``-t``: names of languages, also behind a comma."""
    from codesearch.files.languages import LANGUAGES

    given, comma, begun = incomplete.rpartition(",")
    return [CompletionItem(f"{given}{comma}{name}") for name in sorted(LANGUAGES) if name.startswith(begun)]


def models(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """After ``--model``: short names, and files for a folder."""
    from codesearch.models.names import known_models

    found = [CompletionItem(m.name, help=m.use) for m in known_models() if m.name.startswith(incomplete)]
    return found or paths(_, __, incomplete)


def paths(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files and folders, as the shell itself completes them."""
    return [CompletionItem(incomplete, type="file")]
