"""Questions about lines that repositories ask of themselves: comments of definitions, and commits.

    python -m benches.retrieval.data.mined --checkouts DIR --annotations DIR [--only NAME ...]
        [--mode MODE ...] [--each 16] [--home DIR] [--keep FILE] [--baseline FILE]

The repositories are those of ``repos.json``, each with its whole history. A comment asks for the definition
that it stood at, in a copy of the tree without the comment (as ``codesearch bench`` does). The subject of a
commit asks for the lines that are still as the commit left them (``git blame``): 3 to 200 lines in at most
six places, without documents and data. A second set of labelled lines, in the languages of all repositories,
beside the one that was written for a single project.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benches import program, records
from benches.retrieval.data.annotations import Repository, load_repositories
from benches.retrieval.data.places import Ranking, Span, read, write
from benches.retrieval.lines import ask
from benches.retrieval.reports import lines_report
from codesearch import Index
from codesearch.benchmark.comments import from_comments
from codesearch.benchmark.commits import question_of
from codesearch.benchmark.questions import COMMENTS, Question, sample
from codesearch.benchmark.trial import opened_trial
from codesearch.chunking.workers.parse_pool import ChunkPool
from codesearch.files.content.source import SourceText, read_source
from codesearch.files.options import WalkOptions
from codesearch.files.repositories.git import run_git
from codesearch.files.walk import walk
from codesearch.records import silent
from codesearch.searching.request import MODES
from codesearch.searching.signals.path_roles import roles_of

HUNKS = "hunks"
_LARGEST = 1_000_000
_COMMITS, _LOOKED_AT = 3_000, 120
_MOST_PLACES, _FEWEST_LINES, _MOST_LINES = 6, 3, 200
_GAP = 5
"""Lines between two stretches of one place."""
_BLAMED = re.compile(r"([0-9a-f]{40}) \d+ (\d+)")
_NEVER = frozenset({"prose", "data", "generated"})


def _arguments() -> argparse.Namespace:
    parser = program.parser(__doc__, record=False)
    parser.add_argument("--checkouts", type=Path, required=True)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--only", nargs="+", help="names of repositories")
    parser.add_argument("--mode", nargs="+", choices=MODES, default=["hybrid"])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--each", type=int, default=16, help="questions of each kind and repository")
    parser.add_argument("--home", type=Path, help="keep the vectors here (default: a temporary folder)")
    parser.add_argument("--keep", type=Path, help="write the rankings to this file")
    parser.add_argument("--baseline", type=Path, help="rankings to compare with")
    return parser.parse_args()


def rankings(repository: Repository, args: argparse.Namespace) -> Iterator[Ranking]:
    """Ask what one repository asks of itself."""
    with opened(repository, args.model, args.each) as (index, asked):
        for mode in args.mode:
            index.search("warm up", mode=mode)
            for kind, question, spans in asked:
                yield ask(index, kind, mode, question, spans)


@contextmanager
def opened(
    repository: Repository, model: str, each: int
) -> Iterator[tuple[Index, list[tuple[str, str, tuple[Span, ...]]]]]:
    """The index of a repository without its comments, and (kind, question, right lines) to ask of it."""
    walked = walk(repository.root, WalkOptions(max_file_bytes=_LARGEST, hidden=False, ignore=True)).files
    sources = [
        source
        for file in walked
        if isinstance(source := read_source(repository.root, file, _LARGEST), SourceText)
    ]
    with ChunkPool() as pool:
        documented = pool.documented_many((source.file, source.data) for source in sources)
        comments = sample(from_comments(documented), each, 0)
    hunks = changed_lines(repository.root, {source.file.path for source in sources}, each)
    asked = [(COMMENTS, question.text, _spans(question)) for question in comments]
    asked += [(HUNKS, subject, spans) for subject, spans in hunks]
    with opened_trial(sources, comments, model, silent) as trial:
        yield trial.index, asked


def changed_lines(root: Path, indexed: set[str], wanted: int) -> Iterator[tuple[str, tuple[Span, ...]]]:
    """Yield subjects of commits, and the lines that are still theirs."""
    blamed: dict[str, dict[str, list[int]]] = {}
    for commit, subject, paths in _commits(root, indexed):
        spans: list[Span] = []
        for path in paths:
            if path not in blamed:
                blamed[path] = _blame(root, path)
            spans += [Span(path, first, last) for first, last in _stretches(blamed[path].get(commit, []))]
        lines = sum(span.end - span.start + 1 for span in spans)
        if spans and len(spans) <= _MOST_PLACES and _FEWEST_LINES <= lines <= _MOST_LINES:
            yield subject, tuple(spans)
            wanted -= 1
        if not wanted:
            return


def _commits(root: Path, indexed: set[str]) -> Iterator[tuple[str, str, list[str]]]:
    logged = run_git(
        root, "log", f"--max-count={_COMMITS}", "--no-merges", "--no-renames", "--name-only", "--relative",
        "--format=%x01%H%x03%s%x02", "--", ".",
    )  # fmt: skip
    found: dict[str, tuple[str, str, list[str]]] = {}
    for entry in os.fsdecode(logged or b"").split("\x01")[1:]:
        head, _, listed = entry.partition("\x02")
        commit, _, subject = head.partition("\x03")
        changed = [path for path in listed.strip().split("\n") if path]
        code = [path for path in changed if path in indexed and not _roles(path) & _NEVER]
        text = question_of(subject)
        if text and code and len(changed) <= _MOST_PLACES:
            wanted = [path for path in code if not _roles(path)] or code
            found.setdefault(text, (commit, text, wanted))
    # By the hash of the commit: any, and the same ones at any time.
    yield from sorted(list(found.values())[: 5 * _LOOKED_AT])[:_LOOKED_AT]


def _roles(path: str) -> set[str]:
    return {role.name for role in roles_of(path)}


def _blame(root: Path, path: str) -> dict[str, list[int]]:
    """Return by commit the lines that it left."""
    lines: dict[str, list[int]] = defaultdict(list)
    blamed = os.fsdecode(run_git(root, "blame", "--porcelain", "-w", "--", path) or b"")
    for line in blamed.split("\n"):
        if match := _BLAMED.match(line):
            lines[match[1]].append(int(match[2]))
    return lines


def _stretches(lines: Sequence[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for line in sorted(lines):
        if found and line - found[-1][1] <= _GAP:
            found[-1] = (found[-1][0], line)
        else:
            found.append((line, line))
    return found


def _spans(question: Question) -> tuple[Span, ...]:
    return tuple(
        Span(place.path, place.start_line or 1, place.end_line or place.start_line or 1)
        for place in question.answers
    )


def main() -> None:
    args = _arguments()
    found: list[Ranking] = []
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CODESEARCH_HOME"] = str(args.home or scratch)
        for repository in load_repositories(args.annotations, args.checkouts, args.only):
            found += rankings(repository, args)
            print(repository.name, flush=True)
    if args.keep:
        write(args.keep, found)
    print(f"\n{args.model} on {records.machine_line()}\n")
    print(lines_report.report(found, read(args.baseline) if args.baseline else []))


if __name__ == "__main__":
    main()
