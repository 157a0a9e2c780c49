"""Beyond one machine: search engines, corpora spread over workers, plans of size and cost."""
