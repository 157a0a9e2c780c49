"""Model folders with one thing changed, made from real ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from mlx_jinabert.checkpoint.folder import EMBEDDED
from tests.support.running import minilm


def copy_of(name: str, target: Path, *, without: tuple[str, ...] = (), **files: object) -> Path:
    """A copy of "embedded" or "minilm"; ``config={...}`` replaces config.json, dots are double underscores.

    ``without`` names files to leave out. Nothing is said about a folder that a file's name implies.
    """
    source = EMBEDDED if name == "embedded" else minilm()
    shutil.copytree(source, target, dirs_exist_ok=True)
    for left_out in without:
        (target / left_out).unlink()
    for stem, content in files.items():
        (target / f"{stem}.json").write_text(json.dumps(content), encoding="utf-8")
    return target
