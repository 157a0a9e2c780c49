"""Nothing that a test does may touch the user's own caches or the network."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


@pytest.fixture(autouse=True, scope="session")
def _model_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Built graphs and hashes are shared by the run, by all of its processes, and by nothing else."""
    run = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent
    os.environ["MLX_JINABERT_CACHE"] = str(run / "models")


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("CODESEARCH_HOME", str(home / "codesearch"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("CODESEARCH_DAEMON", "0")
    for name in ("CODESEARCH_MODEL", "HF_TOKEN", "HF_ENDPOINT", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


_MISSING = ("could not import", "needs ")
_skipped: list[str] = []


def _remember(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Remember what was skipped because something is not installed."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    if report.skipped and reason.removeprefix("Skipped: ").startswith(_MISSING):
        _skipped.append(f"{report.nodeid}: {reason}")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _remember(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _remember(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With PARITY set, as in CI, everything that a test needs has to be there."""
    if os.environ.get("PARITY") and _skipped and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name them where they are a failure."""
    if os.environ.get("PARITY") and _skipped:
        terminalreporter.section("skipped, and PARITY is set")
        terminalreporter.write_line("\n".join(_skipped))
