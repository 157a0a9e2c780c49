"""Errors in the words of a command line: what ``mlx-jinabert`` and ``convert-weights`` print of them."""

from __future__ import annotations

import click

__all__ = ["one_line"]


def one_line(error: Exception) -> str:
    """An error of click, of the system or of these packages for a person; a wrong use says where help is."""
    if isinstance(error, click.ClickException):
        asked = isinstance(error, click.UsageError) and error.ctx is not None
        hint = f"; see: {error.ctx.command_path} --help" if asked else ""  # type: ignore[attr-defined]
        return error.format_message().rstrip(".") + hint
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
