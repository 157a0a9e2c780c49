"""Reading a file that the walk found: its bytes and language, or why it is left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codesearch.files.content.source import Skip, SourceText, read_source
from codesearch.files.walk import walk
from codesearch.records import SourceFile


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.py", b"x = 1\0\n", "binary"),
        ("a.js", b"var a=1;" * 2000, "minified"),
        ("a.py", b" \n\n", "empty"),
        ("a.py", b"x\n" * 5000, "too large"),
        ("a.md", b"word " * 1500, None),
        ("a.pkl", b"module shop\nlimit: Int = 1\n", None),
        ("a.pkl", b"\x80\x04\x95\x10" * 50, "binary"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"z" * 50, "binary"),
        ("a.py", b'ICON = "' + b"QUJD" * 1500 + b'"\n\n\ndef blink():\n    pass\n', None),
        ("a.py", b"T = [" + b"12, 7, 9, " * 600 + b"]\n\n\ndef f():\n    pass\n", None),
        ("a.py", b"short\n" * 900 + b"y" * 3000 + b"\n", None),
    ],
)
def test_reading_says_why_a_file_is_left_out(
    tmp_path: Path, name: str, content: bytes, reason: str | None
) -> None:
    root = tmp_path
    (root / name).write_bytes(content)
    got = read_source(root, SourceFile(name, len(content), 0, "python"), max_file_bytes=9_000)
    if name == "a.js":
        got = read_source(root, SourceFile(name, len(content), 0, None), max_file_bytes=20_000)
    assert got.reason == reason if isinstance(got, Skip) else (got.data, reason) == (content, None)


def test_reading_survives_what_happened_since_the_walk(tmp_path: Path) -> None:
    root = tmp_path
    (root / "a.py").write_text("x")
    (root / "link.py").symlink_to("a.py")
    os.mkfifo(root / "pipe.py")
    for name in ("gone.py", "link.py", "pipe.py"):
        got = read_source(root, SourceFile(name, 1, 0, "python"))
        assert isinstance(got, Skip)
        assert got.reason == "unreadable"


def test_content_refines_the_language(tmp_path: Path) -> None:
    root = tmp_path
    for name, text in {
        "run": "#!/usr/bin/env python3\n",
        "a.h": "namespace x {\n}\n",
        "b.h": "int f(void);\n",
    }.items():
        (root / name).write_text(text)
    languages = {}
    for file in walk(root).files:
        source = read_source(root, file)
        assert isinstance(source, SourceText)
        languages[file.path] = (file.language, source.file.language)
    assert languages == {"run": (None, "python"), "a.h": ("c", "cpp"), "b.h": ("c", "c")}
