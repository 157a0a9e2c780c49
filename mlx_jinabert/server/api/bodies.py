"""The bodies of requests: what fields there are, and what is said about one that is wrong.

Unknown fields are refused, by name: one that is ignored would be a setting that silently does nothing. A
field's description is the noun that an error message puts after "must be".
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlx_jinabert.server.errors import invalid

__all__ = [
    "Document",
    "EmbedBody",
    "EmbeddingsBody",
    "RankBody",
    "RerankBody",
    "TokenizeBody",
    "parse",
]

Ids = list[int]
Inputs = str | list[str] | Ids | list[Ids]

_TEXTS = "a string, a list of strings, a list of token ids or a list of lists of token ids"
_FLAG = "true, false or null"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _flag(default: bool | None) -> bool | None:
    flag: bool | None = Field(default, description=_FLAG)
    return flag


class EmbeddingsBody(_Body):
    """OpenAI's POST /v1/embeddings, with ``input_type`` as Voyage has it."""

    input: Inputs = Field(description=_TEXTS)
    model: str | None = Field(None, description="the name of a model (GET /v1/models lists them)")
    encoding_format: Literal["float", "base64"] | None = Field(None, description="'float' or 'base64'")
    dimensions: Annotated[int, Field(ge=1)] | None = Field(None, description="a positive integer")
    user: str | None = Field(None, description="a string; it is not looked at")
    input_type: Literal["query", "document"] | None = Field(
        None, description="'query' or 'document', for the prompt that the model was trained with"
    )


class EmbedBody(_Body):
    """text-embeddings-inference's POST /embed."""

    inputs: Inputs = Field(description=_TEXTS)
    normalize: bool | None = Field(True, description=_FLAG)
    truncate: bool | None = Field(None, description=_FLAG)
    truncation_direction: Literal["Right", "right"] = Field(
        "Right", description="'Right': texts are cut at their end"
    )
    prompt_name: str | None = Field(None, description="the name of one of the model's prompts")
    dimensions: Annotated[int, Field(ge=1)] | None = Field(None, description="a positive integer")
    encoding_format: Literal["float"] | None = Field(None, description="'float'")


class TokenizeBody(_Body):
    """text-embeddings-inference's POST /tokenize."""

    inputs: str | list[str] = Field(description="a string or a list of strings")
    add_special_tokens: bool = Field(True, description="true or false")
    prompt_name: str | None = Field(None, description="the name of one of the model's prompts")


class RankBody(_Body):
    """text-embeddings-inference's POST /rerank."""

    query: str = Field(description="a string")
    texts: list[str] = Field(description="a list of strings")
    raw_scores: bool = Field(False, description="true or false")
    return_text: bool = Field(False, description="true or false")
    truncate: bool | None = Field(None, description=_FLAG)
    truncation_direction: Literal["Right", "right"] = Field(
        "Right", description="'Right': texts are cut at their end"
    )


class Document(_Body):
    """A document as Cohere and Jina take it where it is no string."""

    text: str = Field(description="a string")


class RerankBody(_Body):
    """Cohere's POST /v2/rerank and Jina's POST /v1/rerank."""

    query: str = Field(description="a string")
    documents: list[str | Document] = Field(description="a list of strings or of objects with a 'text'")
    model: str | None = Field(None, description="the name of a reranker (GET /v1/models lists them)")
    top_n: Annotated[int, Field(ge=1)] | None = Field(None, description="a positive integer")
    return_documents: bool | None = Field(None, description=_FLAG)
    max_tokens_per_doc: Annotated[int, Field(ge=1)] | None = Field(None, description="a positive integer")
    truncation: bool | None = Field(None, description=_FLAG)


B = TypeVar("B", bound=_Body)


def parse(kind: type[B], content: bytes) -> B:
    """The body of a request; ApiError that names the first field that is wrong, and no value."""
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = [str(part) for part in first["loc"]]
    if not where:
        raise invalid(f"the body must be a JSON object: {first['msg']}")
    name = where[0]
    known = kind.model_fields.get(name)
    if known is None:
        raise invalid(f"unknown field {name!r}; known are {', '.join(kind.model_fields)}", name)
    if first["type"] == "missing" and len(where) == 1:
        raise invalid(f"field {name!r} is missing: {known.description}", name)
    raise invalid(f"field {name!r} must be {known.description}", name)
