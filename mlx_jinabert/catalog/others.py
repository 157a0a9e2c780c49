"""Data: the catalogue's CodeSage, Gemma-2 and Qwen2.5-VL models.

Revisions and widths are those of the MTEB registry. CodeSage was published as pickles, which are refused;
where the pinned commit has nothing else, the refusal says how to ask for one that has safetensors.
"""

from __future__ import annotations

from mlx_jinabert.catalog.entry import CatalogEntry

__all__ = ["OTHERS"]


def _codesage(size: str, revision: str, parameters: int, dim: int) -> CatalogEntry:
    return CatalogEntry(
        alias=f"codesage-{size}",
        hub_id=f"codesage/codesage-{size}-v2",
        revision=revision,
        parameters=parameters,
        dim=dim,
        context=2048,
        licence="apache-2.0",
        commercial_use=True,
        pooling="mean",
        settings={"append_token": "<|endoftext|>"},
        note="code, no prompts; trained to be shortened to widths that are not known here, so that "
        "config_overrides={'matryoshka_dims': [...]} has to state them",
    )


OTHERS = (
    _codesage("small", "4844c2f24b25e181aa43ca058cc73dd2622565c1", 128_010_240, 1024),
    _codesage("base", "92eac4f44c8674638f039f1b0d8280f2539cb4c7", 354_742_272, 1024),
    _codesage("large", "6e5d6dc15db3e310c37c6dbac072409f95ffa5c5", 1_313_464_320, 2048),
    CatalogEntry(
        alias="sfr-code-2b",
        hub_id="Salesforce/SFR-Embedding-Code-2B_R",
        revision="c73d8631a005876ed5abde34db514b1fb6566973",
        parameters=2_614_341_888,
        dim=2304,
        context=8192,
        licence="cc-by-nc-4.0",
        commercial_use=False,
        pooling="last",
        prompts={"query": "Instruct: Given Code or Text, retrieval relevant content\nQuery: "},
        settings={"is_causal": True},
        note="code; its authors say neither whether attention is causal (taken as Gemma-2's, which is) nor "
        "whether <eos> closes a text (taken as its tokenizer says): is_causal and append_token state it",
    ),
    CatalogEntry(
        alias="jina-v4",
        hub_id="jinaai/jina-embeddings-v4",
        revision="4a58ca57710c49f51896e4bc820e202fbf64904b",
        parameters=3_934_695_552,
        dim=2048,
        matryoshka_dims=(128, 256, 512, 1024),
        context=32_768,
        licence="cc-by-nc-4.0",
        commercial_use=False,
        pooling="mean",
        prompts={"query": "Query: ", "document": "Passage: ", "passage": "Passage: "},
        settings={"is_causal": True},
        note="texts alone, no images; its tasks are adapters: convert-weights jina-v4 --adapter code, or "
        "retrieval, or text-matching, makes a model of each",
    ),
)
