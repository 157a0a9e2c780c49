"""Models that run on this machine: their records, embedders and rerankers."""
