"""What a download refuses, and that every refusal says what to do."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from mlx_jinabert.catalog import available_models
from tests.support.hub_client import COMMIT, FILES, WANTED, WEIGHTS, Fetch, fetch, files_in, hub, stored_bytes
from tests.support.hub_server import Hub, Repository
from tests.support.waiting import PATIENCE

__all__ = ["fetch", "hub"]

SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


def test_missing_repository(fetch: Fetch) -> None:
    got = fetch("org/missing")
    assert "org/missing: no such repository, or a private one" in got.error
    assert "HF_TOKEN" in got.error
    assert got.cause == "RepositoryNotFoundError"


def test_a_repository_that_is_gone_is_said_in_spite_of_a_copy(hub: Hub, fetch: Fetch) -> None:
    """The Hub answered: that is no reason to go on with an old branch. A pinned commit stays usable."""
    folder = fetch().folder
    del hub.repositories["org/model"]
    assert "no such repository" in fetch().error
    assert fetch(revision=COMMIT).folder == folder


def test_missing_revision(fetch: Fetch) -> None:
    got = fetch(revision="v9")
    assert "no revision 'v9'" in got.error
    assert got.cause == "RevisionNotFoundError"


@pytest.mark.parametrize("token", ["", "hf_other"])
def test_gated(hub: Hub, fetch: Fetch, token: str) -> None:
    hub.repositories["org/model"].gated = True
    got = fetch(HF_TOKEN=token)
    assert f"accept its licence at {hub.endpoint}/org/model" in got.error
    assert "HF_TOKEN" in got.error
    assert got.cause == "GatedRepoError"


def test_what_is_no_hub_at_all(hub: Hub, fetch: Fetch) -> None:
    """A portal or proxy that answers every address with a page of its own."""
    hub.repositories["org/model"].status = 200
    assert "did not answer as a Hub does" in fetch().error


def test_offline_without_a_copy(fetch: Fetch) -> None:
    got = fetch(HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE is set and revision 'main' is not in the local cache" in got.error
    assert got.cause == "OfflineModeIsEnabled"


def test_unreachable_without_a_copy(fetch: Fetch) -> None:
    got = fetch(HF_ENDPOINT="http://127.0.0.1:9")
    assert "http://127.0.0.1:9 could not be reached" in got.error
    assert "proxy" in got.error


def test_a_failing_hub_is_named_by_its_status(hub: Hub, fetch: Fetch) -> None:
    hub.repositories["org/model"].status = 503
    assert "answered with HTTP 503" in fetch().error


def test_pickles_only_are_refused_before_any_download(hub: Hub, fetch: Fetch) -> None:
    del hub.repositories["org/model"].files["model.safetensors"]
    got = fetch()
    assert "pytorch_model.bin" in got.error
    assert "refs/pr/N" in got.error
    assert hub.downloads() == []


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_a_repository_without_what_a_model_needs(hub: Hub, fetch: Fetch, name: str) -> None:
    del hub.repositories["org/model"].files[name]
    assert f"has no {name}" in fetch().error
    assert hub.downloads() == []


def test_no_space_is_said_before_the_download(hub: Hub, fetch: Fetch) -> None:
    hub.repositories["org/model"].claimed_size["model.safetensors"] = 10**15
    got = fetch()
    assert "no space left" in got.error
    assert "1000000017 MB needed" in got.error
    assert hub.downloads() == []


def test_a_listing_cannot_lead_out_of_the_cache(hub: Hub, fetch: Fetch, tmp_path: Path) -> None:
    hub.repositories["org/model"].files["1_Pooling/../../../../escaped/config.json"] = b"{}"
    assert files_in(fetch().folder) == WANTED
    assert not list(tmp_path.rglob("escaped"))


def test_what_is_no_hub_id(fetch: Fetch) -> None:
    assert "neither a known alias, nor a folder, nor a Hub id" in fetch("not/a/model").error


def test_weights_of_the_known_hash_are_taken(hub: Hub, fetch: Fetch) -> None:
    hub.repositories["org/model"].lists_hashes = False
    assert files_in(fetch(revision=COMMIT, weights_sha256=SHA256).folder) == WANTED


def test_weights_that_are_listed_with_another_hash_are_not_downloaded(hub: Hub, fetch: Fetch) -> None:
    got = fetch(revision=COMMIT, weights_sha256="0" * 64)
    assert f"listed with sha256 {SHA256}, expected {'0' * 64}" in got.error
    assert hub.downloads() == []


def test_weights_of_another_hash_that_is_not_listed_are_deleted(
    hub: Hub, fetch: Fetch, tmp_path: Path
) -> None:
    hub.repositories["org/model"].lists_hashes = False
    got = fetch(revision=COMMIT, weights_sha256="0" * 64)
    assert "model.safetensors arrived damaged" in got.error
    assert "0" * 64 in got.error
    assert stored_bytes(tmp_path / "hf") < len(WEIGHTS)
    assert not list(tmp_path.rglob("model.safetensors"))


def test_a_copy_that_was_checked_against_nothing_is_checked_again(
    hub: Hub, fetch: Fetch, tmp_path: Path
) -> None:
    hub.repositories["org/model"].lists_hashes = False
    assert fetch(revision=COMMIT).folder
    assert "arrived damaged" in fetch(revision=COMMIT, weights_sha256="0" * 64).error
    assert not list(tmp_path.rglob("model.safetensors"))
    assert files_in(fetch(revision=COMMIT, weights_sha256=SHA256).folder) == WANTED


@pytest.mark.parametrize("alias", [e.alias for e in available_models().values() if e.weights_sha256])
def test_an_alias_with_a_known_hash_refuses_other_weights(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alias: str
) -> None:
    entry = available_models()[alias]
    assert entry.revision is not None
    hub.repositories[entry.hub_id] = Repository(dict(FILES), commit=entry.revision)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    script = "import sys, mlx_jinabert; mlx_jinabert.load(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", script, alias], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert f"expected {entry.weights_sha256}" in done.stderr
    assert hub.downloads() == []
