"""Candidates become an order of hits: evidence, weights, folding, reranking."""
