"""Translate errors of the Hub's client into a ModelFolderError that says what to do.

The client has moved between HTTP libraries (requests, httpx), so only its own error classes are named;
every other exception out of a client call means that the Hub could not be reached or understood.
"""

from __future__ import annotations

import errno

from mlx_jinabert.errors import ModelFolderError

__all__ = ["is_unreachable", "is_worth_retrying", "translate"]

_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    return status if isinstance(status, int) else None


def _is_disk_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def is_unreachable(error: BaseException) -> bool:
    """Whether trying later, or a copy in the cache, may help: not for a refusal by a Hub that answered."""
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

    if isinstance(error, HFValidationError | PermissionError) or _is_disk_full(error):
        return False
    if isinstance(error, OfflineModeIsEnabled | LocalEntryNotFoundError):
        return True
    status = _status(error)
    return status is None or status >= _SERVER_ERROR or status == _TOO_MANY_REQUESTS


def is_worth_retrying(error: BaseException) -> bool:
    """Whether the same call may go better at once: a dropped connection, an overloaded Hub.

    Not where the client has tried several times itself (LocalEntryNotFoundError).
    """
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    return is_unreachable(error) and not isinstance(error, OfflineModeIsEnabled | LocalEntryNotFoundError)


def translate(error: BaseException, repo_id: str, revision: str | None, endpoint: str) -> ModelFolderError:
    """The error to raise ``from`` the client's own. ``endpoint`` is where the Hub was looked for."""
    return ModelFolderError(repo_id, _problem(error, repo_id, revision or "main", endpoint))


def _problem(error: BaseException, repo_id: str, revision: str, endpoint: str) -> str:
    page = f"{endpoint}/{repo_id}"
    return (
        _refusal(error, page, revision) or _local_problem(error, revision) or _http_problem(error, endpoint)
    )


def _refusal(error: BaseException, page: str, revision: str) -> str | None:
    from huggingface_hub import errors as hub

    if isinstance(error, hub.HFValidationError):
        return f"neither a known alias, nor a folder, nor a Hub id of the form 'owner/name' ({error})"
    if isinstance(error, hub.GatedRepoError):
        return (
            f"the repository is gated. Sign in and accept its licence at {page}, then set HF_TOKEN to a "
            "token of that account with read access (or run: hf auth login)"
        )
    if isinstance(error, hub.RevisionNotFoundError):
        return f"no revision {revision!r}; branches, tags and commits are listed at {page}/tree/main"
    if isinstance(error, hub.RepositoryNotFoundError):
        return (
            f"no such repository, or a private one: {page} answered with HTTP {_status(error)}. Check the "
            "spelling; for a private repository set HF_TOKEN to a token that may read it"
        )
    return None


def _local_problem(error: BaseException, revision: str) -> str | None:
    from huggingface_hub.errors import OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return (
            f"HF_HUB_OFFLINE is set and revision {revision!r} is not in the local cache as a copy known to "
            "be complete. Unset it to download or check it once, or give the path of a model folder"
        )
    if _is_disk_full(error):
        return f"no space left for the download ({error}); free some, or point HF_HOME at a larger disk"
    if isinstance(error, PermissionError):
        return f"the cache cannot be written ({error}); point HF_HOME at a folder that you may write to"
    return None


def _http_problem(error: BaseException, endpoint: str) -> str:
    status = _status(error)
    first_line = next((line for line in str(error).splitlines() if line.strip()), "")
    found = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
    if status == 401:
        return f"{endpoint} refused the token (HTTP 401): HF_TOKEN is invalid or expired; renew or unset it"
    if status == 403:
        return f"{endpoint} denied access (HTTP 403): the token in HF_TOKEN may not read this repository"
    if status == _TOO_MANY_REQUESTS:
        return f"{endpoint} limits the rate of requests (HTTP 429); wait, or set HF_TOKEN for a higher limit"
    if status is not None:
        return f"{endpoint} answered with HTTP {status} ({found}); try again later"
    if isinstance(error, ValueError | LookupError | TypeError):
        return (
            f"{endpoint} did not answer as a Hub does ({found}); look at HF_ENDPOINT, and for a proxy or "
            "login page in between"
        )
    return (
        f"{endpoint} could not be reached and there is no cached copy known to be complete ({found}). Check "
        "network, proxy and HF_ENDPOINT and run again: what is complete is not fetched twice. If only large "
        "files fail, HF_HUB_DISABLE_XET=1 makes them travel over plain HTTP"
    )
