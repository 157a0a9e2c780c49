"""Names that universal-ctags finds defined, asked for one by one: is the first hit the definition?

    python -m benches.definitions --checkouts DIR [--only REPOSITORY ...] [--languages NAME ...] [--seed 1]
        [--limit 200] [--misses 5] [--out FILE]

DIR holds one folder a repository. ctags is an independent tool: it shares no grammar and no pattern with us.
For each language up to ``--limit`` names are drawn over all repositories, as many of each kind (functions,
types, constants, members, variables, macros) as there are, with a stated seed. Left out are names that
several places define (which of them is meant nobody can say), names of one or two letters, what ctags
makes up (``__anon...``), and names in files that the index leaves out (minified ones), which are counted. An
answer counts where it is in the file and holds the line that ctags gives. The
index has no vectors, and a name needs none.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from benches import program, records
from codesearch import Index, open_index
from codesearch.files.languages import LANGUAGES, canonical_language

_KINDS = {
    "function": "function func method subroutine procedure member generator getter setter rpc task operator"
    " delegate callback singletonMethod guard",
    "type": "class struct interface enum trait type typedef record protocol union object implementation"
    " talias typealias message service exception enumGeneric view table module mixin category ifclass",
    "constant": "constant const val define",
    "member": "enumerator field property enumConstant component accessor RecordField Constructor constructor"
    " event attribute option anonMember",
    "variable": "variable var globalVar vector list register static",
    "macro": "macro",
}
_KIND = {name: kind for kind, names in _KINDS.items() for name in names.split()}
_NAME = re.compile(r"[^\W\d][\w$!?'-]{2,}")
_LOCAL_SCOPES = frozenset({"function", "method", "member", "func", "singletonMethod"})
_INDENTED_IS_LOCAL = frozenset({"javascript", "powershell", "r"})
"""Where ctags does not say that a variable is a function's."""
_DATA = frozenset({"json", "yaml", "toml", "markdown", "html", "xml", "ini", "rst", "asciidoc", "tex"})
_FIELDS = {"c", "cpp", "go", "objective-c"}  # where "member" is a field


@dataclass(frozen=True, slots=True)
class Tag:
    """A definition as ctags sees it."""

    repository: str
    path: str
    line: int
    language: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A name that was asked for and where the first hit was."""

    tag: Tag
    first: str
    """path:line-line, "" where nothing was found."""
    right: bool


def tags_of(root: Path) -> list[Tag]:
    """Every definition that ctags finds in the files that git tracks, with our language and kind."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout
    files = b"\n".join(name for name in listed.split(b"\0") if name and b"\n" not in name)
    command = [
        "ctags",
        "--output-format=json",
        "--fields=+nKlz",
        "--extras=-F",
        "--sort=no",
        "-L",
        "-",
        "-f",
        "-",
    ]
    done = subprocess.run(command, cwd=root, input=files, capture_output=True, check=True)
    return [
        tag for line in done.stdout.splitlines() if (tag := _tag(root.name, json.loads(line))) is not None
    ]


def indexed_tags(root: Path) -> list[Tag]:
    """The definitions in files that the index holds; it is brought up to date for it."""
    with open_index(root, here=True) as index:
        index.refresh(vectors=False)
        left_out = index.left_out()
    tags = tags_of(root)
    kept = [tag for tag in tags if not left_out.keys() & _names_of(tag.path)]
    print(f"{root.name}: {len(tags) - len(kept)} of {len(tags)} definitions are in files left out")
    return kept


def _names_of(path: str) -> set[str]:
    """The names under which a file can be left out: its own, and its folders' with their slash."""
    return {path, *(f"{folder}/" for folder in PurePosixPath(path).parents)}


def _tag(repository: str, found: dict[str, object]) -> Tag | None:
    name, kind = str(found.get("name", "")), str(found.get("kind", ""))
    try:
        language = canonical_language(str(found.get("language", "")))
    except Exception:
        return None
    kind = _KIND.get(kind, "") if not (kind == "member" and language in _FIELDS) else "member"
    line = found.get("line")
    made_up = name.startswith(
        ("__anon", "AnonymousFunction", "anonDataFrame", "anonVec", "anonList", "anonFunc")
    )
    if not kind or not isinstance(line, int) or made_up or language in _DATA or not _NAME.fullmatch(name):
        return None
    scope = str(found.get("scopeKind", ""))
    if kind in ("constant", "variable", "member") and (
        scope in _LOCAL_SCOPES or "nonymous" in str(found.get("scope"))
    ):
        return None  # of a function: no name that anybody asks for
    pattern = str(found.get("pattern", ""))
    if (
        language in _INDENTED_IS_LOCAL
        and kind != "function"
        and kind != "type"
        and pattern.startswith(("/^ ", "/^\t"))
    ):
        return None
    return Tag(repository, str(found["path"]), line, language, kind, name)


