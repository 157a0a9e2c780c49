"""The files of deploy/: what can be tried without a container is."""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import subprocess
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlx_jinabert.cli import main
from mlx_jinabert.server.settings import Settings
from scripts.grafana_dashboard import FILE, dashboard
from tests.support.paths import ROOT
from tests.support.running import require
from tests.support.serving import Served, served
from tests.support.waiting import PATIENCE, wait_for

DEPLOY = ROOT / "deploy"


def test_the_dashboard_is_the_one_that_the_script_writes() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == dashboard()


def test_the_dashboard_draws_metrics_that_there_are(server: Served) -> None:
    server.post("/embed", {"inputs": "counted"})
    there = set(re.findall(r"^(\w+)", server.get("/metrics").content.decode(), re.MULTILINE))
    drawn = re.findall(r"\b(?:mlx_jinabert|process)_\w+", FILE.read_text(encoding="utf-8"))
    assert len(set(drawn)) > 15
    assert set(drawn) <= there


def test_compose_mounts_files_that_there_are_and_passes_options_that_there_are() -> None:
    require("yaml")
    import yaml

    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).is_file(), source
    targets = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
    (target,) = targets["scrape_configs"][0]["static_configs"][0]["targets"]
    command = services["embeddings"]["command"]
    assert target.partition(":")[0] == command[command.index("--allowed-host") + 1]
    assert (ROOT / "deploy" / services["embeddings"]["build"]["context"]).resolve() == ROOT
    used = {option for option in command if option.startswith("--")}
    entry = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").partition("ENTRYPOINT")[2]
    used |= set(re.findall(r"--[\w-]+", entry))
    assert {"--host", "--model", "--allowed-host"} == used
    help_text = CliRunner().invoke(main, ["serve", "--help"]).output
    assert all(option in help_text for option in used), used


def test_the_image_gets_what_the_package_needs() -> None:
    """Every file that Dockerfile copies is there, and none of them is ignored."""
    allowed = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
        if line.startswith("!")
    }
    copied: set[str] = set()
    for line in (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            copied |= set(line.split()[1:-1])
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_nginx_in_front(tmp_path: Path) -> None:
    """The file as it stands, but for ports and the places of the certificate."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if nginx is None or shutil.which("openssl") is None:
        pytest.skip("needs nginx and openssl")
    certificate = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=test",
    ]
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "pem")]
    subprocess.run([*certificate, *files], check=True, capture_output=True)
    port = _free_port()
    with served(Settings(backend="onnx", allowed_hosts=("embeddings.example",), api_keys=("key",))) as server:
        text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
        for found, wanted in (
            ("listen 443", f"listen 127.0.0.1:{port}"),
            ("127.0.0.1:8080", f"127.0.0.1:{server.port}"),
            ("/etc/ssl/embeddings.example.pem", str(tmp_path / "pem")),
            ("/etc/ssl/embeddings.example.key", str(tmp_path / "key")),
        ):
            assert text.count(found) == 1
            text = text.replace(found, wanted)
        paths = "\n".join(
            f"{kind}_temp_path {tmp_path / kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (tmp_path / "nginx.conf").write_text(
            f"daemon off; pid {tmp_path / 'pid'}; error_log stderr;\nevents {{}}\n"
            f"http {{ access_log off;\n{paths}\n{text} }}\n"
        )
        process = subprocess.Popen([nginx, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")])
        try:
            assert _through(port, server) == json.loads(
                server.post("/embed", {"inputs": "x"}, {"Authorization": "Bearer key"}).content
            )
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _through(port: int, server: Served) -> object:
    """The answer to an /embed by way of the proxy; what it must not let through is not."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    headers = {
        "Host": "embeddings.example",
        "Authorization": "Bearer key",
        "Content-Type": "application/json",
    }

    def ask(path: str, body: bytes | None) -> tuple[int, bytes]:
        request = urllib.request.Request(f"https://127.0.0.1:{port}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, context=context, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def is_listening() -> bool:
        try:
            return ask("/health", None)[0] == 200
        except urllib.error.URLError:
            return False

    wait_for(is_listening)
    assert ask("/metrics", None)[0] == 404
    assert ask("/embed", b"x" * (17 << 20))[0] == 413
    status, content = ask("/embed", b'{"inputs": "x"}')
    assert status == 200, content
    return json.loads(content)
