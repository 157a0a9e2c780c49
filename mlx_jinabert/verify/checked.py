"""The record of real checkpoints that were checked: by whom, when, on what and against what."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CheckRecord", "checked_models", "read_checks"]

_FILE = Path(__file__).with_name("checked.toml")


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """One check that passed."""

    alias: str
    date: datetime.date
    by: str
    run: str
    """Backend, type and device."""
    against: str
    revision: str | None = None
    """The commit that was checked, of a model from the Hub."""

    def as_toml(self) -> str:
        """The block to add to ``checked.toml``."""
        revision = [f'revision = "{self.revision}"'] if self.revision else []
        lines = [
            f'alias = "{self.alias}"',
            *revision,
            f"date = {self.date.isoformat()}",
            *(f'{key} = "{getattr(self, key)}"' for key in ("by", "run", "against")),
        ]
        return "\n".join(["[[check]]", *lines])


@cache
def checked_models() -> Mapping[str, tuple[CheckRecord, ...]]:
    """Alias -> its checks, oldest first."""
    return read_checks(_FILE)


def read_checks(path: Path) -> Mapping[str, tuple[CheckRecord, ...]]:
    """Read a record. ValueError names the file, the block and what is wrong with it."""
    found: dict[str, tuple[CheckRecord, ...]] = {}
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("check", [])
    for number, row in enumerate(rows, 1):
        record = _record(f"{path}: check {number}", row)
        found[record.alias] = (*found.get(record.alias, ()), record)
    return found


def _record(where: str, row: Mapping[str, Any]) -> CheckRecord:
    known = {each.name for each in fields(CheckRecord)}
    if row.keys() - known or (known - {"revision"}) - row.keys():
        raise ValueError(f"{where} has {', '.join(row)}; expected {', '.join(sorted(known))}")
    if type(row["date"]) is not datetime.date:
        raise ValueError(f"{where}: date is {row['date']!r}, expected a day such as 2026-11-28")
    for key in known - {"date"} & row.keys():
        if not isinstance(row[key], str) or not row[key]:
            raise ValueError(f"{where}: {key} is {row[key]!r}, expected a text")
    return CheckRecord(**row)
