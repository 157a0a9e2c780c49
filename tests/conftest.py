"""Nothing that a test does may touch the user's own caches or the network."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("CODESEARCH_HOME", str(home / "codesearch"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("CODESEARCH_MODEL", "HF_TOKEN", "HF_ENDPOINT", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With PARITY set, a parity test that would be skipped fails instead (see support.torch_or_skip)."""
    if os.environ.get("PARITY"):
        import torch
        import transformers

        assert torch.__version__.startswith("2.13.0"), torch.__version__
        assert transformers.__version__
