"""Gemma-2."""
