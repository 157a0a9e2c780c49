"""Decoders with rotary positions, grouped keys and SwiGLU: what Qwen2, Qwen3 and Gemma-2 share."""
