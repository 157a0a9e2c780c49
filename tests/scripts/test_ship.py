"""An exported model is taken whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts.ship import FILES, take
from scripts.write_embedded_golden import FOLDER


def test_the_shipped_model_is_what_an_export_writes(tmp_path: Path) -> None:
    take(FOLDER, tmp_path / "into")
    computed = {"fingerprint.json", "golden.json", "MODEL_CARD.md"}
    whole = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    taken = {str(path.relative_to(tmp_path / "into")) for path in (tmp_path / "into").rglob("*.json")}
    assert taken | {"model.safetensors"} == set(FILES) == whole - computed


def test_a_folder_that_lacks_a_file_changes_nothing(tmp_path: Path) -> None:
    folder, into = tmp_path / "folder", tmp_path / "into"
    shutil.copytree(FOLDER, folder)
    (folder / "1_Pooling" / "config.json").unlink()
    into.mkdir()
    with pytest.raises(SystemExit, match=r"1_Pooling/config\.json missing"):
        take(folder, into)
    assert not list(into.iterdir())
