"""Commit subjects -> questions: the subject asks, the files that the commit changed answer.

History is a noisy teacher: a subject may say why, not what, and the files have changed since. Merges,
reverts, releases, chores and wide commits are left out, and so are the documents and data a commit
touched on the way: a changelog holds the subject itself. Without git, or without history, nothing comes
out. git is told not to fetch what a partial clone lacks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from codesearch.benchmark.questions import COMMITS, Place, Question, unambiguous
from codesearch.files.repositories.git import run_git
from codesearch.searching.signals.path_roles import roles_of

__all__ = ["from_commits", "question_of"]

_MOST_COMMITS = 5_000
"""The youngest ones; in older ones too much has changed."""
_MOST_FILES = 6
_LEAST_WORDS, _MOST_CHARACTERS = 3, 200
_NEVER = frozenset({"prose", "data", "generated"})

_COMMIT, _PATHS = "\x01", "\x02"
_TAIL = re.compile(r"\s*(?:\(?(?:#|gh-|!)\d+\)?|\[[\w-]+\])\s*[.;,]?\s*$", re.IGNORECASE)
_HEAD = re.compile(
    r"\s*(?:(?:feat|fix|perf|refactor|docs?|tests?|style|impl|chore|build|ci)(?:\([^)]*\))?!?:"
    r"|(?:fix(?:es|ed)?|closes?d?|resolves?d?)\s+#\d+\s*[:,-]?|#\d+\s*[:,-]?|\[[\w -]+\])\s*",
    re.IGNORECASE,
)
_CHORE = re.compile(
    r"\s*(?:revert|reapply|merge|release|bump|prepare|version|v?\d+\.\d|back to|start(?:ing)? development"
    r"|(?:chore|build|ci|style|docs?)(?:\([^)]*\))?!?:|wip\b|fixup!|squash!|amend!|cherry)"
    r"|\b(?:changelog|release notes|typos?|whitespace|lint(?:er|ing)?|(?:re)?format(?:ting)?|cargo fmt|gofmt"
    r"|rustfmt|prettier|dependabot|pre-commit|dependenc(?:y|ies)|deps|copyright|year|readme|news)\b"
    r"|\b(?:updat|upgrad)\w*\b.*\b(?:to|version)\b.*\d|\bto v?\d+\.\d",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{2,}")


def from_commits(root: Path, indexed: Collection[str]) -> list[Question]:
    """The questions of the history of ``root``; ``indexed`` are the paths that can be found."""
    logged = run_git(
        root,
        "log",
        f"--max-count={_MOST_COMMITS}",
        "--no-merges",
        "--no-renames",
        "--no-follow",
        "--encoding=UTF-8",
        "--no-show-signature",
        "--no-ext-diff",
        "--no-textconv",
        "--name-only",
        "--relative",
        "-z",
        "--format=%x01%s%x02",
        "--",
        ".",
    )
    return unambiguous(_questions(os.fsdecode(logged), indexed)) if logged else []


def _questions(logged: str, indexed: Collection[str]) -> Iterator[Question]:
    for entry in logged.split(_COMMIT)[1:]:
        subject, _, listed = entry.partition(_PATHS)
        changed = [path for path in listed.strip("\0\n").split("\0") if path]
        text = question_of(subject)
        answers = _answers(changed, indexed)
        if text and answers and len(changed) <= _MOST_FILES:
            yield Question(COMMITS, text, answers)


def question_of(subject: str) -> str | None:
    """A subject without type and ticket; None for one that says nothing about the code."""
    if _CHORE.search(subject) or len(subject) > _MOST_CHARACTERS:
        return None
    text = _HEAD.sub("", _TAIL.sub("", subject), count=1).strip(" .")
    return text if len(_WORD.findall(text)) >= _LEAST_WORDS else None


def _answers(changed: list[str], indexed: Collection[str]) -> tuple[Place, ...]:
    """Changed code that is still there; tests and the like only where the commit changed nothing else."""
    roles = {path: {role.name for role in roles_of(path)} for path in dict.fromkeys(changed)}
    code = [path for path, names in roles.items() if not names & _NEVER]
    wanted = [path for path in code if not roles[path]] or code
    return tuple(Place(path) for path in wanted if path in indexed)
