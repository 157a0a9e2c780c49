"""Files with long lines: what somebody wrote beside a picture or a table is read, a bundle is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from codesearch.files.content.source import Skip, SourceText, read_source
from codesearch.files.walk import walk

_PICTURE = "iVBORw0KGgo" * 30_000
_ROWS = ",".join(f"({n},[{n}],{{'a':({n})}})" for n in range(3_000))
_BUNDLE = "".join(f"!function(e,t){{var n={n};return e(t(n))}}(a,b);" for n in range(500))

WRITTEN = {
    "icons.py": f'TRAY = "{_PICTURE}"\n\n\ndef blink_icon(times):\n    return times\n',
    "table.py": f"TABLE = [{_ROWS}]\n\n\ndef blink_icon(times):\n    return times\n",
    "grammar.js": f"const table = [{_ROWS}];\n\nexport function blink_icon(times) {{\n  return times\n}}\n",
    "Icons.java": f'class Icons {{\n  String T = "{_PICTURE}";\n\n  void blink_icon(int times) {{ }}\n}}\n',
    "rows.sql": f"INSERT INTO icons VALUES {_ROWS};\nCREATE VIEW blink_icon AS SELECT 1;\n",
}


def read(root: Path, name: str, text: str) -> SourceText | Skip:
    (root / name).write_text(text, encoding="utf-8")
    (file,) = walk(root).files
    return read_source(root, file)


@pytest.mark.parametrize("name", WRITTEN)
def test_the_rest_of_the_file_is_read(tmp_path: Path, name: str) -> None:
    source = read(tmp_path, name, WRITTEN[name])
    assert isinstance(source, SourceText)
    assert b"blink_icon" in source.data
    assert source.data.count(b"\n") == WRITTEN[name].count("\n")
    assert len(source.data) < 1_000


@pytest.mark.parametrize(
    "text",
    [
        _BUNDLE,
        f"/*! library 1.2.3\n * licensed under MIT, all rights reserved\n */\n{_BUNDLE}\n",
        f"{_BUNDLE}\n//# sourceMappingURL=library.js.map\n",
        f"(function(){{\n{_BUNDLE}\n}})();\n",
    ],
)
def test_a_bundle_is_minified(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, "library.js", text)
    assert isinstance(found, Skip)
    assert found.reason == "minified"
