"""Qwen2.5-VL, its text path."""
