"""Texts to token ids: prompts, tokenizer, pairs, batches."""