def drawn(tags: Iterable[Tag], limit: int, seed: int, languages: Sequence[str] | None) -> list[Tag]:
    """Up to ``limit`` names a language, the kinds in turn, each defined in one place of its repository."""
    places: Counter[tuple[str, str]] = Counter()
    by_kind: dict[str, dict[str, list[Tag]]] = defaultdict(lambda: defaultdict(list))
    every = sorted(set(tags), key=lambda tag: (tag.repository, tag.path, tag.line, tag.name, tag.kind))
    for tag in every:
        places[tag.repository, tag.name.casefold()] += 1
    for tag in every:
        if places[tag.repository, tag.name.casefold()] == 1 and (not languages or tag.language in languages):
            by_kind[tag.language][tag.kind].append(tag)
    chosen: list[Tag] = []
    for language in sorted(by_kind):
        shuffled = [
            _shuffled(by_kind[language][kind], f"{seed} {language} {kind}")
            for kind in sorted(by_kind[language])
        ]
        turns = [tag for turn in _in_turn(shuffled) for tag in turn]
        chosen += turns[:limit]
    return chosen


def _shuffled(tags: list[Tag], seed: str) -> list[Tag]:
    return random.Random(seed).sample(tags, len(tags))


def _in_turn(lists: Sequence[list[Tag]]) -> Iterator[list[Tag]]:
    for at in range(max(map(len, lists), default=0)):
        yield [each[at] for each in lists if at < len(each)]


def ask(index: Index, tag: Tag) -> Outcome:
    """Ask for the name; right where the first hit holds the line of the definition."""
    hits = index.search(tag.name, limit=1, mode="lexical")
    if not hits:
        return Outcome(tag, "", False)
    hit = hits[0]
    right = hit.path == tag.path and hit.start_line <= tag.line <= hit.end_line
    return Outcome(tag, f"{hit.path}:{hit.start_line}-{hit.end_line} {hit.kind} {hit.symbol}", right)


def table(asked: Sequence[Outcome]) -> str:
    """Shares by language and kind, in Markdown."""
    kinds = [kind for kind in _KINDS if any(each.tag.kind == kind for each in asked)]
    lines = ["| language | names | first hit is the definition | " + " | ".join(kinds) + " |"]
    lines.append("|---" * (len(kinds) + 3) + "|")
    for language in sorted({each.tag.language for each in asked}):
        mine = [each for each in asked if each.tag.language == language]
        cells = [_share([each for each in mine if each.tag.kind == kind]) for kind in kinds]
        lines.append(f"| {language} | {len(mine)} | **{_share(mine)}** | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _share(asked: Sequence[Outcome]) -> str:
    return f"{100 * sum(each.right for each in asked) / len(asked):.1f} %" if asked else ""


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--checkouts", type=Path, required=True)
    parser.add_argument("--only", nargs="+", help="names of repositories")
    parser.add_argument("--languages", nargs="+", choices=sorted(LANGUAGES), metavar="NAME")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=200, help="names a language")
    parser.add_argument("--misses", type=int, default=5, help="misses shown a language")
    parser.add_argument("--home", type=Path, help="keep the indexes here (default: a temporary folder)")
    args = parser.parse_args()
    roots = [root for root in sorted(args.checkouts.iterdir()) if (root / ".git").exists()]
    roots = [root for root in roots if not args.only or root.name in args.only]
    asked: list[Outcome] = []
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["CODESEARCH_HOME"] = str(args.home or scratch)
        tags = [tag for root in roots for tag in indexed_tags(root)]
        chosen = drawn(tags, args.limit, args.seed, args.languages)
        for root in roots:
            with open_index(root, here=True) as index:
                asked += [ask(index, tag) for tag in chosen if tag.repository == root.name]
    shown: Counter[str] = Counter()
    for each in asked:
        shown[each.tag.language] += not each.right
        if not each.right and shown[each.tag.language] <= args.misses:
            where = f"{each.tag.repository}/{each.tag.path}:{each.tag.line}"
            print(
                f"missed ({each.tag.language}): {each.tag.kind} {each.tag.name}, {where}; first: {each.first}"
            )
    print(f"\nseed {args.seed}\n\n{table(asked)}")
    records.write(
        args.out, "definitions", {"seed": args.seed, "limit": args.limit}, [_row(each) for each in asked]
    )


def _row(asked: Outcome) -> dict[str, object]:
    return {**asdict(asked.tag), "first": asked.first, "right": asked.right}


if __name__ == "__main__":
    main()
