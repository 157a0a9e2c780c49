"""Past one machine: engines, corpora over many workers, plans of size and cost."""
