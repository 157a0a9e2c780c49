"""Data: the models that are known by a short name.

A revision is the commit of the Hub repository that the facts about the model were read at; it is what
an alias or a catalogued Hub id downloads unless the caller names another one. Some commits of the
Jina code repository held a different model, so nothing here follows a branch whose commit is known.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from mlx_jinabert.catalog.decoders import DECODERS
from mlx_jinabert.catalog.encoders import ENCODERS
from mlx_jinabert.catalog.entry import CatalogEntry, Pooling
from mlx_jinabert.catalog.others import OTHERS

__all__ = ["CATALOG", "CatalogEntry", "Pooling", "find", "near"]

_ENTRIES = (
    CatalogEntry(
        alias="embedded",
        hub_id="",
        revision=None,
        parameters=8_802_816,
        dim=256,
        context=512,
        licence="apache-2.0",
        commercial_use=True,
        pooling="mean",
        any_prefix=True,
        note="ships with the package, works offline; small and quick, for code search in English",
    ),
    CatalogEntry(
        alias="jina-code",
        hub_id="jinaai/jina-embeddings-v2-base-code",
        revision="516f4baf13dec4ddddda8631e019b5737c8bc250",
        parameters=160_869_120,
        dim=768,
        context=8192,
        licence="apache-2.0",
        commercial_use=True,
        pooling="mean",
        note="code and English; trained at 512 tokens, longer ones by ALiBi",
    ),
    CatalogEntry(
        alias="jina-base-en",
        hub_id="jinaai/jina-embeddings-v2-base-en",
        revision="6e85f575bc273f1fd840a658067d0157933c83f0",
        parameters=137_368_320,
        dim=768,
        context=8192,
        licence="apache-2.0",
        commercial_use=True,
        pooling="mean",
        note="English prose",
    ),
    CatalogEntry(
        alias="jina-small-en",
        hub_id="jinaai/jina-embeddings-v2-small-en",
        revision="44e7d1d6caec8c883c2d4b207588504d519788d0",
        weights_sha256="c9a9a7ec012d01efd780474fbb65e25917f3a2aebdff84b5f87daa00f7e90b27",
        parameters=32_690_688,
        dim=512,
        context=8192,
        licence="apache-2.0",
        commercial_use=True,
        pooling="mean",
        note="English prose, small",
    ),
    CatalogEntry(
        alias="minilm",
        hub_id="sentence-transformers/all-MiniLM-L6-v2",
        revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        weights_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        parameters=22_713_216,
        dim=384,
        context=256,
        licence="apache-2.0",
        commercial_use=True,
        pooling="mean",
        note="English sentences; fast, short texts only",
    ),
    CatalogEntry(
        alias="bge-small",
        hub_id="BAAI/bge-small-en-v1.5",
        revision="5c38ec7c405ec4b44b94cc5a9bb96e735b38267a",
        weights_sha256="3c9f31665447c8911517620762200d2245a2518d6e7208acc78cd9db317e21ad",
        parameters=33_360_000,
        dim=384,
        context=512,
        licence="mit",
        commercial_use=True,
        pooling="cls",
        prompts={"query": "Represent this sentence for searching relevant passages: "},
        note="English passages; queries take a prompt",
    ),
    CatalogEntry(
        alias="bge-base",
        hub_id="BAAI/bge-base-en-v1.5",
        revision=None,
        parameters=109_482_240,
        dim=768,
        context=512,
        licence="mit",
        commercial_use=True,
        pooling="cls",
        prompts={"query": "Represent this sentence for searching relevant passages: "},
        note="English passages; queries take a prompt",
    ),
    CatalogEntry(
        alias="jina-reranker-tiny",
        hub_id="jinaai/jina-reranker-v1-tiny-en",
        revision=None,
        parameters=33_046_273,
        dim=1,
        context=8192,
        licence="apache-2.0",
        commercial_use=True,
        pooling="cls",
        task="reranker",
        note="English pairs, 4 layers; the logit goes through a sigmoid, the authors' own helper is unknown",
    ),
    CatalogEntry(
        alias="jina-reranker-turbo",
        hub_id="jinaai/jina-reranker-v1-turbo-en",
        revision=None,
        parameters=37_771_777,
        dim=1,
        context=8192,
        licence="apache-2.0",
        commercial_use=True,
        pooling="cls",
        task="reranker",
        note="English pairs, 6 layers; the logit goes through a sigmoid, the authors' own helper is unknown",
    ),
    *ENCODERS,
    *DECODERS,
    *OTHERS,
)

CATALOG: Mapping[str, CatalogEntry] = MappingProxyType({entry.alias: entry for entry in _ENTRIES})


def find(name: str) -> CatalogEntry | None:
    """The entry with this alias, Hub id or repository name, whatever the case."""
    wanted = name.casefold()
    for entry in _ENTRIES:
        names = (entry.alias, entry.hub_id, entry.hub_id.rpartition("/")[2])
        if wanted in (known.casefold() for known in names if known):
            return entry
    return None


def near(name: str) -> list[str]:
    """Known aliases that look like ``name``, best first; all of them where none does."""
    names = {
        known.casefold(): e.alias
        for e in _ENTRIES
        for known in (e.alias, e.hub_id.rpartition("/")[2])
        if known
    }
    close = [
        names[match] for match in difflib.get_close_matches(name.casefold(), list(names), n=3, cutoff=0.5)
    ]
    return list(dict.fromkeys(close)) or list(CATALOG)
