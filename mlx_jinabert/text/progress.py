"""A progress bar on stderr, for ``encode(show_progress_bar=True)``; the only user of rich here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Advance", "progress_bar"]

Advance = Callable[[int], None]
"""Called with the number of texts that were just finished."""


@contextmanager
def progress_bar(total: int, *, show: bool) -> Iterator[Advance]:
    """A bar over ``total`` texts that goes away when done; nothing at all unless ``show``."""
    if not show:
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("embedding"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("embedding", total=total)
        yield lambda count: progress.update(task, advance=count)
