"""Lines on projects that nothing is tuned on: ten questions each of six, as a newcomer or an agent asks them.

    python -m benches.retrieval.newcomers --checkouts DIR [--clone] [--half "held out"] [--mode MODE ...]
        [--home DIR]

``data/newcomers`` holds the projects with their revisions, and for each the questions with graded spans, in
the format of ``lines``. They were written while the code was read, before anything was searched: behaviour,
messages, limits and defaults, tests, names half remembered. The misses of three projects were looked at
(``read``) and changes made for kinds of misses; those of the other three never were (``held out``): once
somebody reads them, nothing tells any more what the changes are worth elsewhere.

Beside the NDCG@10 of lines: how often a right place is first and among five, the best lines of the first
right place are right, and the lines shown of it hold one that is.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benches import program, records
from benches.retrieval.data.places import DEPTH, Place, Ranking, Span
from benches.retrieval.lines import load_spans
from codesearch import Hit, Index, open_index
from codesearch.rendering.snippets import excerpt
from codesearch.searching.request import MODES, Mode

_DATA = Path(__file__).parent / "data" / "newcomers"


@dataclass(frozen=True, slots=True)
class Project:
    """A repository at a revision, and whether its misses were ``read`` or it is ``held out``."""

    name: str
    language: str
    url: str
    revision: str
    half: str


@dataclass(frozen=True, slots=True)
class Score:
    """What the answer to one question is worth."""

    half: str
    project: str
    ndcg: float
    first: bool
    in_five: bool
    best_lines: bool
    shown: bool


def projects(half: str | None = None) -> list[Project]:
    """Return the projects, or those of one half."""
    with (_DATA / "projects.csv").open(encoding="utf-8", newline="") as file:
        return [found for row in csv.DictReader(file) if half in (None, (found := Project(**row)).half)]


def scores(project: Project, index: Index, mode: Mode) -> Iterator[Score]:
    """Ask every question of a project."""
    for question, spans in load_spans(_DATA / f"{project.name}.csv"):
        yield scored(project, index.search(question, limit=DEPTH, mode=mode), question, spans, mode)


def scored(
    project: Project, hits: Sequence[Hit], question: str, spans: tuple[Span, ...], mode: Mode
) -> Score:
    """Score the hits of one question."""
    ranking = Ranking(project.name, mode, question, spans, tuple(map(Place.of, hits)), 0.0)
    best = shown = False
    if ranking.first is not None:
        hit = hits[ranking.first - 1]
        lines = excerpt(hit, question).lines
        best = hit.best_lines is not None and _right(hit, *hit.best_lines, spans)
        shown = _right(hit, lines[0].number, lines[-1].number, spans)
    return Score(project.half, project.name, ranking.ndcg, ranking.hit(1), ranking.hit(5), best, shown)


def table(found: Sequence[Score]) -> str:
    """A row a project and a half."""
    header = ["", "questions", "right place first", "among five", "NDCG@10 of lines"]
    header += ["best lines right", "right lines shown"]
    rows = []
    for half in dict.fromkeys(score.half for score in found):
        mine = [score for score in found if score.half == half]
        for name in dict.fromkeys(score.project for score in mine):
            rows.append(_row(name, [score for score in mine if score.project == name]))
        rows.append(_row(f"**{half}**", mine))
    return records.table(header, rows)


def _row(name: str, found: Sequence[Score]) -> list[object]:
    counted = [
        sum(getattr(score, of) for score in found) for of in ("first", "in_five", "best_lines", "shown")
    ]
    first, five, *lines = counted
    return [name, len(found), first, five, f"{fmean(score.ndcg for score in found):.3f}", *lines]


def _right(hit: Hit, first: int, last: int, spans: Sequence[Span]) -> bool:
    return any(span.overlaps(Place(hit.path, first, last, 0)) for span in spans)


def _checked_out(project: Project, checkouts: Path, clone: bool) -> Path:
    root = checkouts / project.name
    if clone and not root.exists():
        for command in (
            ["clone", "--quiet", project.url, str(root)],
            ["-C", str(root), "checkout", "--quiet", project.revision],
        ):
            subprocess.run(["git", *command], check=True)
    return root


def _arguments() -> argparse.Namespace:
    parser = program.parser(__doc__, record=False)
    parser.add_argument("--checkouts", type=Path, required=True, help="a folder a project, by its name")
    parser.add_argument("--clone", action="store_true", help="clone what is missing, at its revision")
    parser.add_argument("--half", choices=["read", "held out"])
    parser.add_argument("--mode", nargs="+", choices=MODES, default=["hybrid"])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--home", type=Path, help="keep the indexes here (default: a temporary folder)")
    return parser.parse_args()


def main() -> None:
    args = _arguments()
    found: dict[Mode, list[Score]] = {mode: [] for mode in args.mode}
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CODESEARCH_HOME"] = str(args.home or scratch)
        for project in projects(args.half):
            root = _checked_out(project, args.checkouts, args.clone)
            with open_index(root, model=args.model, here=True) as index:
                index.refresh()
                for mode in args.mode:
                    found[mode] += scores(project, index, mode)
    for mode, rows in found.items():
        print(f"\n{mode}, {args.model} on {records.machine_line()}\n\n{table(rows)}")


if __name__ == "__main__":
    main()
