"""Small source trees for tests of the index, and what can be asked of an index as a whole."""

from __future__ import annotations

import os
import random
from pathlib import Path

from codesearch.index.index import Index
from codesearch.records import Hit

_VERBS = ["parse", "render", "retry", "merge", "encode", "fetch", "close", "index", "walk", "split"]
_NOUNS = ["config", "header", "token", "buffer", "socket", "vector", "branch", "cursor", "header", "page"]


def write_tree(root: Path, files: int, *, functions: int = 3, seed: int = 0) -> Path:
    """``files`` Python modules whose functions have telling names; git is not needed."""
    pick = random.Random(seed)
    for number in range(files):
        parts = [_function(pick, number, k) for k in range(functions)]
        path = root / f"package{number % 5}" / f"module{number:03}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import os\n\n\n" + "\n\n".join(parts))
    return root


def _function(pick: random.Random, number: int, k: int) -> str:
    verb, noun = pick.choice(_VERBS), pick.choice(_NOUNS)
    lines = "\n".join(f"    {noun}_{i} = {verb}({noun}, {pick.randrange(10**6)})" for i in range(18))
    return f'def {verb}_{noun}_{number}_{k}({noun}):\n    """{verb.title()} a {noun}."""\n{lines}\n'


def make_old(root: Path, seconds: float = 100.0) -> None:
    """Set every file's time back, so that no file counts as modified just now."""
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            stat = path.stat()
            then = stat.st_mtime_ns - int(seconds * 1e9)
            os.utime(path, ns=(then, then))


def places(hits: list[Hit]) -> list[tuple[str, int, float]]:
    """Hits as they can be compared between two indexes."""
    return [(hit.path, hit.start_line, round(hit.score, 4)) for hit in hits]


QUESTIONS = ("retry the socket", "parse_config", "where is a branch merged", "close cursor page")


def answers(index: Index) -> list[list[tuple[str, int, float]]]:
    """What an index says to some questions, in every mode."""
    modes = ("hybrid", "lexical", "semantic")
    return [places(index.search(question, limit=8, mode=mode)) for question in QUESTIONS for mode in modes]
