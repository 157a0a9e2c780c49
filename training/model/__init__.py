"""Teacher, student, tokenizer and losses."""
