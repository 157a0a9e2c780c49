"""Data: the catalogue's NomicBERT, GTE and ModernBERT models, encoders with rotary positions.

Revisions, widths, licences and parameters are those that their cards and the MTEB registry name; what only
others say of a model is in its note. Prompts are to the character, the space at their end included.
"""

from __future__ import annotations

from mlx_jinabert.catalog.entry import CatalogEntry

__all__ = ["ENCODERS"]

_CODE_QUERY = {"query": "Represent this query for searching relevant code: "}
_SEARCH = {
    "query": "search_query: ",
    "document": "search_document: ",
    "classification": "classification: ",
    "clustering": "clustering: ",
}
_NOMIC_DIMS = (64, 128, 256, 512)


def _granite(name: str, revision: str, parameters: int, dim: int, note: str) -> CatalogEntry:
    return CatalogEntry(
        alias=f"granite-{name.replace('english', 'en').replace('multilingual', 'multi')}",
        hub_id=f"ibm-granite/granite-embedding-{name}",
        revision=revision,
        parameters=parameters,
        dim=dim,
        matryoshka_dims=(128, 256, 384, 512) if name.startswith("311m") else (),
        context=8192,
        licence="apache-2.0",
        commercial_use=True,
        pooling="cls",
        note=note,
    )


ENCODERS = (
    CatalogEntry(
        alias="coderank",
        hub_id="nomic-ai/CodeRankEmbed",
        revision="3c4b60807d71f79b43f3c4363786d9493691f8b1",
        parameters=136_731_648,
        dim=768,
        context=8192,
        licence="mit",
        commercial_use=True,
        pooling="cls",
        prompts=_CODE_QUERY,
        note="code; queries take a prompt, code takes none; trained at up to 2,048 tokens",
    ),
    CatalogEntry(
        alias="swerank-small",
        hub_id="Salesforce/SweRankEmbed-Small",
        revision=None,
        parameters=136_731_648,
        dim=768,
        context=8192,
        licence="cc-by-nc-4.0",
        commercial_use=False,
        pooling="cls",
        prompts=_CODE_QUERY,
        note="from an issue to the functions to change; licence and pooling as others report them",
    ),
    CatalogEntry(
        alias="nomic-text",
        hub_id="nomic-ai/nomic-embed-text-v1.5",
        revision="b0753ae76394dd36bcfb912a46018088bca48be0",
        parameters=136_731_648,
        dim=768,
        matryoshka_dims=_NOMIC_DIMS,
        context=8192,
        licence="apache-2.0",
        commercial_use=True,
        pooling="mean",
        prompts=_SEARCH,
        settings={"matryoshka_layer_norm": True},
        note="English prose; every text takes a prompt; trained at up to 2,048 tokens",
    ),
    CatalogEntry(
        alias="sfr-code-400m",
        hub_id="Salesforce/SFR-Embedding-Code-400M_R",
        revision=None,
        parameters=434_139_136,
        dim=1024,
        context=8192,
        licence="cc-by-nc-4.0",
        commercial_use=False,
        pooling="cls",
        note="code and text, no prompts; parameters are those of gte-large, which it comes from",
    ),
    CatalogEntry(
        alias="gte-large",
        hub_id="Alibaba-NLP/gte-large-en-v1.5",
        revision="104333d6af6f97649377c2afbde10a7704870c7b",
        parameters=434_139_136,
        dim=1024,
        context=8192,
        licence="apache-2.0",
        commercial_use=True,
        pooling="cls",
        note="English prose, no prompts",
    ),
    CatalogEntry(
        alias="gte-base",
        hub_id="Alibaba-NLP/gte-base-en-v1.5",
        revision="a829fd0e060bb84554da0dfd354d0de0f7712b7f",
        parameters=136_776_192,
        dim=768,
        context=8192,
        licence="apache-2.0",
        commercial_use=True,
        pooling="cls",
        note="English prose, no prompts",
    ),
    CatalogEntry(
        alias="gte-modernbert",
        hub_id="Alibaba-NLP/gte-modernbert-base",
        revision="7ca8b4ca700621b67618669f5378fe5f5820b8e4",
        parameters=149_014_272,
        dim=768,
        context=8192,
        licence="apache-2.0",
        commercial_use=True,
        pooling="cls",
        note="English prose and code, no prompts",
    ),
    _granite(
        "english-r2",
        "6e7b8ce0e76270394ac4669ba4bbd7133b60b7f9",
        149_014_272,
        768,
        "English prose and code, no prompts",
    ),
    _granite(
        "small-english-r2",
        "54a8d2616a0844355a5164432d3f6dafb37b17a3",
        47_662_464,
        384,
        "English prose and code, small, no prompts",
    ),
    _granite(
        "97m-multilingual-r2",
        "c61e626a6255c490879d0af885078b61929d51f6",
        97_441_152,
        384,
        "many languages and code, no prompts",
    ),
    _granite(
        "311m-multilingual-r2",
        "dba7b0ee9d789f330fecfb85df57699f9e7d9c42",
        311_664_384,
        768,
        "many languages and code, no prompts",
    ),
)
