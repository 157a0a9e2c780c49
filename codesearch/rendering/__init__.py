"""Answers as text and JSON, alike for the command line and agents."""
