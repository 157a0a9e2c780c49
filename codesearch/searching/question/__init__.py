"""The question taken apart: words, names, places, messages, patterns."""
