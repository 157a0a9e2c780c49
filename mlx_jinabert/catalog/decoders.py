"""Data: the catalogue's Qwen2 and Qwen3 models, which pool the last token.

Texts end with <|endoftext|> (151643), never with the chat's <|im_end|> (151645), wherever that is known.
Prompts are those of the model cards, to the character: some end with a space and some must not.
"""

from __future__ import annotations

from mlx_jinabert.catalog.entry import CatalogEntry

__all__ = ["DECODERS"]

_END = {"append_token": "<|endoftext|>"}
_CAUSAL = {**_END, "is_causal": True}

_CODE_CANDIDATE = "Candidate code snippet:\n"
_JINA = {
    "nl2code_query": "Find the most relevant code snippet given the following query:\n",
    "nl2code_document": _CODE_CANDIDATE,
    "qa_query": "Find the most relevant answer given the following question:\n",
    "qa_document": "Candidate answer:\n",
    "code2code_query": "Find an equivalent code snippet given the following code snippet:\n",
    "code2code_document": _CODE_CANDIDATE,
    "code2nl_query": "Find the most relevant comment given the following code snippet:\n",
    "code2nl_document": "Candidate comment:\n",
    "code2completion_query": "Find the most relevant completion given the following start of code snippet:\n",
    "code2completion_document": "Candidate completion:\n",
}
_JINA_PROMPTS = {**_JINA, "query": _JINA["nl2code_query"], "document": _JINA["nl2code_document"]}
_QWEN3_PROMPTS = {
    "query": "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
}
_F2LLM_PROMPTS = {
    "query": "Instruct: Given a question, retrieve passages that can help answer the question.\nQuery: ",
    "code_query": "Instruct: Retrieve the most relevant code snippet for the given query.\nQuery: ",
}
_BGE_TASKS = {
    "query": "Given a web search query, retrieve relevant code that can help answer the query.",
    "text2sql_query": "Given a question in text, retrieve SQL queries that are appropriate responses to the "
    "question.",
    "code2code_query": "Given a piece of code, retrieve code that is semantically equivalent to the input "
    "code.",
}
_MASK_UNKNOWN = "its authors' two examples compute differently, and which way it was trained is not published"


def _jina(size: str, revision: str | None, parameters: int, dim: int, dims: tuple[int, ...]) -> CatalogEntry:
    return CatalogEntry(
        alias=f"jina-code-{size}",
        hub_id=f"jinaai/jina-code-embeddings-{size}",
        revision=revision,
        parameters=parameters,
        dim=dim,
        matryoshka_dims=dims,
        context=32_768,
        licence="cc-by-nc-4.0",
        commercial_use=False,
        pooling="last",
        prompts=_JINA_PROMPTS,
        settings=_CAUSAL,
        note="code; a prompt for each task, e.g. prompt_name='code2code_query', nl2code by default",
    )


def _qodo(size: str, revision: str, parameters: int, dim: int) -> CatalogEntry:
    return CatalogEntry(
        alias=f"qodo-{size.lower()}",
        hub_id=f"Qodo/Qodo-Embed-1-{size}",
        revision=revision,
        parameters=parameters,
        dim=dim,
        context=32_768,
        licence="qodoai-open-rail-m",
        commercial_use=False,
        pooling="last",
        settings=_END,
        unknown={"is_causal": _MASK_UNKNOWN},
        note="code, no prompts; whether its attention is causal has to be stated; read its licence's terms",
    )


def _qwen3(size: str, revision: str, parameters: int, dim: int) -> CatalogEntry:
    return CatalogEntry(
        alias=f"qwen3-{size.lower()}",
        hub_id=f"Qwen/Qwen3-Embedding-{size}",
        revision=revision,
        parameters=parameters,
        dim=dim,
        any_prefix=True,
        shortest_prefix=32,
        context=32_768,
        licence="apache-2.0",
        commercial_use=True,
        pooling="last",
        prompts=_QWEN3_PROMPTS,
        settings=_CAUSAL,
        note="many languages and code; another task is prompt='Instruct: TASK\\nQuery:', no space at its end",
    )


