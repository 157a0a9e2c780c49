"""C2LLM."""
