"""Our models in other people's frameworks: a module for each, which imports that framework and nothing else.

Each needs its framework (extras "langchain", "llamaindex", "haystack", "llm", "chroma", "lancedb"); none is
imported by this package itself.
"""
