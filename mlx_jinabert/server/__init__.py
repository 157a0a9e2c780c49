"""Embeddings and reranking over HTTP: OpenAI's, text-embeddings-inference's, Cohere's and Jina's endpoints.

``mlx-jinabert serve`` runs it (extra "server"). A request's way: ``web`` (who may ask, request ids, logs,
metrics), ``api`` (bodies in, bodies out), ``engine`` (tokens, the queue over all requests, the model).
"""
