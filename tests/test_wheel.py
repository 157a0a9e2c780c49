"""The wheel and the sdist hold the three packages, the shipped model, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGES = {"mlx_jinabert", "codesearch", "conversion"}
MODEL = {"config.json", "model.safetensors", "tokenizer.json", "MODEL_CARD.md", "1_Pooling/config.json"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return out


def test_wheel_holds_exactly_the_packages_and_the_model(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == PACKAGES
    assert {f"mlx_jinabert/embedded/{name}" for name in MODEL} <= names
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    tracked = subprocess.run(
        ["git", "ls-files", "--", *sorted(PACKAGES)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {n for n in names if ".dist-info/" not in n} == set(tracked.stdout.split())


def test_wheel_declares_the_commands_and_the_licence(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        info = next(n for n in archive.namelist() if n.endswith("METADATA"))
        metadata = archive.read(info).decode()
        scripts = archive.read(info.replace("METADATA", "entry_points.txt")).decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert "codesearch = codesearch.__main__:main" in scripts
    assert "convert-weights = conversion.cli:main" in scripts
    torch = [line for line in metadata.split("\n\n")[0].splitlines() if "torch" in line]
    assert torch == ["Requires-Dist: torch==2.13.0; extra == 'train'"]


def test_sdist_holds_the_model_too(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {f"mlx_jinabert/embedded/{name}" for name in MODEL} <= names
