"""Retrievers for other frameworks, one module per framework; each imports only its own."""
