"""Annotated queries: what is asked, and which files (or spans of them) answer it. semble's format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from codesearch import Hit


@dataclass(frozen=True, slots=True)
class Target:
    """A file, or a span of one, that answers a query. Lines are 1-based and inclusive."""

    path: str
    start_line: int | None = None
    end_line: int | None = None

    def is_in(self, path: str) -> bool:
        # Annotated paths are relative to the checkout or to benchmark_root: match by suffix either way.
        ours, theirs = "/" + path, "/" + self.path
        return ours.endswith(theirs) or theirs.endswith(ours)

    def found_in(self, hit: Hit) -> bool:
        if not self.is_in(hit.path):
            return False
        if self.start_line is None or self.end_line is None:
            return True
        return hit.start_line <= self.end_line and self.start_line <= hit.end_line


@dataclass(frozen=True, slots=True)
class Query:
    text: str
    category: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Repository:
    name: str
    language: str
    root: Path
    """The folder that is indexed."""
    queries: tuple[Query, ...]


def load_repositories(annotations: Path, checkouts: Path, only: list[str] | None) -> list[Repository]:
    """The repositories of ``repos.json``, each with its queries; ``only`` names a few of them."""
    listed = json.loads((annotations / "repos.json").read_text(encoding="utf-8"))
    return [
        Repository(
            item["name"],
            item["language"],
            checkouts / item["name"] / (item.get("benchmark_root") or ""),
            tuple(load_queries(annotations / "annotations" / f"{item['name']}.json")),
        )
        for item in listed
        if not only or item["name"] in only
    ]


def load_queries(path: Path) -> list[Query]:
    return [
        Query(
            item["query"],
            item["category"],
            tuple(_target(t) for t in [*item["relevant"], *item.get("secondary", [])]),
        )
        for item in json.loads(path.read_text(encoding="utf-8"))
    ]


def _target(item: str | dict[str, object]) -> Target:
    if isinstance(item, str):
        return Target(item)
    return Target(str(item["path"]), item.get("start_line"), item.get("end_line"))  # type: ignore[arg-type]
