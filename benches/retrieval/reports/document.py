"""docs/retrieval.md from one run: every table in it, and nothing typed by hand but the words between them.

    python -m benches.retrieval.reports.document --checkouts DIR --annotations DIR --homes DIR \\
        --model embedded --model DIR [--semble PYTHON --semble-model DIR] [--folds FILE]
        [--lines FILE --lines-before FILE ...] [--out FILE]

The first ``--model`` is the one that ships. ``--folds`` keeps the leave-one-language-out search, which takes
longest; remove the file when the model or the signals change.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benches import program, records
from benches.retrieval import ablation, refit
from benches.retrieval.data.annotations import load_repositories
from benches.retrieval.data.gathering import Measurement, arguments, measured
from benches.retrieval.data.places import read
from benches.retrieval.metrics import bootstrap
from benches.retrieval.reports import lines_report, misses, published, report
from benches.retrieval.rival import MODE as SEMBLE
from benches.retrieval.rival import running
from benches.retrieval.running import MODES, QuestionScore

_ROOT = Path(__file__).parents[3]


def _arguments() -> argparse.Namespace:
    parser = program.parser(__doc__, record=False)
    arguments(parser)
    parser.add_argument("--semble", type=Path, metavar="PYTHON", help="of an environment that holds semble")
    parser.add_argument("--semble-model", help="the folder or name of its model")
    parser.add_argument("--folds", type=Path, help="keeps the leave-one-language-out search")
    parser.add_argument("--lines", type=Path, action="append", default=[], help="kept rankings of lines")
    parser.add_argument("--lines-before", type=Path, action="append", default=[], help="their baselines")
    parser.add_argument("--out", type=Path, default=_ROOT / "docs" / "retrieval.md")
    return parser.parse_args()


def _semble(args: argparse.Namespace) -> list[QuestionScore]:
    if not args.semble:
        return []
    with ExitStack() as stack:
        semble = stack.enter_context(running(args.semble, args.semble_model))
        repositories = load_repositories(args.annotations, args.checkouts, None)
        return [row for repository in repositories for row in semble.score(repository)]


def headline(data: Measurement, semble: Sequence[QuestionScore]) -> str:
    """One row a system: ours by mode and model, then the rival of the same run."""
    rows = []
    for number, (model, scored) in enumerate(data.scored.items()):
        for mode in reversed(MODES):
            if mode != "lexical":
                rows.append(_row(f"{mode}, {_short(model)}", _of(scored, mode), semble))
            elif number == 0:  # asks no model
                rows.append(_row(mode, _of(scored, mode), semble))
    if semble:
        rows.append(_row("semble 0.7.0, in this run", semble, []))
    header = ["", "NDCG@10, 90 %", "architecture", "semantic", "symbol", "p50 ms", "minus semble, paired"]
    return records.table(header, rows)


def _row(name: str, scored: Sequence[QuestionScore], semble: Sequence[QuestionScore]) -> list[str]:
    interval = bootstrap([row.ndcg for row in scored])
    categories = ("architecture", "semantic", "symbol")
    difference = [ours.ndcg - theirs.ndcg for ours, theirs in zip(scored, semble, strict=bool(semble))]
    return [
        name,
        f"**{interval.mean:.3f}** [{interval.low:.3f}, {interval.high:.3f}]",
        *(f"{report.mean(row for row in scored if row.category == of):.3f}" for of in categories),
        f"{statistics.median(row.seconds for row in scored) * 1000:.1f}",
        str(bootstrap(difference)) if difference else "",
    ]


def document(args: argparse.Namespace, data: Measurement, semble: Sequence[QuestionScore]) -> str:
    """The whole file."""
    (shipped, scored), *others = data.scored.items()
    head = _HEAD.format(machine=records.machine_line())
    head += _RIVAL.format(model=_short(args.semble_model or "of its own")) if semble else ""
    parts = [(head, headline(data, semble))]
    if (args.annotations / "published.csv").exists():
        rows = [row for row in scored if row.mode == "hybrid"] + list(semble)
        modes = ["hybrid", *([SEMBLE] if semble else [])]
        parts.append((_PUBLISHED, published.table(args.annotations, rows, modes)))
    if args.lines:
        now, before = (
            [ranking for path in paths for ranking in read(path)] for paths in (args.lines, args.lines_before)
        )
        parts.append((_LINES, lines_report.report(now, before)))
    if args.folds:
        parts.append((_REFIT, refit.table(data, refit.folds(data, args.folds))))
    for model in (shipped, *(name for name, _ in others)):
        worths = ablation.worths(data.series[f"hybrid, {model}"], data.plain_columns[model], data.languages)
        parts.append((_ABLATION.format(model=_short(model)), report.ablation(worths)))
    for model, rows in data.scored.items():
        parts.append((_MISSES.format(model=_short(model)), misses.table(rows)))
    parts.append((_TRIED, ""))
    parts.append((_ALL.format(model=_short(shipped)), report.report(scored, MODES)))
    return "\n\n".join(f"{words}\n\n{table}".strip() for words, table in parts) + "\n"


def _of(scored: Sequence[QuestionScore], mode: str) -> list[QuestionScore]:
    return [row for row in scored if row.mode == mode]


def _short(model: str) -> str:
    """A model's name, or the last part of its path."""
    return Path(model).name


