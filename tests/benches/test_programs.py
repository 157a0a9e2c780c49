"""Every benchmark at least starts: what it imports exists, and what it runs afresh answers."""

from __future__ import annotations

import json
import os
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from benches import program
from tests.support.paths import ROOT

_OF_ANOTHER_ENVIRONMENT = {"benches.retrieval.rival_child"}  # it runs where the rival is installed


def _modules() -> list[str]:
    paths = (path.relative_to(ROOT).with_suffix("") for path in (ROOT / "benches").rglob("*.py"))
    return sorted(
        {".".join(path.parts).removesuffix(".__init__") for path in paths} - _OF_ANOTHER_ENVIRONMENT
    )


@pytest.mark.parametrize("module", _modules())
def test_it_can_be_imported(module: str) -> None:
    import_module(module)


def measured(folder: Path, sizes: tuple[int, ...]) -> dict[str, object]:
    print("progress", end="")
    return {"process": os.getpid(), "name": folder.name, "sizes": sizes, "kept": os.environ.get("KEPT")}


def test_a_function_is_called_in_a_process_of_its_own(tmp_path: Path) -> None:
    found = program.fresh(measured, tmp_path / "a", (1, 2), env={**os.environ, "KEPT": "yes"})
    assert found.pop("process") != os.getpid()
    assert found == {"name": "a", "sizes": [1, 2], "kept": "yes"}


def test_a_fresh_process_that_fails_gives_no_answer() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        program.fresh(measured)


def test_a_record_is_one_line_of_json(tmp_path: Path) -> None:
    from benches import records

    options = program.parser("what it measures").parse_args(["--out", str(tmp_path / "record")])
    records.write(options.out, "name", {"runs": 1}, [{"seconds": 1}])
    (line,) = options.out.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["rows"] == [{"seconds": 1}]
