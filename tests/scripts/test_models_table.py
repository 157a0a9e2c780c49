"""docs/models.md is what the catalogue says; its figures are computed by ``make docs`` alone."""

from __future__ import annotations

import pytest

from mlx_jinabert.catalog import CatalogEntry, available_models
from mlx_jinabert.checkpoint.folder import EMBEDDED
from scripts.models_table import model_row, pin_row
from tests.support.architectures import ARCHITECTURES, architecture_of
from tests.support.paths import ROOT
from tests.support.running import checkpoint_folder, read

DOCS = ROOT / "docs" / "models.md"
_PARITY_CELL = 10


@pytest.mark.parametrize("entry", available_models().values(), ids=lambda entry: entry.alias)
def test_a_row_says_what_the_catalogue_says(entry: CatalogEntry) -> None:
    """Apart from the figures. Run ``make docs`` where this fails."""
    rows = {
        line.split("|")[1].strip(): line
        for line in reversed(DOCS.read_text(encoding="utf-8").splitlines())
        if "|" in line
    }
    parity = {architecture.name: "figures" for architecture in ARCHITECTURES}
    written, now = (row.split(" | ") for row in (rows[f"`{entry.alias}`"], model_row(entry, parity)))
    assert written[:_PARITY_CELL] == now[:_PARITY_CELL]
    assert written[_PARITY_CELL + 1 :] == now[_PARITY_CELL + 1 :]
    assert written[_PARITY_CELL].count(";") == 3


@pytest.mark.parametrize(
    "entry", [e for e in available_models().values() if e.hub_id], ids=lambda entry: entry.alias
)
def test_what_an_alias_downloads_is_said(entry: CatalogEntry) -> None:
    assert pin_row(entry) in DOCS.read_text(encoding="utf-8").splitlines()


def test_the_shipped_model_is_of_the_architecture_that_the_table_names() -> None:
    ours = read(checkpoint_folder(architecture_of(available_models()["embedded"]).checkpoint))[1]
    shipped = read(EMBEDDED)[1]
    assert (type(shipped), shipped.variant) == (type(ours), ours.variant)


def test_every_architecture_is_measured() -> None:
    text = DOCS.read_text(encoding="utf-8")
    used = {architecture_of(entry).name for entry in available_models().values()}
    assert used == {architecture.name for architecture in ARCHITECTURES}
    assert all(f"| {name} |" in text for name in (*used, "embedded", "minilm"))
