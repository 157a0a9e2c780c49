"""The one place that reaches for mlx_jinabert: embedders, rerankers, a pool that loads each once."""
