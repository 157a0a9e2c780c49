"""JinaBERT: ALiBi, gated MLP, layer norm of queries and keys."""
