"""Terms that a user has to know are told once, and others never."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

import mlx_jinabert
from mlx_jinabert.catalog import CatalogEntry, available_models
from mlx_jinabert.checkpoint import licence
from mlx_jinabert.checkpoint.folder import EMBEDDED
from tests.support.folders import copy_of
from tests.support.running import read


@pytest.fixture(autouse=True)
def _nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licence, "_told", set())


@pytest.mark.parametrize("entry", available_models().values(), ids=lambda entry: entry.alias)
def test_a_licence_against_commercial_use_is_told_once(
    entry: CatalogEntry, caplog: pytest.LogCaptureFixture
) -> None:
    folder = replace(read(EMBEDDED)[0], entry=entry)
    for _ in range(3):
        licence.tell_terms(folder)
    told = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == (0 if entry.commercial_use else 1)
    assert all(
        entry.licence in record.getMessage() and entry.hub_id in record.getMessage() for record in told
    )


def test_a_converted_copy_keeps_its_licence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = copy_of("embedded", tmp_path / "copy")
    record = {"source": {"model": "jinaai/jina-code-embeddings-0.5b", "name": "jina-code-0.5b"}}
    (folder / "mlx_jinabert.json").write_text(json.dumps(record))
    mlx_jinabert.load(folder)
    assert "cc-by-nc-4.0" in caplog.text
    mlx_jinabert.load("embedded")
    assert len(caplog.records) == 1
