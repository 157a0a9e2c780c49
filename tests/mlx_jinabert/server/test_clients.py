"""The clients that people use, as they are installed: the bytes are those of ``encode``."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import mlx_jinabert
from tests.mlx_jinabert.server.models import TEXTS
from tests.support.running import require
from tests.support.serving import Served

SENT = [text for text in TEXTS if text]
"""Some clients refuse to send nothing."""


def same(got: Sequence[Sequence[float]], embedder: mlx_jinabert.Embedder, texts: Sequence[str]) -> None:
    rows = np.asarray(got, np.float64).astype(np.float32)
    assert rows.tobytes() == embedder.encode(list(texts)).tobytes()


@pytest.fixture
def openai(server: Served) -> Any:
    require("openai")
    from openai import OpenAI

    with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("options", [{}, {"encoding_format": "base64"}, {"encoding_format": "float"}])
def test_openai(openai: Any, embedder: mlx_jinabert.Embedder, options: dict[str, Any]) -> None:
    answer = openai.embeddings.create(model="embedded", input=SENT, **options)
    rows = [row.embedding for row in answer.data]
    if options.get("encoding_format") == "base64":  # asked for by name, it is given as it comes
        import base64

        rows = [np.frombuffer(base64.b64decode(row), "<f4").tolist() for row in rows]
    same(rows, embedder, SENT)
    assert answer.usage.total_tokens == sum(embedder.count_tokens(SENT))


def test_openai_async(server: Served, embedder: mlx_jinabert.Embedder) -> None:
    require("openai")
    from openai import AsyncOpenAI

    async def ask() -> list[list[float]]:
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
            answers = [client.embeddings.create(model="embedded", input=text) for text in SENT]
            return [answer.data[0].embedding for answer in await asyncio.gather(*answers)]

    same(asyncio.run(ask()), embedder, SENT)


def test_openai_knows_our_errors(openai: Any) -> None:
    from openai import BadRequestError, NotFoundError

    with pytest.raises(NotFoundError, match="no embedding model named 'gpt'"):
        openai.embeddings.create(model="gpt", input="a")
    with pytest.raises(BadRequestError) as refused:
        openai.embeddings.create(model="embedded", input="b " * 600)
    assert refused.value.code == "context_length_exceeded"
    assert [model.id for model in openai.models.list()] == ["embedded", "ranker"]


@pytest.fixture
def hugging_face(server: Served, monkeypatch: pytest.MonkeyPatch) -> Any:
    from huggingface_hub import InferenceClient

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # the loopback is no network
    return InferenceClient(server.url)


def test_hugging_face_inference_client(hugging_face: Any, embedder: mlx_jinabert.Embedder) -> None:
    client = hugging_face
    same([client.feature_extraction(text)[0] for text in SENT], embedder, SENT)
    raw = client.feature_extraction(SENT[0], normalize=False, truncate=True)
    want = embedder.encode(SENT[:1], normalize_embeddings=False)
    assert np.asarray(raw, np.float32).tobytes() == want.tobytes()


def test_langchain_openai(server: Served, embedder: mlx_jinabert.Embedder) -> None:
    require("langchain_openai")
    from langchain_openai import OpenAIEmbeddings

    client = OpenAIEmbeddings(
        model="embedded",
        base_url=f"{server.url}/v1",
        api_key="none",
        check_embedding_ctx_length=False,  # or it sends the ids of OpenAI's tokenizer
    )
    same(client.embed_documents(SENT), embedder, SENT)
    same([client.embed_query(SENT[0])], embedder, SENT[:1])
    same(asyncio.run(client.aembed_documents(SENT)), embedder, SENT)


def test_langchain_huggingface(hugging_face: Any, embedder: mlx_jinabert.Embedder) -> None:
    require("langchain_huggingface")
    from langchain_huggingface import HuggingFaceEndpointEmbeddings

    client = HuggingFaceEndpointEmbeddings(model="someone/embedded")
    client.client = hugging_face  # it takes no address itself
    texts = [text.replace("\n", " ") for text in SENT]  # as it does itself
    same(client.embed_documents(texts), embedder, texts)


def test_llama_index_tei(server: Served, embedder: mlx_jinabert.Embedder) -> None:
    require("llama_index.embeddings.text_embeddings_inference")
    from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

    client = TextEmbeddingsInference(model_name="embedded", base_url=server.url)
    same(client.get_text_embedding_batch(SENT), embedder, SENT)
    same([client.get_query_embedding(SENT[0])], embedder, SENT[:1])
    same([asyncio.run(client.aget_text_embedding(SENT[1]))], embedder, SENT[1:2])


def test_curl(server: Served, embedder: mlx_jinabert.Embedder) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    body = json.dumps({"inputs": TEXTS})
    command = ["curl", "-sf", f"{server.url}/embed", "-H", "Content-Type: application/json", "-d", "@-"]
    out = subprocess.run(command, input=body, capture_output=True, text=True, check=True).stdout
    same(json.loads(out), embedder, TEXTS)
