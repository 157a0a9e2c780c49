"""Embedding models behind HTTP, with the surface of a local ``Embedder``.

    tei+http://host:8080                    text-embeddings-inference; tei+https://host too
    triton+http://host:8000/model           Triton, KServe: a model as convert-weights --to triton makes it
    openai:text-embedding-3-small           api.openai.com
    openai+https://host/v1#model            any server with an OpenAI-compatible /v1/embeddings
    voyage:voyage-code-3                    api.voyageai.com; voyage+https://host/v1#model for a gateway

These names go wherever a model's name goes (``mlx_jinabert.load``, ``codesearch --model``). **Texts leave
this machine only where such a name was given**, and for that host alone: nothing here is ever a default
or a fallback, and redirects are not followed.

Keys come from the environment: $TEI_API_KEY, $OPENAI_API_KEY, $VOYAGE_API_KEY, $TRITON_API_KEY. They go to
the host in the name, and into no log, error, ``repr`` or index. Names with credentials or a query part are
refused.
"""

from __future__ import annotations

from mlx_jinabert.remote.address import is_remote

__all__ = ["is_remote"]
