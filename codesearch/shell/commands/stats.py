"""``stats``: how often this user searched, and what it saved."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from codesearch.rendering.terminal import write
from codesearch.shell.options import options

if TYPE_CHECKING:
    from codesearch.storage.receipts import Receipt

__all__ = ["stats"]

_SPANS = (("today", 86_400.0), ("7 days", 7 * 86_400.0), ("all", float("inf")))


@click.command(short_help="Show how often you searched, and what it saved.")
@options.json_flag
@click.option("--clear", is_flag=True, help="Delete all records.")
def stats(*, as_json: bool, clear: bool) -> None:
    """Show how many questions were asked, how long the answers took, and how much reading they saved.

    Compares the tokens of the answers with those of the files they point to (4 bytes per token). The counts
    stay on this machine and hold no questions; CODESEARCH_STATS=0 turns them off.
    """
    from codesearch.rendering.render import dump
    from codesearch.storage.receipts import receipts, receipts_file

    if clear:
        receipts_file().unlink(missing_ok=True)
        return
    found = receipts()
    rows = [_row(name, by, some) for name, by, some in _groups(found)]
    if as_json:
        write(dump(rows))
    elif not rows:
        write("nothing was asked yet\n")
    else:
        write(_table(rows))


def _groups(found: list[Receipt]) -> list[tuple[str, str, list[Receipt]]]:
    now = time.time()
    kinds = sorted({receipt.by for receipt in found})
    groups = [
        (name, by, [r for r in found if r.by == by and now - r.at <= seconds])
        for name, seconds in _SPANS
        for by in kinds
    ]
    return [group for group in groups if group[2]]


def _row(span: str, by: str, some: list[Receipt]) -> dict[str, Any]:
    times = sorted(receipt.seconds for receipt in some)
    return {
        "span": span,
        "by": by,
        "questions": len(some),
        "without_hits": sum(not receipt.hits for receipt in some),
        "median_seconds": times[len(times) // 2],
        "p95_seconds": times[min(len(times) - 1, int(0.95 * len(times)))],
        "tokens": sum(receipt.tokens for receipt in some),
        "file_tokens": sum(receipt.file_tokens for receipt in some),
    }


def _table(rows: list[dict[str, Any]]) -> str:
    heads = ("", "asked by", "questions", "no hits", "median", "p95", "tokens", "tokens of the files")
    lines = [heads]
    for row in rows:
        lines.append(
            (
                row["span"],
                row["by"],
                f"{row['questions']:,}",
                f"{row['without_hits']:,}",
                f"{row['median_seconds']:.3f} s",
                f"{row['p95_seconds']:.3f} s",
                f"{row['tokens']:,}",
                f"{row['file_tokens']:,}",
            )
        )
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    text = ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "".join(f"{line.rstrip()}\n" for line in text)
