"""Open a hit in the user's editor, at its line."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from codesearch.errors import CodesearchError
from codesearch.records import Hit

__all__ = ["editor_command", "open_in_editor"]

_GOTO = frozenset({"code", "code-insiders", "codium", "cursor", "windsurf"})
_COLON = frozenset({"subl", "zed", "hx", "helix", "mate", "lapce"})


def open_in_editor(hit: Hit) -> None:
    """Run ``$VISUAL``, else ``$EDITOR``, and wait for it. CodesearchError where neither is set or works."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise CodesearchError("neither $VISUAL nor $EDITOR is set; set one to open hits")
    command = editor_command(editor, Path(hit.root) / hit.path, hit.start_line)
    try:
        code = subprocess.run(command, check=False).returncode
    except OSError as error:
        raise CodesearchError(f"the editor {command[0]!r} cannot be run: {error.strerror}") from error
    if code:
        raise CodesearchError(f"the editor {command[0]!r} ended with {code}")


def editor_command(editor: str, path: Path, line: int) -> list[str]:
    """The words that open a file at a line, in the editor's own manner."""
    command = shlex.split(editor)
    name = Path(command[0]).stem.lower()
    if name in _GOTO:
        return [*command, "--goto", f"{path}:{line}"]
    if name in _COLON:
        return [*command, f"{path}:{line}"]
    return [*command, f"+{line}", str(path)]
