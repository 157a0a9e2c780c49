"""The search page of ``codesearch serve --port``: questions, facets, files and a map of the code."""
