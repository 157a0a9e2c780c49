"""convert-weights writes its folder whole or not at all, and harms nothing that is there."""

from __future__ import annotations

import errno
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conversion import output
from conversion.errors import ConversionError
from tests.support.checkpoints import write
from tests.support.converting import CODE, contents, names, record, run


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("source") / "code-model", CODE)


def test_an_existing_output_needs_force(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(source, "--dtype", "float16", "--out", out).code == 0
    before = contents(out)
    done = run(source, "--quantize", "int8", "--out", out)
    assert (done.code, contents(out) == before) == (2, True)
    assert "pass --force to replace it" in done.err
    assert run(source, "--quantize", "int8", "--out", out, "--force").code == 0
    assert record(out)["quantization"]["bits"] == 8
    assert names(tmp_path) == ["out"]


def test_force_does_not_touch_what_it_did_not_write(source: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/draft.txt").write_text("years of work")
    done = run(source, "--out", tmp_path / "thesis", "--force")
    assert done.code == 2
    assert "was not written by convert-weights" in done.err
    assert contents(tmp_path / "thesis") == {"draft.txt": b"years of work"}


@pytest.mark.parametrize("out", [".", "..", "inside"])
def test_the_source_is_never_the_output(source: Path, tmp_path: Path, out: str) -> None:
    folder = Path(shutil.copytree(source, tmp_path / "a/model"))
    before = contents(tmp_path)
    done = run(folder, "--out", folder / out, "--force")
    assert (done.code, contents(tmp_path) == before) == (2, True)
    assert "overlaps with the source" in done.err


def test_a_missing_parent_folder_is_named(source: Path, tmp_path: Path) -> None:
    done = run(source, "--out", tmp_path / "no/such/out")
    assert done.code == 2
    assert f"the folder {tmp_path / 'no/such'} does not exist" in done.err


def test_the_faster_of_two_wins(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="exists already"), output.new_folder(tmp_path / "out"):
        assert run(source, "--out", tmp_path / "out").code == 0
    assert record(tmp_path / "out")["target"] == "mlx"
    assert names(tmp_path) == ["out"]


def fail_half_way(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"half")
    raise ZeroDivisionError


def test_a_failure_keeps_the_existing_output(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(source, "--out", out)
    before = contents(out)
    with pytest.raises(ZeroDivisionError), output.new_folder(out) as folder:
        fail_half_way(folder)
    assert contents(out) == before
    assert names(tmp_path) == ["out"]


def test_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="no space left"), output.new_folder(tmp_path / "out"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert names(tmp_path) == []


def test_a_disk_that_is_too_small(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=3 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: free)
    done = run(source, "--out", tmp_path / "out")
    assert done.code == 2
    assert "MB, but" in done.err
    assert "has 3 MB free" in done.err
    assert names(tmp_path) == []


STALLED = """
import signal, sys, time
from conversion import cli
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job starts with it ignored
def stall(*_):
    print("stalled", flush=True)
    time.sleep(60)
cli.verifier = lambda *_: stall
cli.main(sys.argv[1:])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_conversion(source: Path, tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "out"
    run(source, "--out", out)
    before = contents(out)
    command = [sys.executable, "-c", STALLED, str(source), "--quantize", "int4", "--out", str(out)]
    with subprocess.Popen([*command, "--force", "--verify"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stalled\n"
        process.send_signal(number)
    expected = {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGKILL: -9}
    assert process.returncode == expected[number]
    assert contents(out) == before
    assert (len(names(tmp_path)) == 1) == (number is not signal.SIGKILL)
    assert run(source, "--out", out, "--force").code == 0
    assert names(tmp_path) == ["out"]


def test_a_replacement_cut_off_between_two_renames(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(source, "--out", out)
    before = contents(out)
    out.rename(tmp_path / ".out.previous")
    with pytest.raises(ZeroDivisionError), output.new_folder(out) as folder:
        fail_half_way(folder)
    assert contents(out) == before
