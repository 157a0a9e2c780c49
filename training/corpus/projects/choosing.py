"""A list of wanted repositories and their mirrors -> manifest entries, and why some are refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from training.corpus.manifest import Entry, repository_name
from training.corpus.projects.checkout import head_commit, licence_files, mirror_of
from training.corpus.projects.licences import Refused, spdx_expression

__all__ = ["Choice", "Wanted", "choose", "wanted"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line of the list: ``owner/name language[,language] [heldout]``."""

    name: str
    languages: tuple[str, ...]
    split: Literal["train", "heldout"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What may be learned from, and (name, reason) of what may not or is not there."""

    entries: tuple[Entry, ...]
    refused: tuple[tuple[str, str], ...]


def wanted(path: Path) -> list[Wanted]:
    """The list in a file; ``#`` begins a comment."""
    rows = (line.partition("#")[0].split() for line in path.read_text("utf-8").splitlines())
    return [
        Wanted(row[0], tuple(row[1].split(",")), "heldout" if "heldout" in row[2:] else "train")
        for row in rows
        if len(row) >= 2
    ]


def choose(
    repositories: Iterable[Wanted], mirrors: Path, forbidden: frozenset[str], pinned: Iterable[Entry] = ()
) -> Choice:
    """Every repository of the list, if its terms allow it, at the newest commit of its mirror.

    Those in ``pinned`` stay at the commit that they have there: held-out figures stay comparable.
    """
    known = {repository_name(entry.url): entry for entry in pinned}
    entries: dict[str, Entry] = {}
    refused: list[tuple[str, str]] = []
    for each in repositories:
        identity = repository_name(each.name)
        try:
            if identity not in entries:
                entries[identity] = _entry(each, mirrors, forbidden, known.get(identity))
        except Refused as reason:
            refused.append((each.name, str(reason)))
    return Choice(tuple(entries.values()), tuple(refused))


def _entry(each: Wanted, mirrors: Path, forbidden: frozenset[str], pinned: Entry | None) -> Entry:
    if repository_name(each.name) in forbidden:
        raise Refused("never trained on (never_train_on.txt)")
    if pinned is not None:
        return pinned
    mirror = mirror_of(each.name, mirrors)
    if mirror is None:
        raise Refused("no mirror")
    commit = head_commit(mirror)
    licence = spdx_expression(licence_files(mirror, commit))
    return Entry(f"https://github.com/{each.name}", commit, licence, each.languages, each.split)
