"""Documents that are written from the code, or that have to name everything in it, are up to date."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

PACKAGES = ("mlx_jinabert", "codesearch", "conversion")
_VARIABLE = re.compile(r'environ(?:\.get\(|\.setdefault\(|\[)\s*"([A-Z_0-9]+)"|getenv\(\s*"([A-Z_0-9]+)"')


@pytest.mark.parametrize("script", ["scripts.reference", "scripts.architecture"])
def test_what_is_written_from_the_code_is_current(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", script, "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_environment_variable_is_documented() -> None:
    documented = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    read = {
        name
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for pair in _VARIABLE.findall(path.read_text(encoding="utf-8"))
        for name in pair
        if name
    }
    assert {"CODESEARCH_HOME", "MLX_JINABERT_CACHE"} <= read
    assert not {name for name in read if f"`{name}`" not in documented}


def test_documents_link_to_files_that_exist() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not dead


def test_the_architecture_names_modules_that_exist() -> None:
    """In its prose; the list below is written from the code."""
    prose = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## Rooms")[0]
    modules = {
        ".".join(path.relative_to(ROOT / package).with_suffix("").parts).removesuffix(".__init__")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }
    named = set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", prose))
    others = {"architectures", "mlx_jinabert.load", "docs/security.md"}
    missing = {name for name in named if not any(module.endswith(name) for module in modules)}
    assert missing - others <= {"catalog.toml", "config.json", "config.py", "mlx.py", "onnx.py"}
