"""Folders and lock files that nobody means to search, whatever the ignore files say."""

from __future__ import annotations

from codesearch.files.ignoring.ignore import parse_ignore

__all__ = ["DEPENDENCIES", "ENVIRONMENT_MARKS", "is_never_meant"]

DEPENDENCIES = frozenset({b"node_modules", b"bower_components"})
"""Not source even where somebody has committed them."""
ENVIRONMENT_MARKS = frozenset({b"pyvenv.cfg", b"conda-meta"})
"""A folder that holds one of them is a virtual environment, whatever its name."""

_PATTERNS = parse_ignore(
    b"""
node_modules/
bower_components/
__pycache__/
.tox/
.nox/
.eggs/
*.egg-info/
.mypy_cache/
.pytest_cache/
.ruff_cache/
.gradle/
.terraform/
.idea/
package-lock.json
npm-shrinkwrap.json
yarn.lock
pnpm-lock.yaml
bun.lock
Cargo.lock
poetry.lock
uv.lock
pdm.lock
Pipfile.lock
Gemfile.lock
composer.lock
go.sum
mix.lock
flake.lock
Package.resolved
"""
)


def is_never_meant(name: bytes, is_folder: bool) -> bool:
    """Whether an entry is left out by its name alone."""
    return _PATTERNS is not None and bool(_PATTERNS.decide(name, name, is_folder))
