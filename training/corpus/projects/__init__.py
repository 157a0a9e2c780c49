"""The repositories that the corpus is made of."""