def main() -> None:
    args = _arguments()
    data = measured(args.annotations, args.checkouts, args.homes, args.model, score=True)
    args.out.write_text(document(args, data, _semble(args)), encoding="utf-8")


_HEAD = """\
# How good the hits are

Written by `python -m benches.retrieval.reports.document` in one run ({machine}); remake it when the model,
the chunks or the ranking change. 298 questions on 15 repositories in 14 languages, each with the files that
answer it (semble's annotations, MIT; written and judged by a language model, so the last hundredths are
noise). The ten best chunks are asked for; each wanted file counts at the rank of its first chunk; binary
NDCG@10, mean over questions, 90 % bootstrap intervals. What others published stands in a table of its own.
`embedded` is the model that ships."""

_RIVAL = """
semble ran in the same run over the same checkouts with the model {model}; its own was not at hand."""

_PUBLISHED = "## Beside what others published"

_LINES = """\
## The right lines, and whole issues

Kept by `python -m benches.retrieval.lines` and `python -m benches.retrieval.data.mined` (`--keep`). `code`
and `docs` are 63 + 63 questions about Muvon/octocode with graded spans, asked of the whole tree without a
filter; one hit pays for one span; graded NDCG@10. `comments` and `hunks` are asked by the 15 repositories
of themselves: the first sentence of a comment asks for its definition (the comment is taken out), the
subject of a commit for the lines that are still its own. `issues` are 67 issues of sphinx and xarray
(SWE-bench, LocBench), with `*.py` searched and tests left out: strict Acc@k is the share whose changed
files are all among the first k. Times are of a machine busy with other work. Sixty questions about six
projects that nothing is tuned on are in `searches.md`.

Before place, file and number of places were three decisions (91e718c), code had 0.654 hybrid (hit@5 0.730),
0.577 by words and 0.585 by vectors; documentation 0.205, 0.131 and 0.044; comments 0.410, hunks 0.339 (180
each, 1a06c29); issues 0.284, 0.627 and 0.746 for Acc@1, 5 and 10, and a changed span among ten places in
0.343."""

