"""Trees and ignore patterns drawn from a seed, and what git makes of them."""

# ruff: noqa: SIM905, RUF005  (a list of these in quotes cannot be read)
from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

NAMES = "a|b|ab|A|foo|foo.txt|bar.txt|é|[x]|a*b|#x|!y|-|]|^|ab.c|aab|B.c|a b|x |\\z|.h".split("|")
TOKENS = (
    r"a|b|*|**|/|/|?|[ab]|[!a]|[^b]|[a-c]|[[:alpha:]]|[[:upper:]]|[]a]|[a|\|\*|\#|foo|.txt|*.txt|é|!|#|A|-"
    r"|[A-C]|[x-]|[[:bogus:]]|[\]]|]|**/|/**|*/|x|[B]|\A|[[:x]|[a-]|[--a]|[/]|[!/]|a**/|**a| |\ "
).split("|") + ["\t"]


def pattern(draw: random.Random) -> str:
    """One line of an ignore file; a third of them are plain names."""
    if draw.random() < 0.3:
        body = draw.choice(NAMES)
    else:
        body = "".join(draw.choice(TOKENS) for _ in range(draw.randint(1, 5)))
    before = "!" * (draw.random() < 0.25) + "/" * (draw.random() < 0.2)
    return before + body + "/" * (draw.random() < 0.25) + "\r" * (draw.random() < 0.1)


def ignore_file(draw: random.Random, folder: Path, name: str = ".gitignore", lines: int = 5) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(pattern(draw) for _ in range(draw.randint(1, lines))) + "\n" * (draw.random() < 0.8)
    (folder / name).write_text(text, "utf-8", newline="")


def grow(draw: random.Random, folder: Path, depth: int = 0) -> None:
    """Files and folders three deep, some of them with an ignore file."""
    for name in draw.sample(NAMES, draw.randint(3, 7)):
        if depth < 3 and draw.random() < 0.45:
            (folder / name).mkdir()
            grow(draw, folder / name, depth + 1)
        else:
            (folder / name).write_text("x")
    if draw.random() < (0.35 if depth else 1):
        ignore_file(draw, folder)


def git(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True).stdout


def not_ignored(folder: Path) -> set[str]:
    """What git would not ignore in ``folder``: tracked files and those that could be added."""
    listed = git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return {os.fsdecode(path) for path in listed.split(b"\0")} - {""}
