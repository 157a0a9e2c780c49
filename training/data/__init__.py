"""Pairs of question and code become batches."""
