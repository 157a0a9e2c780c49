"""The real Triton of nvidia-pytriton, started on a model repository.

It lives in an environment of its own, because it wants an older NumPy: ``make test-slow`` makes it, and
$TRITON_PYTHON names its Python. That Triton has the Python backend alone.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

__all__ = ["running_triton", "triton_python"]

_PATIENCE = 120.0


def triton_python() -> Path:
    """The Python of that environment; the test is skipped without one."""
    if sys.platform != "linux":
        pytest.skip("Triton runs on Linux alone")
    python = Path(os.environ.get("TRITON_PYTHON", ""))
    if not python.is_file():
        pytest.skip("needs nvidia-pytriton: make test-slow, or TRITON_PYTHON=.venv/triton/bin/python")
    return python


@contextmanager
def running_triton(models: Path, scratch: Path) -> Iterator[str]:
    """``host:port`` of a server that serves every model of the folder."""
    python = triton_python()
    root, environment = _installed(python, scratch)
    ports = _free_ports(3)
    command = [
        str(root / "bin" / "tritonserver"),
        f"--model-repository={models}",
        f"--backend-directory={root / 'backends'}",
        *(f"--{name}-address=127.0.0.1" for name in ("http", "grpc", "metrics")),
        *(f"--{name}-port={port}" for name, port in zip(("http", "grpc", "metrics"), ports, strict=True)),
        "--exit-timeout-secs=3",
    ]
    log = scratch / "triton.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
        try:
            _await_ready(process, ports[0], log)
            yield f"127.0.0.1:{ports[0]}"
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            if process.poll() is None:
                process.kill()
            process.wait()


def _installed(python: Path, scratch: Path) -> tuple[Path, dict[str, str]]:
    """A copy of the server's folders with the stub for this Python beside its backend."""
    asked = (
        "import sys, sysconfig, pytriton; "
        "print(sysconfig.get_path('purelib'), sys.version_info[1], sysconfig.get_config_var('LIBDIR'))"
    )
    site, minor, libraries = subprocess.run(
        [str(python), "-c", asked], capture_output=True, text=True, check=True
    ).stdout.split()
    source, root = Path(site, "pytriton", "tritonserver"), scratch / "tritonserver"
    shutil.copytree(source / "backends", root / "backends")
    (root / "bin").mkdir()
    (root / "bin" / "tritonserver").symlink_to(source / "bin" / "tritonserver")
    stub = source / "python_backend_stubs" / f"3.{minor}" / "triton_python_backend_stub"
    shutil.copy(stub, root / "backends" / "python")
    bundled = sorted({str(path.parent) for path in Path(site).glob("nvidia_pytriton.libs/*.so*")})
    environment = {
        **os.environ,
        "PYTHONPATH": site,
        "LD_LIBRARY_PATH": os.pathsep.join([libraries, *bundled]),
        "PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", "")]),
    }
    return root, environment


def _await_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        if _is_ready(port):
            return
        time.sleep(0.2)
    pytest.fail(f"Triton did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
