"""The list of what the corpus is made of: repositories at a commit, with licence, languages and split.

A repository is whole in one split. ``heldout`` ones are only measured on. Nothing enters that stands in
never_train_on.txt (projects that retrieval is measured on elsewhere), however its address is spelled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from training.corpus.projects.licences import Refused

__all__ = ["MANIFEST", "NEVER_TRAIN_ON", "Entry", "load", "never_train_on", "repository_name", "save"]

MANIFEST = Path(__file__).with_name("manifest.json")
NEVER_TRAIN_ON = Path(__file__).parent / "projects" / "never_train_on.txt"

_ADDRESS = re.compile(r"(?i)^(?:(?:https?|git|ssh)://)?(?:[\w.-]+@)?(?:www\.)?github\.com[/:]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One repository. ``licence`` is an SPDX expression, ``commit`` 40 hex digits."""

    url: str
    commit: str
    licence: str
    languages: tuple[str, ...]
    split: Literal["train", "heldout"]

    @property
    def name(self) -> str:
        """``owner/name``, as spelled in the address."""
        return _ADDRESS.sub("", self.url).strip("/")

    @property
    def folder(self) -> str:
        """The name as one path component."""
        return self.name.replace("/", "+")


def repository_name(address: str) -> str:
    """``owner/name`` in lower case of an address in any spelling: one name for one repository.

    >>> repository_name("git@github.com:Pallets/Click.git")
    'pallets/click'
    """
    return _ADDRESS.sub("", address.strip()).strip("/").removesuffix(".git").lower()


def never_train_on(path: Path = NEVER_TRAIN_ON) -> frozenset[str]:
    """Normalised names of what must not be learned from; ``#`` begins a comment."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return frozenset(repository_name(line) for line in lines if line)


def load(path: Path = MANIFEST, forbidden: frozenset[str] | None = None) -> list[Entry]:
    """The entries, by name. Raises Refused for a forbidden repository or one that is named twice."""
    rows = json.loads(path.read_text("utf-8"))["repositories"]
    entries = [Entry(**{**row, "languages": tuple(row["languages"])}) for row in rows]
    _check(entries, never_train_on() if forbidden is None else forbidden)
    return entries


def save(entries: Iterable[Entry], path: Path = MANIFEST, forbidden: frozenset[str] | None = None) -> None:
    """Write the entries, by name; the same refusals as in ``load``."""
    ordered = sorted(entries, key=lambda entry: repository_name(entry.url))
    _check(ordered, never_train_on() if forbidden is None else forbidden)
    rows = ",\n".join(f"  {json.dumps(asdict(entry))}" for entry in ordered)
    path.write_text(f'{{"repositories": [\n{rows}\n]}}\n', "utf-8")


def _check(entries: Iterable[Entry], forbidden: frozenset[str]) -> None:
    seen: set[str] = set()
    for entry in entries:
        name = repository_name(entry.url)
        if name in forbidden:
            raise Refused(f"{entry.url} is never trained on (never_train_on.txt)")
        if name in seen:
            raise Refused(f"{entry.url} is named twice")
        seen.add(name)