_TRIED = """\
## What did not help

- BM25 without the path, or of the text alone, beside the ranks of both lists: the order within a file gets
  no better than from ranks, cosine, words and names together.
- A penalty for chunks of imports and comments: the evidence of the function itself does it.
- Words weighed by their rarity within the file: no better than among the candidates.
- 200 candidates of each arm instead of 100: +0.002 on files, -0.010 on lines. The lines that are wanted are
  among the first 100 of one arm in all code questions, in 96 % of the comments and 92 % of the commits.
- A fixed damping of further places, at any value: 0.4 is best for files (0.905) and gives 0.65 on lines, 0.8
  gives 0.73 on lines and loses 0.010 on files.
- The vectors of all passages of an issue, of its code or of the whole: each is worse than that of the title.
  The title alone did as well as title and prose together, which is kept for titles that say nothing. All
  terms of an issue instead of the 24 that tell most: no better.
- All names that a chunk defines: since fields and constants are among them, the first eight do better by
  0.001 on files. Names of the chunk's owners beside its own: +0.010 on documentation, -0.001 on files.
- Smaller chunks of code (600 or 800 characters for 1,200): 0.746 and 0.750 for 0.774 on lines of code, 0.891
  on files. Documentation gains by it (0.704 -> 0.734) and is cut so.
- Late chunking (vectors of chunks pooled out of whole files, windows of 512, 1,024 and 2,000 tokens): 0.590,
  0.597 and 0.606 on lines of code by vectors alone, where a chunk embedded for itself has 0.710; half of each
  0.668. gin's files 0.599 for 0.664. The model was trained on chunks.
- Late interaction with the vectors of the whole model in place of its table of words ("words by their
  meaning"): 0.519 for 0.531 on comments, 0.705 for 0.704 on documentation, and 40 ms for 5. The table without
  its common direction: no better.
- Words of the question weighed by what they tell (the length of their vector once the model's last norm
  has scaled it: "the" keeps a fifth of what "kernel" has), by the length relative to the unscaled vector
  or by itself: lines of code 0.793 or 0.769 for 0.775, documentation 0.735 or 0.724 for 0.734, files 0.906
  or 0.905 for 0.904, comments 0.548 or 0.556 for 0.546, commits 0.432 or 0.441 for 0.439. A different set
  gains each time.
- Late interaction that is learnt: a projection of the words' vectors to 128 numbers and a weight for each
  word, on 51,200 pairs, each with a mined negative. It tells the right text from mined negatives better
  (reciprocal rank 0.585 -> 0.608), but ranks no better: 0.787 on lines of code, 0.726 on documentation,
  0.905 on files, 0.549 on comments, 0.436 on commits.
- Questions and texts moved by half of their means (training/README.md): by vectors alone 0.679 for 0.654
  on lines of code and 0.827 for 0.817 on files, hybrid 0.782 for 0.775, 0.730 for 0.734 on documentation and
  0.902 for 0.904 on files.
- Files that changed together with the first one or three (300 to 4,000 commits): -0.001 to -0.028 on files,
  -0.010 to -0.061 on lines of code, at any weight.
- Outlines (the first chunk of a class or module carries the names of its members): 0.770 and, for modules
  too, 0.763 for 0.775 on lines of code, by vectors alone 0.664 for 0.654; but those lose files (gson 0.722 ->
  0.692, rack 0.808 -> 0.745).
- Callees of the first three chunks: +0.008 on lines of code, -0.004 on comments and on commits. Callers:
  -0.021 on lines of code, +0.005 on comments.
- 0.95 for 0.8 of the further places of a file: all lines gain (0.024 and 0.012 on the halves of the
  newcomers' questions, 0.015 on code, 0.004 on documentation), files fall from 0.901 to 0.895.
- Three nearest places that are worth a rank instead of two, or 0.8 of it instead of 0.75: 0.004 more on code
  and 0.001 on the newcomers' questions, 0.0003 and 0.0002 less on files. In documentation, too: -0.002 there.
- More function words (not, no, all, any, also, just, happens): 0.006 on one half of the newcomers' questions,
  nothing or -0.009 on the other, -0.006 on code. Chunks of a licence and imports lower: 0.000 on both halves,
  -0.006 on code. Texts that share 80 % of their lines as copies: 0.000 on both halves, -0.010 on code.
- The meaning of words beside the words themselves for the best three lines of a hit: right in 78 of 96 for
  75, at 1.5 ms for each hit that is met for the first time. The lines that are shown chosen around the best
  three: 65 of 91 hits show a right line for 76.

Weights are searched by coordinates on files, lines, comments and commits together, on one half of the
repositories (and of the spans' questions), under the condition that files do not lose: `python -m
benches.retrieval.joint`. With v3 this asked for a smaller constant of the ranks and less for words, at 30 and
0.25, where search by words loses 0.003 on files. 40 and 0.35 cost it 0.0015, and were chosen with both halves
in view:

| NDCG@10, hybrid | 60, 0.5: searched on, held out | 40, 0.35: searched on, held out |
|---|---|---|
| files | 0.890, 0.913 | 0.893, 0.911 |
| code | 0.747, 0.814 | 0.759, 0.819 |
| docs | 0.717, 0.728 | 0.719, 0.749 |
| comments | 0.531, 0.565 | 0.541, 0.579 |
| hunks | 0.408, 0.467 | 0.416, 0.470 |

All other weights stay: their optimum is flat, and what gains on one half (a closeness of 1.5) loses on the
other. The weights of the parts of an issue are
round numbers; how many terms are asked, the share of the words and that further places count in full were
chosen on these 67 issues, which therefore flatter by as much."""

_REFIT = """\
## Do the weights hold on languages that they have not seen?

For each language the weights are searched anew, from round numbers, on the other thirteen (coordinate
search, `python -m benches.retrieval.refit`), and scored on the one left out. The last column is what to
expect of a language that nobody tuned for; the difference to the column before it is what tuning on the
data that is scored is worth. Which signals exist was decided with all languages in view: no column
corrects for that."""

_ABLATION = """\
## What each signal is worth: hybrid, {model}

The loss in NDCG@10 without the signal, the rest as it is; paired over questions. The last column is its
smallest worth with one language left out. A signal that this data does not ask for (text that is pasted
word for word, copies of a file) shows as 0: it stays for the searches that do."""

_MISSES = """\
## What goes wrong: hybrid, {model}

Questions with an NDCG@10 below 0.9, looked at with the files and names of their hits, grouped by cause
(`benches/retrieval/causes.csv`)."""

_ALL = "## By mode, repository, language and budget: {model}"


if __name__ == "__main__":
    main()
