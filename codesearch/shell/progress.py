"""Show progress of long work on stderr: how much is done, how fast, how long it will take.

Quick work shows nothing. On a terminal a bar appears after a moment; elsewhere one line says that
something is going on. rich is imported when the bar appears, not before.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from codesearch import caller
from codesearch.rendering.terminal import say

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

__all__ = ["Display"]

_DELAY_SECONDS = 0.7
_LABELS = {
    "walk": "finding files",
    "chunk": "reading files",
    "embed": "embedding chunks",
    "mine": "reading comments",
    "ask": "asking",
}
_UNITS = {"walk": "files", "chunk": "files", "embed": "chunks", "mine": "files", "ask": "questions"}


class Display:
    """A ``Progress`` callback; a context manager, because a bar must be taken off the screen."""

    def __init__(self, what: str, delay: float = _DELAY_SECONDS) -> None:
        self._what = what
        self._delay = delay
        self._elsewhere = caller.progress()
        self._since = time.monotonic()
        self._stage = ""
        self._stage_since = self._since
        self._stage_from = 0
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None
        self._told = False

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Called by the refresh, often; ``total`` 0 means unknown."""
        if self._elsewhere is not None:
            self._elsewhere(self._what, stage, done, total)
            return
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._stage_since, self._stage_from = stage, now, done
            self._task = self._new_task(stage) if self._bar else None
        if now - self._since < self._delay:
            return
        if not sys.stderr.isatty():
            if not self._told:
                say(f"{self._what} ...")
                self._told = True
            return
        self._show(stage, done, total, now)

    def _show(self, stage: str, done: int, total: int, now: float) -> None:
        if self._bar is None:
            self._bar = _bar()
            self._bar.start()
        if self._task is None:
            self._task = self._new_task(stage)
        seconds = now - self._stage_since
        rate = (done - self._stage_from) / seconds if seconds > 0 else 0.0
        speed = f"{rate:,.0f} {_UNITS.get(stage, '')}/s" if rate >= 1 else ""
        self._bar.update(self._task, completed=done, total=total or None, speed=speed)

    def _new_task(self, stage: str) -> TaskID:
        assert self._bar is not None
        for task in self._bar.tasks:
            self._bar.update(task.id, visible=False)
        return self._bar.add_task(_LABELS.get(stage, stage), total=None, speed="")


def _bar() -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(compact=True),
        console=Console(file=sys.stderr),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