def _f2llm(size: str, revision: str, parameters: int, dim: int) -> CatalogEntry:
    return CatalogEntry(
        alias=f"f2llm-v2-{size.lower()}",
        hub_id=f"codefuse-ai/F2LLM-v2-{size}",
        revision=revision,
        parameters=parameters,
        dim=dim,
        context=40_960,
        licence="apache-2.0",
        commercial_use=True,
        pooling="last",
        prompts=_F2LLM_PROMPTS,
        settings=_CAUSAL,
        note="many languages and code; prompt_name='code_query' asks for code",
    )


DECODERS = (
    _jina("0.5b", "4db235132dafbe56a8b9c5f59b59795ecf58a4a7", 494_032_768, 896, (64, 128, 256, 512)),
    _jina("1.5b", None, 1_543_714_304, 1536, (128, 256, 512, 1024)),
    _qodo("1.5B", "84bbef079b32e8823ec226d4e9e92902706b0eb6", 1_543_268_864, 1536),
    _qodo("7B", "f9edd9bf7f687c0e832424058e265120f603cd81", 7_069_121_024, 3584),
    CatalogEntry(
        alias="nomic-embed-code",
        hub_id="nomic-ai/nomic-embed-code",
        revision="11114029805cee545ef111d5144b623787462a52",
        parameters=7_070_619_136,
        dim=3584,
        context=32_768,
        licence="apache-2.0",
        commercial_use=True,
        pooling="last",
        prompts={"query": "Represent this query for searching relevant code: "},
        unknown={"is_causal": "a model that it seems to come from says false, its authors do not say"},
        note="code; whether its attention is causal has to be stated if its config.json does not; its end "
        "token is its tokenizer's affair",
    ),
    CatalogEntry(
        alias="swerank-large",
        hub_id="Salesforce/SweRankEmbed-Large",
        revision=None,
        parameters=7_069_121_024,
        dim=3584,
        context=32_768,
        licence="not checked",
        commercial_use=False,
        pooling="last",
        prompts={
            "query": "Instruct: Given a github issue, identify the code that needs to be changed to fix the "
            "issue.\nQuery: "
        },
        settings=_END,
        unknown={"is_causal": "it is said to come from gte-Qwen2-7B-instruct, whose attention is not causal"},
        note="from an issue to the functions to change; parameters and licence are not from its card",
    ),
    CatalogEntry(
        alias="bge-code",
        hub_id="BAAI/bge-code-v1",
        revision=None,
        parameters=1_543_714_304,
        dim=1536,
        context=32_768,
        licence="apache-2.0",
        commercial_use=True,
        pooling="last",
        prompts={name: f"<instruct>{task}\n<query>" for name, task in _BGE_TASKS.items()},
        settings={"is_causal": True},
        note="code and text; another task is prompt='<instruct>TASK\\n<query>'",
    ),
    _qwen3("0.6B", "b22da495047858cce924d27d76261e96be6febc0", 595_776_512, 1024),
    _qwen3("4B", "636cd9bf47d976946cdbb2b0c3ca0cb2f8eea5ff", 4_021_774_336, 2560),
    _qwen3("8B", "4e423935c619ae4df87b646a3ce949610c66241c", 7_567_295_488, 4096),
    _f2llm("80M", "6faa7738f343cd4321f9b2fa92fdb7cae3c117a5", 80_084_288, 320),
    _f2llm("160M", "4013fb02c4b37ae14fc567fb190051b6cad652f6", 159_185_024, 640),
    _f2llm("330M", "e8ef9a8eb907a9dffdd9442424a967ba73e70d31", 334_349_184, 896),
    _f2llm("0.6B", "54b4e2dc74e01be7126d4cf5f016af6b21edc563", 596_049_920, 1024),
    _f2llm("1.7B", "3766d46e7a68545ed6190c15330983f9b39ab718", 1_720_574_976, 2048),
    _f2llm("4B", "e04d1a04f4a0e154bf43969d3dcc596bbd92b1f8", 4_022_468_096, 2560),
    _f2llm("8B", "5ac7d57351026337281e8e6a23e05cce16e79415", 7_568_405_504, 4096),
    _f2llm("14B", "e42037a37e12999db44ce8e1a0e63c366c273f6a", 13_990_394_880, 5120),
)
