"""The words of the full-text index and their statistics."""
