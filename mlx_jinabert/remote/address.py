"""Names of remote models: which protocol, which URL, which model, which environment variable has the key."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from mlx_jinabert.errors import ModelFolderError
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["Address", "Protocol", "is_remote", "parse"]

Protocol = Literal["tei", "openai", "voyage", "triton"]

_NAME = re.compile(r"(?P<protocol>tei|openai|voyage|triton)(?:\+(?P<url>https?://.*)|:(?P<model>[^/].*)?)")
_OFFICIAL: Mapping[str, str] = {
    "openai": "https://api.openai.com/v1",
    "voyage": "https://api.voyageai.com/v1",
}
_KEYS: Mapping[str, str] = {
    "tei": "TEI_API_KEY",
    "openai": "OPENAI_API_KEY",
    "voyage": "VOYAGE_API_KEY",
    "triton": "TRITON_API_KEY",
}
_FORMS = (
    "tei+http://host:port, triton+http://host:port/MODEL, openai:MODEL, openai+https://host/v1#MODEL or "
    "voyage:MODEL"
)


@dataclass(frozen=True, slots=True)
class Address:
    """``url`` without a slash at its end; ``model`` is "" for TEI, which serves one."""

    name: str
    protocol: Protocol
    url: str
    model: str
    key_variable: str

    @property
    def host(self) -> str:
        """Host and port, for messages and ``device``."""
        return urlsplit(self.url).netloc

    @property
    def is_official(self) -> bool:
        """Whether the host is the one that gave the protocol its name."""
        return self.url == _OFFICIAL.get(self.protocol)


def is_remote(name: str | os.PathLike[str]) -> bool:
    """Whether a model's name is that of a remote one. A path is never remote."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def parse(name: str) -> Address:
    """Take a name apart. ModelFolderError says what is wrong with it, without repeating credentials."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ModelFolderError(name, f"not the name of a remote model; write {_FORMS}")
    protocol: Protocol = match["protocol"]  # type: ignore[assignment]
    if match["url"] is None:
        url, model = _OFFICIAL.get(protocol, ""), match["model"] or ""
    else:
        split = _checked(protocol, match["url"])
        path, model = split.path.rstrip("/"), split.fragment
        if protocol == "triton" and not model:
            path, _, model = path.rpartition("/")
        url = f"{split.scheme}://{split.netloc}{path}"
    if not url:
        raise ModelFolderError(name, f"has no host; write {_FORMS}")
    if (protocol == "tei") == bool(model):
        missing = f"names no model: add {'/' if protocol == 'triton' else '#'}MODEL"
        problem = "TEI serves one model: leave out #MODEL" if model else missing
        raise ModelFolderError(name, f"{problem}; write {_FORMS}")
    return Address(name, protocol, url, model, _KEYS[protocol])


def _checked(protocol: str, url: str) -> SplitResult:
    split = urlsplit(url)
    shown = f"{protocol}+{split.scheme}://{split.hostname or ''}"
    if "@" in split.netloc:
        raise ModelFolderError(shown, f"holds credentials; put the key into ${_KEYS[protocol]} instead")
    if split.query:
        raise ModelFolderError(shown, "has a query part (?...), which could hold a key; leave it out")
    try:
        valid = bool(split.hostname) and split.port != 0
    except ValueError:
        valid = False
    if not valid or not url.isprintable() or " " in url:
        raise ModelFolderError(shown, f"is not a usable URL; write {_FORMS}")
    return split
