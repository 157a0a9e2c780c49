"""Every benchmark at least starts: what it imports exists, and what it runs afresh answers."""

from __future__ import annotations

import json
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


def test_the_last_line_of_a_fresh_process_is_its_answer(tmp_path: Path) -> None:
    file = tmp_path / "lines.json"
    file.write_text('"progress"\n{"seconds": 1}\n', encoding="utf-8")
    assert program.fresh("json.tool", "--json-lines", "--compact", file) == {"seconds": 1}


def test_a_fresh_process_that_fails_gives_no_answer() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        program.fresh("json.tool", "--no-such-option")


def test_a_record_is_one_line_of_json(tmp_path: Path) -> None:
    from benches import records

    options = program.parser("what it measures").parse_args(["--out", str(tmp_path / "record")])
    records.write(options.out, "name", {"runs": 1}, [{"seconds": 1}])
    (line,) = options.out.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["rows"] == [{"seconds": 1}]
