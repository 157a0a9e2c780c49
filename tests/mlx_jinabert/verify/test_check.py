"""``mlx-jinabert check``: one line for any model, and the record of what was checked."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlx_jinabert.catalog import available_models
from mlx_jinabert.cli import main
from mlx_jinabert.verify import alias
from mlx_jinabert.verify.checked import CheckRecord, checked_models, read_checks
from tests.support.checkpoints import Checkpoint
from tests.support.running import checkpoint_folder, minilm, require

RECORD = CheckRecord(
    "minilm", datetime.date(2026, 1, 2), "me", "onnx float32 on cpu", "somebody's vectors", "a" * 40
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments, "--backend", "onnx"])


def test_the_shipped_model_is_verified() -> None:
    result = run("embedded")
    assert result.exit_code == 0, result.output
    assert result.output.count("\n") == 1
    for part in ("embedded | ", "onnx float32 on cpu", "golden vectors", "| verified\n"):
        assert part in result.output


def test_a_published_checkpoint_is_held_against_its_vectors() -> None:
    result = run(str(minilm()))
    assert result.exit_code == 0
    assert "text-embeddings-inference" in result.output


def test_what_nobody_published_is_unverified() -> None:
    result = run(str(checkpoint_folder(Checkpoint("en", heads=4, hidden=32))))
    assert result.exit_code == 0
    assert result.output.endswith("| unverified\n")
    assert "nothing is published for it; consistent with itself; not by PyTorch: " in result.output


def test_a_fault_is_exit_1(monkeypatch: pytest.MonkeyPatch) -> None:
    require("onnxruntime")
    true = alias.checks.golden
    spoilt = lambda model: [type(c)(c.name, False, c.difference, c.cosine) for c in true(model)]  # noqa: E731
    monkeypatch.setattr(alias.checks, "golden", spoilt)
    result = run("embedded")
    assert (result.exit_code, "FAIL: golden vectors" in result.output) == (1, True)


def test_a_model_that_cannot_be_loaded_is_exit_2() -> None:
    for arguments in (("./nowhere",), ("embedded", "--dtype", "float8")):
        result = run(*arguments)
        assert result.exit_code == 2
        assert result.output.startswith("mlx-jinabert: error: ")


def test_the_block_to_add_is_read_again(tmp_path: Path) -> None:
    result = run("embedded", "--record", "me")
    (tmp_path / "checked.toml").write_text(result.output.partition("\n\n")[2] + "\n" + RECORD.as_toml())
    found = read_checks(tmp_path / "checked.toml")
    assert found["embedded"][0].by == "me"
    assert found["minilm"] == (RECORD,)


def test_the_shipped_record_is_of_known_models() -> None:
    for name, records in checked_models().items():
        entry = available_models()[name]
        assert all(record.revision in (None, entry.revision) for record in records)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[check]]\nalias = "a"', "check 1 has alias; expected against, alias"),
        (RECORD.as_toml().replace("2026-01-02", '"today"'), "date is 'today'"),
        (RECORD.as_toml().replace('"me"', "3"), "by is 3, expected a text"),
    ],
)
def test_a_record_that_cannot_be_is_named(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "checked.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=problem):
        read_checks(path)
