"""The right lines: questions with graded spans of one checkout, and whole issues of projects through time.

    python -m benches.retrieval.lines --checkout DIR --spans FILE [--spans FILE ...] [--mode MODE ...]
        [--model NAME] [--keep FILE] [--baseline FILE]
    python -m benches.retrieval.lines --projects DIR --issues FILE [...]

``--spans`` are CSV files of ``query,result1,result2,result3``, each result ``path:first-last:relevance`` (2
answers, 1 is useful context); the whole checkout is searched, without a filter. ``--issues`` are JSON lines
of ``{id, repo, commit, text, files, spans}``; ``--projects`` holds a git checkout for each, by the last part
of its name: it is moved to the commit and indexed, and ``*.py`` is searched; tests are left out.
``--keep`` writes the rankings; ``--baseline`` reads kept ones, to compare with question by question.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benches import program, records
from benches.retrieval.data.places import Place, Ranking, Span, read, write
from benches.retrieval.reports import lines_report
from codesearch import Index, open_index
from codesearch.searching.request import MODES, Mode
from codesearch.searching.signals.path_roles import roles_of

ISSUES = "issues"
_LIMIT = 50
_RESULT = re.compile(r"(.+):(\d+)-(\d+):(\d+)")


def _arguments() -> argparse.Namespace:
    parser = program.parser(__doc__, record=False)
    parser.add_argument("--checkout", type=Path, help="what the spans are in")
    parser.add_argument("--spans", type=Path, action="append", default=[])
    parser.add_argument("--projects", type=Path, help="checkouts of the issues' repositories; they are moved")
    parser.add_argument("--issues", type=Path)
    parser.add_argument("--mode", nargs="+", choices=MODES, default=["hybrid", "lexical", "semantic"])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--home", type=Path, help="keep the indexes here (default: a temporary folder)")
    parser.add_argument("--keep", type=Path, help="write the rankings to this file")
    parser.add_argument("--baseline", type=Path, help="rankings to compare with")
    return parser.parse_args()


def load_spans(path: Path) -> list[tuple[str, tuple[Span, ...]]]:
    """Return questions with their spans; those without a label are left out."""
    found = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            results = [_RESULT.fullmatch(row[key] or "") for key in ("result1", "result2", "result3")]
            spans = tuple(Span(m[1], int(m[2]), int(m[3]), int(m[4])) for m in results if m)
            if spans:
                found.append((row["query"], spans))
    return found


def ask_spans(args: argparse.Namespace) -> Iterator[Ranking]:
    """Ask the questions of every file in every mode."""
    with open_index(args.checkout, model=args.model, here=True) as index:
        index.refresh()
        for path in args.spans:
            for mode in args.mode:
                index.search("warm up", mode=mode)
                for question, spans in load_spans(path):
                    yield ask(index, path.stem, mode, question, spans)


def ask_issues(args: argparse.Namespace) -> Iterator[Ranking]:
    """Index each project at the commit of each of its issues, oldest first, and ask the issue."""
    rows = [json.loads(line) for line in args.issues.read_text(encoding="utf-8").splitlines()]
    for name in sorted({row["repo"] for row in rows}):
        checkout = args.projects / name.rpartition("/")[2]
        mine = [row for row in rows if row["repo"] == name]
        for row in sorted(mine, key=lambda row: _committed(checkout, row["commit"])):
            _git(checkout, "checkout", "--quiet", "--force", "--detach", row["commit"])
            _git(checkout, "clean", "--quiet", "-fdx")
            spans = tuple(Span(*span) for span in row["spans"])
            with open_index(checkout, model=args.model, here=True) as index:
                index.refresh()
                for mode in args.mode:
                    yield ask(index, ISSUES, mode, row["text"], spans, ("*.py",))
            print(row["id"], flush=True)


def ask(
    index: Index, kind: str, mode: Mode, question: str, spans: tuple[Span, ...], globs: Sequence[str] = ()
) -> Ranking:
    start = time.perf_counter()
    hits = index.search(question, limit=_LIMIT, mode=mode, globs=globs)
    seconds = time.perf_counter() - start
    kept = [hit for hit in hits if kind != ISSUES or not _is_test(hit.path)]
    return Ranking(kind, mode, question, spans, tuple(map(Place.of, kept)), seconds)


def _is_test(path: str) -> bool:
    return any(role.name == "test" for role in roles_of(path))


def _committed(checkout: Path, commit: str) -> int:
    return int(_git(checkout, "show", "--no-patch", "--format=%ct", commit))


def _git(checkout: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(checkout), *arguments], check=True, capture_output=True, text=True
    ).stdout


def main() -> None:
    args = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CODESEARCH_HOME"] = str(args.home or scratch)
        rankings = [*(ask_spans(args) if args.spans else ()), *(ask_issues(args) if args.issues else ())]
    if args.keep:
        write(args.keep, rankings)
    print(f"\n{args.model} on {records.machine_line()}\n")
    print(lines_report.report(rankings, read(args.baseline) if args.baseline else []))


if __name__ == "__main__":
    main()
