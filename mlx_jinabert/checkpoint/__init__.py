"""A model on disk: download, folder layout, sentence-transformers files, weights, fingerprint, licence."""
