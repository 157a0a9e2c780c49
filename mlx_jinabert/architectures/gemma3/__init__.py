"""Gemma-3, its text model."""
