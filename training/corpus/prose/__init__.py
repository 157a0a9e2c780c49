"""Comments, messages and sentences become questions."""
