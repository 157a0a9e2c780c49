"""From a Hub id to a verified local folder, through the real ``huggingface_hub`` client.

The client brings the user's settings (HF_ENDPOINT, HF_HOME, HF_TOKEN, HF_HUB_OFFLINE, proxies), the shared
cache and the resuming of dropped transfers. Added here: a list of what may be downloaded at all, one commit
for all files, the check of every file against the hash that the Hub lists, use without network of what is
known to be complete, and errors that say what to do. The client's telemetry (installed frameworks, and
which agent runs the program) is switched off unless the user's environment sets it.

Refused: pickled weights, code, and a copy in the cache that may be incomplete (a missing pooling
configuration gives other vectors, not an error).
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from mlx_jinabert.checkpoint.hub.errors import is_unreachable, is_worth_retrying, translate
from mlx_jinabert.checkpoint.hub.files import Listing, RemoteFile, is_intact, wanted, with_known_weights
from mlx_jinabert.checkpoint.hub.snapshots import CachedRepository, is_commit
from mlx_jinabert.errors import ModelFolderError
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["fetch"]

_log = logging.getLogger(__name__)
_ATTEMPTS = 4
_PAUSE_SECONDS = 0.5
_LISTING_TIMEOUT_SECONDS = 20.0
_SPARE_BYTES = 16 << 20


def fetch(
    repo_id: str,
    revision: str | None = None,
    *,
    endpoint: str | None = None,
    cache_dir: Path | None = None,
    token: str | None = None,
    weights_sha256: str | None = None,
) -> Path:
    """The folder of a complete, verified copy of ``repo_id`` at ``revision`` (branch, tag or commit).

    The folder's name is the commit. A commit that was fetched before is found without any request; for a
    branch or tag the Hub is asked where it points, and where the Hub can't be reached the last known commit
    is used, with a warning. ``endpoint``, ``cache_dir`` and ``token`` default to the user's Hub settings.
    ``weights_sha256`` is what model.safetensors has to be, whatever the Hub or a mirror lists.

    Raises ModelFolderError (cause chained): no such repository or revision, gated, offline, pickled weights
    only, wrong hash (the file is deleted, or not downloaded where the Hub lists another), no space.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the client is imported, below
    cache = CachedRepository(repo_id, cache_dir, weights_sha256)
    download = _Download(repo_id, revision, endpoint, token, cache)
    try:
        return download.run()
    except ModelFolderError:
        raise
    except Exception as error:
        from huggingface_hub.constants import ENDPOINT

        raise translate(error, repo_id, revision, (endpoint or ENDPOINT).rstrip("/")) from error


@dataclass(frozen=True, slots=True)
class _Download:
    """The steps of one ``fetch``; what the client raises passes through."""

    repo_id: str
    revision: str | None
    endpoint: str | None
    token: str | None
    cache: CachedRepository

    def run(self) -> Path:
        pinned = is_commit(self.revision)
        if pinned and (folder := self.cache.verified_snapshot(self.revision)):
            return folder
        try:
            listing = self._listing()
        except Exception as error:
            if is_unreachable(error) and (folder := self.cache.verified_snapshot(self.revision)):
                _log.warning(
                    "%s: the Hub was not reached; using the cached commit %s", self.repo_id, folder.name[:12]
                )
                return folder
            raise
        folder = self.cache.verified_snapshot(listing.commit) or self._complete(listing)
        if not pinned:
            self._remember_branch(listing.commit)
        return folder

    def _listing(self) -> Listing:
        from huggingface_hub import HfApi

        info = HfApi(endpoint=self.endpoint, token=self.token).model_info(
            self.repo_id, revision=self.revision, files_metadata=True, timeout=_LISTING_TIMEOUT_SECONDS
        )
        if not is_commit(info.sha):
            raise ValueError(f"the answer names no commit: sha is {info.sha!r}")
        files = tuple(
            RemoteFile(s.rfilename, s.size, s.lfs.sha256 if s.lfs else None, None if s.lfs else s.blob_id)
            for s in info.siblings or ()
        )
        return with_known_weights(Listing(self.repo_id, info.sha, files), self.cache.weights_sha256)

    def _complete(self, listing: Listing) -> Path:
        """Fetch what is missing or damaged; every file is checked, the cached ones too."""
        files = wanted(listing)
        self._require_space([file for file in files if self.cache.file(file.name, listing.commit) is None])
        for file in files:
            self._fetch_file(file, listing.commit)
        folder = self.cache.snapshot(listing.commit)
        if folder is None:
            raise ModelFolderError(self.repo_id, "was downloaded but is not in the cache; check HF_HOME")
        self.cache.mark_verified(folder, listing)
        return folder

    def _fetch_file(self, file: RemoteFile, commit: str) -> None:
        if cached := self.cache.file(file.name, commit):
            if is_intact(cached, file):
                return
            _log.warning("%s: the cached %s is damaged; fetching it again", self.repo_id, file.name)
            self.cache.discard(cached)
        path = self._download(file.name, commit)
        if is_intact(path, file):
            return
        found = path.stat().st_size
        self.cache.discard(path)
        expected = f"sha256 {file.sha256}" if file.sha256 else f"git hash {file.blob_id}"
        raise ModelFolderError(
            self.repo_id,
            f"{file.name} arrived damaged: {found} bytes with a wrong hash, expected {file.size} bytes with "
            f"{expected}. It was deleted. Run again; if it stays so, suspect the proxy or mirror in between",
        )

    def _download(self, name: str, revision: str) -> Path:
        """One file; a broken transfer is taken up again (from where it broke, if the client kept that)."""
        from huggingface_hub import hf_hub_download

        for attempt in range(1, _ATTEMPTS + 1):
            try:
                path = hf_hub_download(
                    self.repo_id,
                    name,
                    revision=revision,
                    endpoint=self.endpoint,
                    cache_dir=self.cache.cache_dir,
                    token=self.token,
                )
            except Exception as error:
                if attempt == _ATTEMPTS or not is_worth_retrying(error):
                    raise
                _log.info("%s: %s broke off (%s), attempt %d", self.repo_id, name, error, attempt + 1)
                time.sleep(_PAUSE_SECONDS * attempt)
            else:
                return Path(path)
        raise AssertionError("unreachable")

    def _remember_branch(self, commit: str) -> None:
        """Let the client note where the branch points, so that it is found without network next time."""
        branch = self.revision or "main"
        known = self.cache.snapshot(branch)
        if known is None or known.name != commit:
            self._download("config.json", branch)

    def _require_space(self, missing: Sequence[RemoteFile]) -> None:
        from huggingface_hub.constants import HF_HUB_CACHE

        target = Path(self.cache.cache_dir or HF_HUB_CACHE).absolute()
        existing = next(path for path in (target, *target.parents) if path.exists())
        needed = sum(file.size or 0 for file in missing) + _SPARE_BYTES
        free = shutil.disk_usage(existing).free
        if missing and needed > free:
            detail = f"{needed / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free for {target}"
            raise OSError(errno.ENOSPC, detail)
