"""From public repositories under permissive licences to chunks and (query, chunk) pairs.

``python -m training.corpus`` has three steps: ``manifest`` decides which commits of which repositories
may be learned from, ``fetch`` gets them, ``build`` writes the data. Only the manifest is kept in this
repository, never what it names.
"""
