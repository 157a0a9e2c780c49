"""``python -m training.corpus manifest|fetch|build|translations``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from training.corpus.build import Counts, build, by_file
from training.corpus.manifest import MANIFEST, Entry, load, never_train_on, save
from training.corpus.projects.checkout import check_out, fetch, mirror_of
from training.corpus.projects.choosing import choose, wanted
from training.corpus.shards import ShardWriter
from training.corpus.translations import translations

REPOSITORIES = Path(__file__).parent / "projects" / "repositories.txt"


def main() -> int:
    """Run one step; the counts go to stdout, refusals to stderr."""
    options = _parser().parse_args()
    if options.step == "manifest":
        return _manifest(options)
    entries = load(options.manifest)
    if options.step == "fetch":
        for entry in entries:
            print(f"{entry.name} {fetch(entry, options.mirrors)}", flush=True)
        return 0
    if options.step == "translations":
        return _translations(entries, options)
    _print(build(entries, options.mirrors, options.out, options.exclude, options.workers))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.corpus", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    manifest = steps.add_parser("manifest", help="choose commits: write the manifest from mirrors")
    manifest.add_argument("--repositories", type=Path, default=REPOSITORIES)
    manifest.add_argument("--newest", action="store_true", help="move entries of the manifest on too")
    fetched = steps.add_parser("fetch", help="clone what the manifest names")
    built = steps.add_parser("build", help="write the data")
    built.add_argument("--out", type=Path, required=True)
    built.add_argument("--exclude", type=Path, nargs="*", default=[], help="folders no copy of which is used")
    built.add_argument("--workers", type=int, default=2)
    translated = steps.add_parser("translations", help="write what projects say in two languages")
    translated.add_argument("--out", type=Path, required=True)
    for step in (manifest, fetched, built, translated):
        step.add_argument("--manifest", type=Path, default=MANIFEST)
        step.add_argument(
            "--mirrors", type=Path, required=True, help="folder of bare clones, owner+name each"
        )
    return parser


def _manifest(options: argparse.Namespace) -> int:
    pinned = [] if options.newest else load(options.manifest, frozenset())
    chosen = choose(wanted(options.repositories), options.mirrors, never_train_on(), pinned)
    for name, reason in chosen.refused:
        print(f"refused: {name}: {reason}", file=sys.stderr)
    save(chosen.entries, options.manifest)
    print(f"{len(chosen.entries)} repositories, {len(chosen.refused)} refused")
    return 0


def _translations(entries: Sequence[Entry], options: argparse.Namespace) -> int:
    """Those of the repositories that are trained on, as rows of repo, foreign and english."""
    with ShardWriter(options.out, "translations") as writer:
        for entry in entries:
            mirror = mirror_of(entry.name, options.mirrors)
            if mirror is None or entry.split != "train":
                continue
            tree = check_out(mirror, entry.commit, options.out / ".work" / "trees" / entry.folder)
            found = list(translations(tree))
            for foreign, english in found:
                row = {"repo": entry.name, "foreign": foreign, "english": english}
                writer.write(json.dumps(row, ensure_ascii=False) + "\n")
            print(f"{entry.name} {len(found)}", flush=True)
    return 0


def _print(counts: Counts) -> None:
    for file, languages in sorted(by_file(counts).items()):
        kinds = sorted({kind for of_language in languages.values() for kind in of_language})
        print(f"\n{file}: {sum(of.total() for of in languages.values()):,}")
        print(f"{'':14}" + "".join(f"{kind:>10}" for kind in kinds))
        for language, of in sorted(languages.items(), key=lambda item: -item[1].total()):
            print(f"{language or '(none)':14}" + "".join(f"{of[kind]:>10,}" for kind in kinds))
        total = {kind: sum(of[kind] for of in languages.values()) for kind in kinds}
        print(f"{'all':14}" + "".join(f"{total[kind]:>10,}" for kind in kinds))
    print(f"\n{counts.near_duplicates:,} files left out as near-duplicates; no mirror: {len(counts.missing)}")


if __name__ == "__main__":
    sys.exit(main())
