"""Nothing that a test does may touch the user's own caches or the network."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


@pytest.fixture(autouse=True, scope="session")
def _model_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Built graphs and hashes are shared by the run, and by nothing else."""
    os.environ["MLX_JINABERT_CACHE"] = str(tmp_path_factory.mktemp("models"))


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("CODESEARCH_HOME", str(home / "codesearch"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("CODESEARCH_DAEMON", "0")
    for name in ("CODESEARCH_MODEL", "HF_TOKEN", "HF_ENDPOINT", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
