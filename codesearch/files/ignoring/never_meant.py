"""Folders and lock files that nobody means to search, whatever the ignore files say."""

from __future__ import annotations

__all__ = ["DEPENDENCIES", "ENVIRONMENT_MARKS", "is_never_meant"]

DEPENDENCIES = frozenset({b"node_modules", b"bower_components"})
"""Not source even where somebody has committed them."""
ENVIRONMENT_MARKS = frozenset({b"pyvenv.cfg", b"conda-meta"})
"""A folder that holds one of them is a virtual environment, whatever its name."""

_FOLDERS = DEPENDENCIES | frozenset(
    b"__pycache__ .tox .nox .eggs .mypy_cache .pytest_cache .ruff_cache .gradle .terraform .idea".split()
)
_FOLDER_ENDING = b".egg-info"
_LOCK_FILES = frozenset(
    b"package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock Cargo.lock poetry.lock uv.lock "
    b"pdm.lock Pipfile.lock Gemfile.lock composer.lock go.sum mix.lock flake.lock Package.resolved".split()
)


def is_never_meant(name: bytes, is_folder: bool) -> bool:
    """Whether an entry is left out by its name alone."""
    return name in _LOCK_FILES or (is_folder and (name in _FOLDERS or name.endswith(_FOLDER_ENDING)))
