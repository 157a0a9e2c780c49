"""Download through the real client, against a server on this machine that speaks the Hub's protocol."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hub_client import COMMIT, FILES, WANTED, WEIGHTS, Fetch, fetch, files_in, hub, stored_bytes
from tests.support.hub_server import Hub

__all__ = ["fetch", "hub"]


def test_exactly_the_allowed_files_arrive(hub: Hub, fetch: Fetch) -> None:
    got = fetch()
    assert files_in(got.folder) == WANTED, got
    assert got.folder is not None
    assert got.folder.name == COMMIT
    assert (got.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert not {"pytorch_model.bin", "modeling_bert.py", "onnx/model.onnx"} & set(hub.downloads())


def test_shards_follow_their_index(hub: Hub, fetch: Fetch) -> None:
    files = {name: content for name, content in FILES.items() if name != "model.safetensors"}
    shards = {f"model-0000{i}-of-00002.safetensors": b"shard %d" % i for i in (1, 2)}
    hub.repositories["org/model"].files = {**files, **shards, "model.safetensors.index.json": b"{}"}
    got = files_in(fetch().folder)
    assert {name for name in got if name.startswith("model")} == {*shards, "model.safetensors.index.json"}


def test_a_pinned_commit_is_found_without_a_request(hub: Hub, fetch: Fetch) -> None:
    first = fetch(revision=COMMIT)
    hub.requests.clear()
    assert fetch(revision=COMMIT).folder == first.folder
    assert hub.requests == []


def test_a_branch_is_looked_up_but_nothing_is_fetched_twice(hub: Hub, fetch: Fetch) -> None:
    fetch()
    hub.requests.clear()
    assert fetch().folder is not None
    assert hub.downloads() == []
    assert hub.paths() == ["/api/models/org/model"]


def test_a_branch_that_moved_is_fetched_anew(hub: Hub, fetch: Fetch) -> None:
    fetch()
    hub.repositories["org/model"].commit = "b" * 40
    hub.repositories["org/model"].files["config.json"] = b'{"model_type": "other"}'
    got = fetch().folder
    assert got is not None
    assert (got.name, (got / "config.json").read_bytes()) == ("b" * 40, b'{"model_type": "other"}')
    assert fetch(HF_HUB_OFFLINE="1").folder == got


def test_a_dropped_connection_is_resumed(hub: Hub, fetch: Fetch) -> None:
    weights = WEIGHTS * 12  # the client writes 10 MiB at a time: less would leave nothing to resume
    hub.repositories["org/model"].files["model.safetensors"] = weights
    hub.repositories["org/model"].cut_after["model.safetensors"] = 11 << 20
    got = fetch()
    assert got.folder is not None, got
    assert (got.folder / "model.safetensors").read_bytes() == weights
    gets = [r for r in hub.requests if r.method == "GET" and r.path.endswith("model.safetensors")]
    assert [get.range for get in gets] == ["", "bytes=10485760-"]


def test_a_killed_run_keeps_what_was_complete(hub: Hub, fetch: Fetch) -> None:
    hub.repositories["org/model"].corrupt.add("model.safetensors")
    fetch()
    hub.repositories["org/model"].corrupt.clear()
    hub.requests.clear()
    assert fetch().folder is not None
    assert [name for name in hub.downloads() if name != "config.json"] == ["model.safetensors"]


def test_a_wrong_hash_keeps_nothing(hub: Hub, fetch: Fetch, tmp_path: Path) -> None:
    hub.repositories["org/model"].corrupt.add("model.safetensors")
    got = fetch()
    assert "model.safetensors arrived damaged" in got.error
    assert "wrong hash" in got.error
    assert stored_bytes(tmp_path) < len(WEIGHTS)
    assert "known to be complete" in fetch(HF_HUB_OFFLINE="1").error


def test_a_small_file_is_checked_too(hub: Hub, fetch: Fetch) -> None:
    hub.repositories["org/model"].corrupt.add("1_Pooling/config.json")
    assert "1_Pooling/config.json arrived damaged" in fetch().error


def test_a_damaged_cache_is_repaired(hub: Hub, fetch: Fetch) -> None:
    folder = fetch().folder
    assert folder is not None
    (folder / "model.safetensors").resolve().write_bytes(b"short")
    got = fetch()
    assert got.folder is not None, got
    assert (got.folder / "model.safetensors").read_bytes() == WEIGHTS


def test_a_snapshot_of_another_program_is_not_taken_for_complete(
    hub: Hub, fetch: Fetch, tmp_path: Path
) -> None:
    other = "import sys, huggingface_hub as h; [h.hf_hub_download('org/model', n) for n in sys.argv[1:]]"
    env = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0"}
    names = ["config.json", "tokenizer.json", "model.safetensors"]
    subprocess.run([sys.executable, "-c", other, *names], env={**os.environ, **env}, check=True)
    assert "known to be complete" in fetch(HF_HUB_OFFLINE="1").error
    hub.requests.clear()
    assert files_in(fetch().folder) == WANTED
    assert sorted(hub.downloads()) == ["1_Pooling/config.json", "modules.json"]


def test_gated_with_the_right_token(hub: Hub, fetch: Fetch) -> None:
    hub.repositories["org/model"].gated = True
    assert files_in(fetch(HF_TOKEN="hf_good").folder) == WANTED


def test_large_files_from_another_host(hub: Hub, fetch: Fetch) -> None:
    hub.repositories["org/model"].cdn = hub.repositories["org/model"].gated = True
    assert files_in(fetch(HF_TOKEN="hf_good").folder) == WANTED
    [sent] = [request for request in hub.requests if request.path.startswith("/cdn/")]
    assert (sent.method, sent.authorized) == ("GET", False)
    assert any(request.authorized for request in hub.requests)


@pytest.mark.parametrize("offline", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}])
@pytest.mark.parametrize("revision", ["", COMMIT])
def test_without_network_the_cache_serves(fetch: Fetch, offline: dict[str, str], revision: str) -> None:
    online = fetch(revision=revision)
    again = fetch(revision=revision, **offline)
    assert again.folder == online.folder
    assert ("the Hub was not reached" in again.log) == (revision == "")


def test_a_known_commit_is_found_without_importing_the_client(fetch: Fetch, tmp_path: Path) -> None:
    fetch(revision=COMMIT)
    script = "import sys, mlx_jinabert.checkpoint.hub as h; h.fetch(*sys.argv[1:]); print(*sys.modules)"
    env = {**os.environ, "HF_HOME": str(tmp_path / "hf")}
    command = [sys.executable, "-c", script, "org/model", COMMIT]
    imported = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.split()
    assert "huggingface_hub.constants" in imported
    assert not {"huggingface_hub.file_download", "huggingface_hub.hf_api"} & set(imported)
